import { fold } from "../../core/catalogue/folded-text.ts";
import { parseTerms, type SearchTerm, toFtsQuery } from "../../core/catalogue/search-terms.ts";
import type { CatalogueEntry } from "../../core/feed/catalogue-update.ts";
import { countIncluded } from "../../core/feed/included-ids.ts";
import type {
  Dependents,
  FolderCounts,
  FragmentPage,
  FragmentSummary,
  ListQuery,
  Sort,
  TagCounts,
} from "../../protocol/catalogue.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { MAX_DEPENDENTS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { type StoredEntry, toStored } from "./catalogue-entries.ts";
import { FoundWords } from "./found-words.ts";
import { afterPrefix, chooseRows } from "./list-choice.ts";
import { decodeCursor, encodeCursor, type ListCursor, MAX_RANKED } from "./list-cursor.ts";
import type { LiveEntries } from "./live-entries.ts";
import type { WordIndex } from "./word-index.ts";

const MAX_SUGGESTIONS = 50;

/** The column and the direction of each sort. Ids break ties, in the same direction. */
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

/**
 * Answers questions about the catalogue from SQLite. The fields of a fragment that is being edited come from the live
 * entries. What is searched is the stored text.
 */
export class CatalogueLists {
  readonly #sql: SqlStorage;
  readonly #live: LiveEntries;
  readonly #words: WordIndex;

  constructor(storage: DurableObjectStorage, live: LiveEntries, words: WordIndex) {
    this.#sql = storage.sql;
    this.#live = live;
    this.#words = words;
  }

  list(query: ListQuery): Result<FragmentPage> {
    const sort = query.sort ?? (query.query === undefined ? "-updated_at" : "relevance");
    const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
    if (query.cursor !== undefined && cursor?.sort !== sort)
      return refused(
        refusal("invalid_query", "cursor: must be the next_cursor of a list with the same sort."),
      );
    const terms = query.query === undefined ? null : parseTerms(query.query);
    if (terms?.length === 0) return done({ fragments: [], total: 0, next_cursor: null });

    if (sort !== "relevance") return done(this.#sorted(query, terms, sort, cursor));
    if (terms === null) return refused(refusal("invalid_query", "sort: relevance needs a query."));
    return done(this.#relevant(query, terms, cursor));
  }

  /** Asks for one row more than the limit, to know whether there is another page. */
  #sorted(
    query: ListQuery,
    terms: readonly SearchTerm[] | null,
    sort: Exclude<Sort, "relevance">,
    cursor: ListCursor | null,
  ): FragmentPage {
    const choice = chooseRows(query, terms, this.#live);
    const { column, isDescending } = ORDERS[sort];
    const key = column === "updated_at_ms" ? choice.updatedAtMs : `entry.${column}`;
    const counted = `${choice.with} SELECT count(*) AS total FROM ${choice.from} WHERE ${choice.where}`;
    const total = Number(this.#sql.exec(counted, ...choice.values).one()["total"]);

    const isContinued = cursor !== null && "id" in cursor;
    const after = isContinued ? `AND (${key}, entry.id) ${isDescending ? "<" : ">"} (?, ?)` : "";
    const direction = isDescending ? "DESC" : "ASC";
    const rows = this.#sql
      .exec(
        `${choice.with} SELECT entry.number, ${key} AS value, entry.id FROM ${choice.from}
         WHERE ${choice.where} ${after} ORDER BY ${key} ${direction}, entry.id ${direction} LIMIT ?`,
        ...choice.values,
        ...(isContinued ? [cursor.value, cursor.id] : []),
        query.limit + 1,
      )
      .toArray();
    const page = rows.slice(0, query.limit);
    const fragments = this.#summaries(
      page.map(({ number }) => Number(number)),
      terms,
    );
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    if (last === undefined) return { fragments, total, next_cursor: null };
    const { value, id } = last;
    return {
      fragments,
      total,
      next_cursor: encodeCursor({ sort, value: value as string | number, id: String(id) }), // of ORDERS' columns
    };
  }

  /** The best matches first. FTS5 ranks in one pass, when it is asked for `rank` (sqlite.org/fts5.html, 5.1). */
  #relevant(query: ListQuery, terms: readonly SearchTerm[], cursor: ListCursor | null): FragmentPage {
    const { shown, after } = cursor !== null && "shown" in cursor ? cursor : { shown: [], after: null };
    const { prefix, tag, type, updated_since } = query;
    const isNarrowed = [prefix, tag, type, updated_since].some((one) => one !== undefined);
    const choice = isNarrowed ? chooseRows(query, null, this.#live) : null;
    // The plus keeps SQLite from asking the index anew for each of those numbers.
    const within =
      choice === null
        ? ""
        : `AND +rowid IN (${choice.with} SELECT entry.number FROM ${choice.from} WHERE ${choice.where})`;
    const values = [toFtsQuery(terms), ...(choice?.values ?? [])];
    const counted = this.#sql.exec(
      `SELECT count(*) AS total FROM words WHERE words MATCH ? ${within}`,
      ...values,
    );
    const rows = this.#sql
      .exec(
        `SELECT rowid AS number FROM words WHERE words MATCH ? ${within} AND rank MATCH '${RELEVANCE}'
           AND +rowid NOT IN (SELECT value FROM json_each(?)) AND rowid > CAST(? AS INTEGER)
         ORDER BY ${after === null ? "rank" : "rowid"} LIMIT ?`,
        ...values,
        JSON.stringify(shown),
        after ?? 0,
        query.limit + 1,
      )
      .toArray();
    const numbers = rows.slice(0, query.limit).map(({ number }) => Number(number));
    const fragments = this.#summaries(numbers, terms);
    const total = Number(counted.one()["total"]);
    if (rows.length <= query.limit) return { fragments, total, next_cursor: null };
    return { fragments, total, next_cursor: encodeCursor(rankedCursor(shown, after, numbers)) };
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

  /** Ids that hold the text anywhere, folded as in a search, in their order. Reads them all. */
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

  /** The entries of a page as they are shown: fields of live entries replace those of the rows. */
  #summaries(numbers: readonly number[], terms: readonly SearchTerm[] | null): FragmentSummary[] {
    const rows = this.#sql.exec(
      "SELECT * FROM fragment WHERE number IN (SELECT value FROM json_each(?))",
      JSON.stringify(numbers),
    );
    const byNumber = new Map(Array.from(rows, (row) => [Number(row["number"]), row]));
    const found = terms === null ? null : new FoundWords(this.#words, terms, numbers);
    return numbers.flatMap((number) => {
      const row = byNumber.get(number);
      if (row === undefined) return []; // words of no entry; a rebuild mends that
      const stored = toStored(row);
      const entry = { ...stored, ...this.#live.get(stored.id) };
      const excerpt = String(row["excerpt"]);
      const text = found?.in(entry, excerpt) ?? {
        excerpt,
        highlights: { id: [], description: [], excerpt: [] },
      };
      return [{ ...listFields(entry, this.includedBy(entry.id)), ...text }];
    });
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
    includes: countIncluded(entry.includes),
    included_by: includedBy,
  };
}

/** @param numbers of the page before the next one */
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

/** As one word: ids hold no spaces. */
function folded(text: string): string {
  return fold(text).replaceAll(" ", "");
}
