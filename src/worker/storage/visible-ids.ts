import type { Access } from "../../protocol/access.ts";
import { MAX_PREFIXES } from "../../protocol/limits.ts";

/** The part of an access that decides which fragments its caller may know of. */
export type View = Pick<Access, "prefixes">;

/** A part of a `WHERE`, with its values. */
export type Condition = readonly [sql: string, ...values: SqlStorageValue[]];

/** The view of callers that may know of every fragment. */
export const FULL_VIEW: View = { prefixes: null };

/** Follows every character that an id can hold. SQLite compares texts by the bytes of their UTF-8, so by code points. */
const LAST = "\u{10ffff}";

/**
 * Ranges that a statement names one by one, so that it reads nothing else. Each takes two values, twice in the longest
 * statement, which can have 100. Two rights with `MAX_PREFIXES` each can leave more.
 */
const MAX_NAMED_RANGES = MAX_PREFIXES;

/**
 * Chooses the rows whose id the caller may know of: `holdsFor` (protocol/access.ts) in SQL. The ids of one prefix are a
 * range, so an index on the column leads to them.
 */
export function visibleIds(column: string, { prefixes }: View): Condition {
  if (prefixes === null) return ["1"];
  const ranges = prefixes.map(rangeOf);
  if (ranges.length === 0) return ["0"];
  if (ranges.length <= MAX_NAMED_RANGES) {
    const named = ranges.map(() => `(${column} >= ? AND ${column} < ?)`);
    return [`(${named.join(" OR ")})`, ...ranges.flat()];
  }
  return [
    // The inner table shows these two columns only: `json_each` has a column `id` of its own.
    `EXISTS (SELECT 1 FROM (SELECT value ->> 0 AS low, value ->> 1 AS high FROM json_each(?))
       WHERE ${column} >= low AND ${column} < high)`,
    JSON.stringify(ranges),
  ];
}

/** The first text of the range, and the first one after it. `$` sorts before every character that an id can go on with. */
function rangeOf(prefix: string): readonly [from: string, before: string] {
  return prefix.endsWith("$") ? [prefix.slice(0, -1), prefix] : [prefix, prefix + LAST];
}

/** Names what an access may see: two views with the same name see the same. */
export function nameOfView({ prefixes }: View): string {
  return JSON.stringify(prefixes);
}
