import { fold } from "../../core/catalogue/folded-text.ts";
import type { Dependents, FolderCounts, TagCounts } from "../../protocol/catalogue.ts";
import { MAX_DEPENDENTS } from "../../protocol/limits.ts";
import { type StoredEntry, toStored } from "./catalogue-entries.ts";
import { afterPrefix } from "./list-choice.ts";
import type { LiveEntries } from "./live-entries.ts";

const MAX_SUGGESTIONS = 50;

/** Counts, dependents and ids of the whole catalogue, from SQLite. Pages of fragments are in fragment-pages.ts. */
export class CatalogueLists {
  readonly #sql: SqlStorage;
  readonly #live: LiveEntries;

  constructor(storage: DurableObjectStorage, live: LiveEntries) {
    this.#sql = storage.sql;
    this.#live = live;
  }

  /** The ids after this one, in order; none when there are no more. */
  ids(afterId: string, limit: number): string[] {
    return this.#strings(
      "SELECT id FROM fragment WHERE is_deleted = 0 AND id > ? ORDER BY id LIMIT ?",
      afterId,
      limit,
    );
  }

  tags(): TagCounts {
    const live = this.#live.all();
    const rows = this.#sql.exec(
      `SELECT value AS tag, count(*) AS count FROM fragment AS entry, json_each(entry.tags)
       WHERE is_deleted = 0 AND number NOT IN (SELECT value FROM json_each(?)) GROUP BY value`,
      JSON.stringify(live.map(({ number }) => number)),
    );
    const counts = new Map(Array.from(rows.raw(), ([tag, count]) => [String(tag), Number(count)]));
    for (const { entry } of live) for (const tag of entry.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    const tags = Array.from(counts, ([tag, count]) => ({ tag, count }));
    return { tags: tags.sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1)) };
  }

  folders(prefix: string): FolderCounts {
    const within = prefix === "" ? "" : `${prefix}/`;
    const rows = this.#sql.exec(
      `SELECT ?1 || substr(rest, 1, instr(rest, '/') - 1) AS path, count(*) AS count
       FROM (SELECT substr(id, length(?1) + 1) AS rest FROM fragment
             WHERE is_deleted = 0 AND id >= ?1 AND (?1 = '' OR id < ?2))
       WHERE instr(rest, '/') > 0 GROUP BY path ORDER BY path`,
      within,
      afterPrefix(within),
    );
    return {
      folders: rows.toArray().map((row) => ({ path: String(row["path"]), count: Number(row["count"]) })),
    };
  }

  dependents(id: string): Dependents {
    const direct = this.#strings(
      "SELECT source FROM inclusion WHERE target = ?1 AND source <> ?1 ORDER BY source LIMIT ?2",
      id,
      MAX_DEPENDENTS + 1,
    );
    const indirect = this.#strings(
      `WITH RECURSIVE dependent (id) AS (
         SELECT source FROM inclusion WHERE target = ?1
         UNION SELECT source FROM inclusion JOIN dependent ON target = dependent.id
       ) SELECT id FROM dependent
         WHERE id <> ?1 AND id NOT IN (SELECT source FROM inclusion WHERE target = ?1) ORDER BY id LIMIT ?2`,
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
  suggestions(text: string, exclude: readonly string[]): string[] {
    const wanted = folded(text.replaceAll(" ", "_"));
    const found: string[] = [];
    for (const [raw] of this.#sql.exec("SELECT id FROM fragment WHERE is_deleted = 0 ORDER BY id").raw()) {
      const id = String(raw);
      if (!folded(id).includes(wanted) || exclude.includes(id)) continue;
      found.push(id);
      if (found.length === MAX_SUGGESTIONS) break;
    }
    return found;
  }

  /** The entries that have changed after number `seq`, in the order of their last changes. */
  changedSince(seq: number, limit: number): StoredEntry[] {
    return this.#sql
      .exec("SELECT * FROM fragment WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
      .toArray()
      .map(toStored);
  }

  includedBy(id: string): number {
    const query = "SELECT count(*) AS count FROM inclusion WHERE target = ?1 AND source <> ?1";
    return Number(this.#sql.exec(query, id).one()["count"]);
  }

  #strings(query: string, ...values: SqlStorageValue[]): string[] {
    return Array.from(this.#sql.exec(query, ...values).raw(), ([value]) => String(value));
  }
}

/** Folds a text to one word, since ids have no spaces. */
function folded(text: string): string {
  return fold(text).replaceAll(" ", "");
}
