import type { CatalogueEntry } from "../../src/core/feed/catalogue-update.ts";

/** The entry of a fragment as it was made, but for the fields that the test gives. */
export function entryOf(id: string, fields: Partial<CatalogueEntry> = {}): CatalogueEntry {
  return {
    id,
    revision: 1,
    createdAtMs: 1,
    updatedAtMs: 2,
    size: 1,
    description: "",
    tags: [],
    prompt_type: "standard",
    ...fields,
  };
}
