import { fold } from "../../core/catalogue/folded-text.ts";
import { holdsFor } from "../../protocol/access.ts";
import type { Dependents, FolderCounts, TagCounts } from "../../protocol/catalogue.ts";
import { MAX_DEPENDENTS } from "../../protocol/limits.ts";
import { type StoredEntry, toStored } from "./catalogue-entries.ts";
import { afterPrefix } from "./list-choice.ts";
import type { LiveEntries } from "./live-entries.ts";
import { type View, visibleIds } from "./visible-ids.ts";

const MAX_SUGGESTIONS = 50;

/**
 * Counts, dependents, ids and changes, from SQLite: of the fragments that a caller may know of, as if there were no
 * others. Pages of fragments are in fragment-pages.ts.
 */
export class CatalogueLists {
  readonly #sql: SqlStorage;
  readonly #live: LiveEntries;

  constructor(storage: DurableObjectStorage, live: LiveEntries) {
    this.#sql = storage.sql;
    this.#live = live;
  }

  /** The ids after this one, in order; none when there are no more. */
  ids(view: View, afterId: string, limit: number): string[] {
    const [visible, ...values] = visibleIds("id", view);
    return this.#strings(
      `SELECT id FROM fragment WHERE is_deleted = 0 AND id > ? AND ${visible} ORDER BY id LIMIT ?`,
      afterId,
      ...values,
      limit,
    );
  }

  tags(view: View): TagCounts {
    const live = this.#live.all().filter(({ entry }) => holdsFor(view, entry.id));
    const [visible, ...values] = visibleIds("entry.id", view);
    const rows = this.#sql.exec(
      `SELECT value AS tag, count(*) AS count FROM fragment AS entry, json_each(entry.tags)
       WHERE is_deleted = 0 AND ${visible} AND number NOT IN (SELECT value FROM json_each(?)) GROUP BY value`,
      ...values,
      JSON.stringify(live.map(({ number }) => number)),
    );
    const counts = new Map(Array.from(rows.raw(), ([tag, count]) => [String(tag), Number(count)]));
    for (const { entry } of live) for (const tag of entry.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    const tags = Array.from(counts, ([tag, count]) => ({ tag, count }));
    return { tags: tags.sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1)) };
  }

  folders(view: View, prefix: string): FolderCounts {
    const within = prefix === "" ? "" : `${prefix}/`;
    const [visible, ...values] = visibleIds("id", view);
    const rows = this.#sql.exec(
      `SELECT ?1 || substr(rest, 1, instr(rest, '/') - 1) AS path, count(*) AS count
       FROM (SELECT substr(id, length(?1) + 1) AS rest FROM fragment
             WHERE is_deleted = 0 AND id >= ?1 AND (?1 = '' OR id < ?2) AND ${visible})
       WHERE instr(rest, '/') > 0 GROUP BY path ORDER BY path`,
      within,
      afterPrefix(within),
      ...values,
    );
    return {
      folders: rows.toArray().map((row) => ({ path: String(row["path"]), count: Number(row["count"]) })),
    };
  }

  /** A dependent that the caller may not know of is not named, and neither is one that includes `id` only through it. */
  dependents(view: View, id: string): Dependents {
    const [visible, ...values] = visibleIds("source", view);
    const direct = this.#strings(
      `SELECT source FROM inclusion WHERE target = ?1 AND source <> ?1 AND ${visible} ORDER BY source LIMIT ?`,
      id,
      ...values,
      MAX_DEPENDENTS + 1,
    );
    const root = `?${values.length + 1}`;
    const indirect = this.#strings(
      `WITH RECURSIVE seen (target, source) AS NOT MATERIALIZED (
         SELECT target, source FROM inclusion WHERE ${visible}
       ), dependent (id) AS (
         SELECT source FROM seen WHERE target = ${root}
         UNION SELECT source FROM seen JOIN dependent ON target = dependent.id
       ) SELECT id FROM dependent
         WHERE id <> ${root} AND id NOT IN (SELECT source FROM seen WHERE target = ${root}) ORDER BY id LIMIT ?`,
      ...values,
      id,
      MAX_DEPENDENTS + 1,
    );
    return {
      id,
      direct: direct.slice(0, MAX_DEPENDENTS),
      indirect: indirect.slice(0, MAX_DEPENDENTS),
      truncated: Math.max(direct.length, indirect.length) > MAX_DEPENDENTS,
    };
  }

  /** Ids that contain the text anywhere, folded as in a search, in order. Reads all ids. */
  suggestions(view: View, text: string, exclude: readonly string[]): string[] {
    const wanted = folded(text.replaceAll(" ", "_"));
    const found: string[] = [];
    const [visible, ...values] = visibleIds("id", view);
    const query = `SELECT id FROM fragment WHERE is_deleted = 0 AND ${visible} ORDER BY id`;
    for (const [raw] of this.#sql.exec(query, ...values).raw()) {
      const id = String(raw);
      if (!folded(id).includes(wanted) || exclude.includes(id)) continue;
      found.push(id);
      if (found.length === MAX_SUGGESTIONS) break;
    }
    return found;
  }

  /**
   * The entries that have changed after number `seq`, in the order of their last changes. To a caller that may not know of
   * the new id of a renamed fragment, the rename is no change: it has seen the deletion.
   */
  changedSince(view: View, seq: number, limit: number): StoredEntry[] {
    const [visible, ...values] = visibleIds("id", view);
    const [isRenameVisible, ...renameValues] = visibleIds("renamed_to", view);
    const query = `SELECT * FROM fragment
      WHERE seq > ? AND ${visible} AND (renamed_to IS NULL OR ${isRenameVisible} OR created_seq > ?)
      ORDER BY seq LIMIT ?`;
    return this.#sql
      .exec(query, seq, ...values, ...renameValues, seq, limit)
      .toArray()
      .map(toStored);
  }

  includedBy(view: View, id: string): number {
    const [visible, ...values] = visibleIds("source", view);
    const query = `SELECT count(*) AS count FROM inclusion WHERE target = ?1 AND source <> ?1 AND ${visible}`;
    return Number(this.#sql.exec(query, id, ...values).one()["count"]);
  }

  #strings(query: string, ...values: SqlStorageValue[]): string[] {
    return Array.from(this.#sql.exec(query, ...values).raw(), ([value]) => String(value));
  }
}

/** Folds a text to one word, since ids have no spaces. */
function folded(text: string): string {
  return fold(text).replaceAll(" ", "");
}
