import { type SearchTerm, toFtsQuery } from "../../core/catalogue/search-terms.ts";
import type { ListQuery } from "../../protocol/catalogue.ts";
import type { LiveEntries } from "./live-entries.ts";
import { type Condition, type View, visibleIds } from "./visible-ids.ts";

/** The rows of a list, in SQL. */
export interface Choice {
  /** Goes before the query. Its values come first. */
  readonly with: string;
  readonly from: string;
  readonly where: string;
  /** The time by which the rows are sorted. */
  readonly updatedAtMs: string;
  readonly values: readonly SqlStorageValue[];
}

/**
 * Chooses among the fragments that the caller may know of, by the newest fields. The live entries are tested here; SQLite gets the time of each and whether it fits, in
 * about ten bytes, and joins them by number. So the cost grows with the number of rows and with the number of live
 * entries, not with their product.
 */
export function chooseRows(
  view: View,
  query: ListQuery,
  terms: readonly SearchTerm[] | null,
  live: LiveEntries,
): Choice {
  const { tag = [], type, updated_since, prefix } = query;
  const sinceMs = updated_since === undefined ? null : Date.parse(updated_since);
  const byFields: Condition[] = [];
  if (tag.length > 0)
    byFields.push([
      `NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted
         WHERE wanted.value NOT IN (SELECT value FROM json_each(entry.tags)))`,
      JSON.stringify(tag),
    ]);
  if (type !== undefined) byFields.push(["prompt_type = ?", type]);
  if (sinceMs !== null) byFields.push(["entry.updated_at_ms >= ?", sinceMs]);
  const others: Condition[] = [["is_deleted = 0"], visibleIds("entry.id", view)];
  if (prefix !== undefined && prefix !== "") {
    const within = `${prefix.replace(/\/+$/u, "")}/`;
    others.push(["entry.id >= ? AND entry.id < ?", within, afterPrefix(within)]);
  }
  if (terms !== null) others.push(["words MATCH ?", toFtsQuery(terms)]);
  const from = `fragment AS entry ${terms === null ? "" : "JOIN words ON words.rowid = entry.number"}`;
  if (live.isEmpty) {
    const [where, ...values] = all([...others, ...byFields]);
    return { with: "", from, where, updatedAtMs: "entry.updated_at_ms", values };
  }
  const fitting = live.all().map(({ number, entry }) => {
    const fits =
      tag.every((one) => entry.tags.includes(one)) &&
      (type === undefined || entry.prompt_type === type) &&
      (sinceMs === null || entry.updatedAtMs >= sinceMs);
    return [number, entry.updatedAtMs, fits ? 1 : 0];
  });
  const [stored, ...storedValues] = all([["1"], ...byFields]);
  const [where, ...values] = all([
    ...others,
    [`CASE WHEN live.number IS NULL THEN ${stored} ELSE live.fits END`, ...storedValues],
  ]);
  return {
    with: `WITH live (number, updated_at_ms, fits) AS MATERIALIZED (
      SELECT CAST(value ->> 0 AS INTEGER), value ->> 1, value ->> 2 FROM json_each(?))`,
    from: `${from} LEFT JOIN live ON live.number = entry.number`,
    where,
    updatedAtMs: "coalesce(live.updated_at_ms, entry.updated_at_ms)",
    values: [JSON.stringify(fitting), ...values],
  };
}

/** The first text after all that begin with `within`, which ends with a slash. */
export function afterPrefix(within: string): string {
  return `${within.slice(0, -1)}0`; // "0" follows "/" in Unicode
}

function all(conditions: readonly Condition[]): Condition {
  return [conditions.map(([sql]) => sql).join(" AND "), ...conditions.flatMap(([, ...values]) => values)];
}
