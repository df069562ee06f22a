import type { CatalogueEntry } from "../../core/catalogue/parcel.ts";
import {
  MARK_CLOSE,
  MARK_OPEN,
  readMarked,
  toFtsQuery,
  toSearchText,
} from "../../core/catalogue/search-text.ts";
import type {
  Dependents,
  FolderCounts,
  FragmentPage,
  FragmentSummary,
  ListQuery,
  Sort,
  TagCounts,
} from "../../protocol/catalogue.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_DEPENDENTS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { type StoredEntry, toStored } from "./catalogue-entries.ts";
import { decodeCursor, encodeCursor, type ListCursor, MAX_RANKED } from "./list-cursor.ts";

/** Words of the content around what was found; characters, in scripts without spaces. FTS5 takes 64 at most. */
const SNIPPET_WORDS = 40;
const MAX_SUGGESTIONS = 50;

/** By what each sort orders, and which way. Ids break ties, in the same direction. */
const ORDERS: Readonly<Record<Exclude<Sort, "relevance">, { column: string; isDescending: boolean }>> = {
  id: { column: "id", isDescending: false },
  "-id": { column: "id", isDescending: true },
  updated_at: { column: "updated_at_ms", isDescending: false },
  "-updated_at": { column: "updated_at_ms", isDescending: true },
  created_at: { column: "created_at_ms", isDescending: false },
  "-created_at": { column: "created_at_ms", isDescending: true },
};
/** A match in the id weighs most, one in the content least (FTS5's bm25). */
const RELEVANCE = "bm25(10.0, 4.0, 6.0, 1.0)";

/** The columns of a match, with marks around what was found. */
const MARKED = `highlight(words, 0, '${MARK_OPEN}', '${MARK_CLOSE}') AS marked_id,
  highlight(words, 1, '${MARK_OPEN}', '${MARK_CLOSE}') AS marked_description,
  snippet(words, 3, '${MARK_OPEN}', '${MARK_CLOSE}', '…', ${SNIPPET_WORDS}) AS marked_excerpt`;

/** What is not in the tables yet: the newest entries of fragments whose text is still to come, by id. */
export type LiveEntries = ReadonlyMap<string, CatalogueEntry>;

/**
 * The catalogue's questions, answered from SQLite. Where a fragment is being edited its fields come from the live
 * entries; what is searched is the text that is stored.
 */
export class CatalogueLists {
  readonly #sql: SqlStorage;
  readonly #live: LiveEntries;

  constructor(storage: DurableObjectStorage, live: LiveEntries) {
    this.#sql = storage.sql;
    this.#live = live;
  }

  list(query: ListQuery): FragmentPage | Refusal {
    const sort = query.sort ?? (query.query === undefined ? "-updated_at" : "relevance");
    const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
    if (query.cursor !== undefined && cursor?.sort !== sort)
      return refusal("invalid_query", "cursor: must be the next_cursor of a list with the same sort.");
    const words = query.query === undefined ? null : toFtsQuery(query.query);
    if (query.query !== undefined && words === null) return { fragments: [], total: 0, next_cursor: null };

    if (sort === "relevance") {
      if (words === null) return refusal("invalid_query", "sort: relevance needs a query.");
      return this.#relevant(query, words, cursor);
    }
    const where = this.#where(query, words);
    const from = `${this.#entries()} ${words === null ? "" : "JOIN words ON words.rowid = entry.number"}`;
    const total = Number(
      this.#sql.exec(`${from.replace("*", "count(*) AS total")} WHERE ${where.sql}`, ...where.values).one()[
        "total"
      ],
    );
    const page = this.#page(from, where, sort, cursor, query.limit);
    const fragments = page.rows
      .slice(0, query.limit)
      .map((row) => this.#summary(row, words === null ? null : this.#mark(row["number"] as number, words)));
    const hasMore = page.rows.length > query.limit;
    return { fragments, total, next_cursor: hasMore ? page.next() : null };
  }

