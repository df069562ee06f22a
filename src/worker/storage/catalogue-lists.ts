import type { CatalogueEntry } from "../../core/catalogue/parcel.ts";
import { MARK_CLOSE, MARK_OPEN, readMarked, toFtsQuery } from "../../core/catalogue/search-text.ts";
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
import { timestamp } from "../../protocol/timestamp.ts";
import { type StoredEntry, toStored } from "./catalogue-entries.ts";
import { decodeCursor, encodeCursor, type ListCursor } from "./list-cursor.ts";

/** Words of the content around what was found. */
const SNIPPET_WORDS = 24;
const MAX_SUGGESTIONS = 50;
const MAX_DEPENDENTS = 10_000;

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
const RELEVANCE = "bm25(words, 10.0, 4.0, 6.0, 1.0)";

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
    if (sort === "relevance" && query.query === undefined)
      return refusal("invalid_query", "sort: relevance needs a query.");
    const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
    if (query.cursor !== undefined && cursor?.sort !== sort)
      return refusal("invalid_query", "cursor: must be the next_cursor of a list with the same sort.");
    const words = query.query === undefined ? null : toFtsQuery(query.query);
    if (query.query !== undefined && words === null) return { fragments: [], total: 0, next_cursor: null };

    const where = this.#where(query, words);
    const from = `${this.#entries()} ${words === null ? "" : "JOIN words ON words.rowid = entry.number"}`;
    const total = Number(
      this.#sql.exec(`${from.replace("*", "count(*) AS total")} WHERE ${where.sql}`, ...where.values).one()[
        "total"
      ],
    );
    const page = this.#page(from, where, sort, cursor, query.limit);
    const fragments = page.rows.slice(0, query.limit).map((row) => this.#summary(row, words));
    const hasMore = page.rows.length > query.limit;
    return { fragments, total, next_cursor: hasMore ? page.next() : null };
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
      MAX_DEPENDENTS,
    );
    const all = this.#strings(
      `WITH RECURSIVE dependent (id) AS (
         SELECT source FROM inclusion WHERE target = ?1
         UNION SELECT source FROM inclusion JOIN dependent ON target = dependent.id
       ) SELECT id FROM dependent WHERE id <> ?1 ORDER BY id LIMIT ?2`,
      id,
      MAX_DEPENDENTS,
    );
    const isDirect = new Set(direct);
    return { id, direct, indirect: all.filter((one) => !isDirect.has(one)) };
  }

  /** Ids that hold the text anywhere, in their order. */
  suggestions(text: string, exclude: readonly string[]): string[] {
    return this.#strings(
      `SELECT id FROM fragment WHERE is_deleted = 0 AND instr(lower(id), lower(?)) > 0
         AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?`,
      text.replaceAll(" ", "_"),
      JSON.stringify(exclude),
      MAX_SUGGESTIONS,
    );
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
    sort: Sort,
    cursor: ListCursor | null,
    limit: number,
  ): { rows: Record<string, SqlStorageValue>[]; next: () => string } {
    const columns = from.replace("*", "entry.*");
    if (sort === "relevance") {
      const offset = cursor !== null && "offset" in cursor ? cursor.offset : 0;
      const order = `ORDER BY ${RELEVANCE}, entry.id LIMIT ? OFFSET ?`;
      const rows = this.#sql.exec(
        `${columns} WHERE ${where.sql} ${order}`,
        ...where.values,
        limit + 1,
        offset,
      );
      return { rows: rows.toArray(), next: () => encodeCursor({ sort, offset: offset + limit }) };
    }
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

  #summary(row: Record<string, SqlStorageValue>, words: string | null): FragmentSummary {
    const stored = toStored(row);
    const plain = { ...listFields(stored, this.includedBy(stored.id)), excerpt: String(row["excerpt"]) };
    if (words === null) return { ...plain, highlights: { id: [], description: [], excerpt: [] } };
    const [found] = this.#sql
      .exec(
        `SELECT highlight(words, 0, ?1, ?2) AS id, highlight(words, 1, ?1, ?2) AS description,
           snippet(words, 3, ?1, ?2, '…', ?3) AS excerpt
         FROM words WHERE words MATCH ?4 AND rowid = CAST(?5 AS INTEGER)`, // FTS5 seeks by integers only, and a number is none
        MARK_OPEN,
        MARK_CLOSE,
        SNIPPET_WORDS,
        words,
        stored.number,
      )
      .toArray();
    const marked = (column: string) => readMarked(String(found?.[column] ?? ""));
    const { text: excerpt, ranges } = marked("excerpt");
    const isCurrent = marked("description").text === stored.description;
    const description = isCurrent ? marked("description").ranges : [];
    return { ...plain, excerpt, highlights: { id: marked("id").ranges, description, excerpt: ranges } };
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

/** The first text behind all that begin with `within`, which ends with a slash. */
function behindPrefix(within: string): string {
  return `${within.slice(0, -1)}0`; // "0" follows "/" in Unicode
}
