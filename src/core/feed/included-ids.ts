import { EXPANSION_BUDGETS } from "../../language/expansion.ts";
import type { FragmentId } from "../../language/fragment-id.ts";
import { scanIncludedIds } from "../../language/included-ids.ts";
import { dropExtension } from "../../language/inclusion.ts";

/**
 * The distinct fragments that a text may include, sorted. Each id is a row in the catalogue, so only the first are taken,
 * as many as an expansion can hold.
 */
export function includedIds(text: string): FragmentId[] {
  const ids = new Set<FragmentId>();
  for (const id of scanIncludedIds(text)) {
    ids.add(id);
    if (ids.size === EXPANSION_BUDGETS.fragments) break;
  }
  return [...ids].sort();
}

/** How many fragments these are: an inclusion of `a.md` gets one of the two that it may mean. */
export function countIncluded(ids: readonly string[]): number {
  const all = new Set(ids);
  return ids.filter((id) => dropExtension(id) === id || !all.has(dropExtension(id))).length;
}