  /**
   * The best matches first. One pass of the index ranks, and marks what was found in those that are shown: FTS5 does
   * both for the rows of the page only when it is asked for `rank` (sqlite.org/fts5.html, 5.1).
   */
  #relevant(query: ListQuery, words: string, cursor: ListCursor | null): FragmentPage {
    const { shown, after } = cursor !== null && "shown" in cursor ? cursor : { shown: [], after: null };
    const { prefix, tag, type, updated_since } = query;
    const isNarrowed = [prefix, tag, type, updated_since].some((one) => one !== undefined);
    const where = this.#where(query, null);
    const narrowed = `${this.#entries().replace("*", "entry.number")} WHERE ${where.sql}`;
    // The plus keeps SQLite from asking the index anew for each of those numbers.
    const within = isNarrowed ? `AND +rowid IN (${narrowed})` : "";
    const values = [words, ...(isNarrowed ? where.values : [])];
    const counted = this.#sql.exec(
      `SELECT count(*) AS total FROM words WHERE words MATCH ? ${within}`,
      ...values,
    );
    const rows = this.#sql
      .exec(
        `SELECT rowid AS number, ${MARKED} FROM words WHERE words MATCH ? AND rank MATCH '${RELEVANCE}' ${within}
           AND +rowid NOT IN (SELECT value FROM json_each(?)) AND rowid > CAST(? AS INTEGER)
         ORDER BY ${after === null ? "rank" : "rowid"} LIMIT ?`,
        ...values,
        JSON.stringify(shown),
        after ?? 0,
        query.limit + 1,
      )
      .toArray();
    const page = rows.slice(0, query.limit);
    const fragments = page.map((found) => this.#summary(this.#shown(found["number"] as number), found));
    const total = Number(counted.one()["total"]);
    if (rows.length <= query.limit) return { fragments, total, next_cursor: null };
    const numbers = page.map(({ number }) => Number(number));
    return { fragments, total, next_cursor: encodeCursor(rankedCursor(shown, after, numbers)) };
  }

  /** Ids in their order, behind one; none when there are no more. */
  ids(afterId: string, limit: number): string[] {
    return this.#strings(
      "SELECT id FROM fragment WHERE is_deleted = 0 AND id > ? ORDER BY id LIMIT ?",
      afterId,
      limit,
    );
  }

  tags(): TagCounts {
    const rows = this.#sql.exec(
      `SELECT value AS tag, count(*) AS count FROM (${this.#entries()}) AS entry, json_each(entry.tags)
       GROUP BY value ORDER BY count DESC, tag`,
      ...this.#liveJson(),
    );
    return { tags: rows.toArray().map((row) => ({ tag: String(row["tag"]), count: Number(row["count"]) })) };
  }

  folders(prefix: string): FolderCounts {
    const within = prefix === "" ? "" : `${prefix}/`;
    const rows = this.#sql.exec(
      `SELECT ?1 || substr(rest, 1, instr(rest, '/') - 1) AS path, count(*) AS count
       FROM (SELECT substr(id, length(?1) + 1) AS rest FROM fragment
             WHERE is_deleted = 0 AND id >= ?1 AND (?1 = '' OR id < ?2))
       WHERE instr(rest, '/') > 0 GROUP BY path ORDER BY path`,
      within,
      behindPrefix(within),
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

  /** Ids that hold the text anywhere, whatever its case, in their order. Reads them all: SQLite's `lower` knows ASCII only. */
  suggestions(text: string, exclude: readonly string[]): string[] {
    const wanted = withoutCase(text.normalize("NFC").replaceAll(" ", "_"));
    const found: string[] = [];
    for (const [raw] of this.#sql.exec("SELECT id FROM fragment WHERE is_deleted = 0 ORDER BY id").raw()) {
      const id = String(raw);
      if (!withoutCase(id).includes(wanted) || exclude.includes(id)) continue;
      found.push(id);
      if (found.length === MAX_SUGGESTIONS) break;
    }
    return found;
  }

  /** The entries whose last change is behind `seq`, in the order of their changes. */
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

  /** One row with its live entry over it: all of them, as in `#entries`, would be bound anew for each row of a page. */
  #shown(number: number): Record<string, SqlStorageValue> {
    const row = this.#sql.exec("SELECT * FROM fragment WHERE number = ?", number).one();
    const live = this.#live.get(String(row["id"]));
    if (live === undefined) return row;
    const { revision, updatedAtMs, description, tags, prompt_type, size } = live;
    const columns = { revision, updated_at_ms: updatedAtMs, description, prompt_type, size };
    return { ...row, ...columns, tags: JSON.stringify(tags) };
  }

  /** `SELECT * FROM` what is stored, with the live entries over it where there are any. */
  #entries(): string {
    if (this.#live.size === 0) return "SELECT * FROM fragment AS entry";
    return `SELECT * FROM (
      SELECT number, id, seq, created_seq, is_deleted, renamed_to, created_at_ms, includes, excerpt,
        coalesce(live.value ->> 'revision', revision) AS revision,
        coalesce(live.value ->> 'updatedAtMs', updated_at_ms) AS updated_at_ms,
        coalesce(live.value ->> 'description', description) AS description,
        coalesce(live.value -> 'tags', tags) AS tags,
        coalesce(live.value ->> 'prompt_type', prompt_type) AS prompt_type,
        coalesce(live.value ->> 'size', size) AS size
      FROM fragment LEFT JOIN (SELECT key, value FROM json_each(?)) AS live ON live.key = fragment.id
    ) AS entry`;
  }

  #liveJson(): string[] {
    return this.#live.size === 0 ? [] : [JSON.stringify(Object.fromEntries(this.#live))];
  }

  #where(query: ListQuery, words: string | null): { sql: string; values: SqlStorageValue[] } {
    const conditions = ["is_deleted = 0"];
    const values: SqlStorageValue[] = this.#liveJson();
    const add = (condition: string, ...more: SqlStorageValue[]) => {
      conditions.push(condition);
      values.push(...more);
    };
    if (words !== null) add("words MATCH ?", words);
    if (query.prefix !== undefined && query.prefix !== "") {
      const within = `${query.prefix.replace(/\/+$/u, "")}/`;
      add("entry.id >= ? AND entry.id < ?", within, behindPrefix(within));
    }
    for (const tag of query.tag ?? [])
      add("EXISTS (SELECT 1 FROM json_each(entry.tags) WHERE value = ?)", tag);
    if (query.type !== undefined) add("prompt_type = ?", query.type);
    if (query.updated_since !== undefined) add("updated_at_ms >= ?", Date.parse(query.updated_since));
    return { sql: conditions.join(" AND "), values };
  }

  /** One row more than the limit tells that there is another page. */
  #page(
    from: string,
    where: { sql: string; values: SqlStorageValue[] },
    sort: Exclude<Sort, "relevance">,
    cursor: ListCursor | null,
    limit: number,
  ): { rows: Record<string, SqlStorageValue>[]; next: () => string } {
    const columns = from.replace("*", "entry.*");
    const { column, isDescending } = ORDERS[sort];
    const key = `entry.${column}`;
    const values = [...where.values];
    let condition = where.sql;
    if (cursor !== null && "id" in cursor) {
      condition += ` AND (${key}, entry.id) ${isDescending ? "<" : ">"} (?, ?)`;
      values.push(cursor.value, cursor.id);
    }
    const way = isDescending ? "DESC" : "ASC";
    const order = `ORDER BY ${key} ${way}, entry.id ${way} LIMIT ?`;
    const rows = this.#sql.exec(`${columns} WHERE ${condition} ${order}`, ...values, limit + 1).toArray();
    const last = rows[limit - 1];
    const next = () =>
      encodeCursor({ sort, value: last?.[column] as string | number, id: String(last?.["id"] ?? "") });
    return { rows, next };
  }

  /** What was found in one entry, marked. */
  #mark(number: number, words: string): Record<string, SqlStorageValue> {
    // FTS5 seeks by integers only, and a bound number is none.
    const query = `SELECT ${MARKED} FROM words WHERE words MATCH ? AND rowid = CAST(? AS INTEGER)`;
    return this.#sql.exec(query, words, number).one();
  }

  /** @param found of `MARKED`; null for a list without a query */
  #summary(
    row: Record<string, SqlStorageValue>,
    found: Record<string, SqlStorageValue> | null,
  ): FragmentSummary {
    const stored = toStored(row);
    const plain = { ...listFields(stored, this.includedBy(stored.id)), excerpt: String(row["excerpt"]) };
    if (found === null) return { ...plain, highlights: { id: [], description: [], excerpt: [] } };
    const marked = (column: string) => readMarked(String(found[column]));
    const { text: excerpt, ranges } = marked("marked_excerpt");
    const description = marked("marked_description");
    // The description may be newer than the words.
    const isIndexed = description.text === readMarked(toSearchText(stored.description)).text;
    const inDescription = isIndexed ? description.ranges : [];
    const highlights = { id: marked("marked_id").ranges, description: inDescription, excerpt: ranges };
    return { ...plain, excerpt, highlights };
  }

  #strings(query: string, ...values: SqlStorageValue[]): string[] {
    return Array.from(this.#sql.exec(query, ...values).raw(), ([value]) => String(value));
  }
}

