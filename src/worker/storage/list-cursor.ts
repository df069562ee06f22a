import { fromBase64UrlEncoded, toBase64UrlEncoded } from "lib0/buffer";
import * as v from "valibot";
import { SORTS } from "../../protocol/catalogue.ts";

/**
 * Where the next page of a list begins: behind an entry, by the value it is sorted by and its id. A list by relevance
 * has no value that stays: there it is a number of entries.
 */
const CursorSchema = v.union([
  v.object({ sort: v.picklist(SORTS), value: v.union([v.string(), v.number()]), id: v.string() }),
  v.object({ sort: v.literal("relevance"), offset: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
]);
export type ListCursor = v.InferOutput<typeof CursorSchema>;

/** Opaque to clients: JSON in base64url. */
export function encodeCursor(cursor: ListCursor): string {
  return toBase64UrlEncoded(new TextEncoder().encode(JSON.stringify(cursor)));
}

/** Null for what `encodeCursor` has not made. */
export function decodeCursor(text: string): ListCursor | null {
  try {
    const json = new TextDecoder().decode(fromBase64UrlEncoded(text));
    const result = v.safeParse(CursorSchema, JSON.parse(json));
    return result.success ? result.output : null;
  } catch {
    return null; // not base64, or not JSON
  }
}
