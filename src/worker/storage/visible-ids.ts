import type { Access } from "../../protocol/access.ts";

/** The part of an access that decides which fragments its caller may know of. */
export type View = Pick<Access, "prefixes">;

/** A part of a `WHERE`, with its values. */
export type Condition = readonly [sql: string, ...values: SqlStorageValue[]];

/** The view of callers that may know of every fragment. */
export const FULL_VIEW: View = { prefixes: null };

/** Follows every character that an id can hold. SQLite compares texts by the bytes of their UTF-8, so by code points. */
const LAST = "\u{10ffff}";

/**
 * Chooses the rows whose id the caller may know of: `holdsFor` (protocol/access.ts) in SQL. The ids with one prefix are
 * a range, so an index on the column leads to them. Several prefixes are one value, since a statement takes at most 100.
 */
export function visibleIds(column: string, { prefixes }: View): Condition {
  if (prefixes === null) return ["1"];
  const ranges = prefixes.map(rangeOf);
  const [first, ...others] = ranges;
  if (first === undefined) return ["0"];
  if (others.length === 0) return [`${column} >= ? AND ${column} < ?`, ...first];
  return [
    `EXISTS (SELECT 1 FROM json_each(?) WHERE ${column} >= value ->> 0 AND ${column} < value ->> 1)`,
    JSON.stringify(ranges),
  ];
}

/** A prefix that ends with `$` is one id (protocol/access.ts). */
function rangeOf(prefix: string): readonly [first: string, end: string] {
  if (!prefix.endsWith("$")) return [prefix, prefix + LAST];
  const id = prefix.slice(0, -1);
  return [id, `${id}\u0001`]; // a character before all that an id can hold
}

/** Names what an access may see: two views with the same name see the same. */
export function nameOfView({ prefixes }: View): string {
  return JSON.stringify(prefixes);
}