/** What lists and events say of a fragment. */
export function listFields(
  entry: CatalogueEntry & { readonly includes: readonly string[] },
  includedBy: number,
): Omit<FragmentSummary, "excerpt" | "highlights"> {
  return {
    id: entry.id,
    description: entry.description,
    tags: entry.tags,
    prompt_type: entry.prompt_type,
    created_at: timestamp(entry.createdAtMs),
    updated_at: timestamp(entry.updatedAtMs),
    version: entry.revision,
    size: entry.size,
    includes: entry.includes.length,
    included_by: includedBy,
  };
}

/** @param numbers of the page behind which the next one begins */
function rankedCursor(
  shown: readonly number[],
  after: number | null,
  numbers: readonly number[],
): ListCursor {
  const sort = "relevance";
  if (after !== null) return { sort, shown, after: numbers.at(-1) ?? after };
  const all = [...shown, ...numbers];
  return { sort, shown: all, after: all.length < MAX_RANKED ? null : 0 };
}

/** As "ς" and "σ" are one letter in capitals, they are one here. */
function withoutCase(text: string): string {
  return text.toLowerCase().replaceAll("ς", "σ");
}

/** The first text behind all that begin with `within`, which ends with a slash. */
function behindPrefix(within: string): string {
  return `${within.slice(0, -1)}0`; // "0" follows "/" in Unicode
}
