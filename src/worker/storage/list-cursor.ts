import { fromBase64UrlEncoded, toBase64UrlEncoded } from "lib0/buffer";
import * as v from "valibot";
import { SORTS, type Sort } from "../../protocol/catalogue.ts";
import { MAX_PAGE_SIZE } from "../../protocol/limits.ts";

/** Matches that are ranked. A cursor that names more would be too long for an address (4 kB). */
export const MAX_RANKED = 500;

/**
 * Where the next page of a list begins: after an entry, by the value that it is sorted by and its id.
 *
 * Ranks are not stable: a change of one entry moves those of all. So a cursor by relevance names the entries that were
 * shown, and the next page has the best of the others. After `MAX_RANKED` entries, the others follow by number.
 */
export type ListCursor =
  | { readonly sort: Sort; readonly value: string | number; readonly id: string }
  | {
      readonly sort: "relevance";
      /** Numbers of entries. */
      readonly shown: readonly number[];
      /** The number after which the others follow; null while they are ranked. */
      readonly after: number | null;
    };

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const SortedSchema = v.object({
  sort: v.picklist(SORTS),
  value: v.union([v.string(), v.number()]),
  id: v.string(),
});
/** The numbers shown, in order, as the steps from each to the next, which are short. */
const RankedSchema = v.object({
  sort: v.literal("relevance"),
  steps: v.pipe(v.array(natural), v.maxLength(MAX_RANKED + MAX_PAGE_SIZE)),
  after: v.nullable(natural),
});
const CursorSchema = v.union([SortedSchema, RankedSchema]);

/** Opaque to clients: JSON in base64url. */
export function encodeCursor(cursor: ListCursor): string {
  const written = "shown" in cursor ? toSteps(cursor) : cursor;
  return toBase64UrlEncoded(new TextEncoder().encode(JSON.stringify(written)));
}

/** Null for a text that `encodeCursor` has not made. */
export function decodeCursor(text: string): ListCursor | null {
  try {
    const json = new TextDecoder().decode(fromBase64UrlEncoded(text));
    const result = v.safeParse(CursorSchema, JSON.parse(json));
    if (!result.success) return null;
    return "steps" in result.output ? fromSteps(result.output) : result.output;
  } catch {
    return null; // not base64, or not JSON
  }
}

function toSteps({ sort, shown, after }: Extract<ListCursor, { shown: unknown }>) {
  const sorted = shown.toSorted((a, b) => a - b);
  return { sort, steps: sorted.map((number, at) => number - (sorted[at - 1] ?? 0)), after };
}

function fromSteps({ sort, steps, after }: v.InferOutput<typeof RankedSchema>): ListCursor {
  let number = 0;
  const shown = steps.map((step) => {
    number += step;
    return number;
  });
  return { sort, shown, after };
}
