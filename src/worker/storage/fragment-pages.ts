import { parseTerms, type SearchTerm, toFtsQuery } from "../../core/catalogue/search-terms.ts";
import type { CatalogueEntry } from "../../core/feed/catalogue-update.ts";
import { countIncluded } from "../../core/feed/included-ids.ts";
import type { FragmentPage, FragmentSummary, ListQuery, Sort } from "../../protocol/catalogue.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { toStored } from "./catalogue-entries.ts";
import type { CatalogueLists } from "./catalogue-lists.ts";
import { FoundWords } from "./found-words.ts";
import { chooseRows } from "./list-choice.ts";
import { decodeCursor, encodeCursor, type ListCursor, MAX_RANKED } from "./list-cursor.ts";
import type { LiveEntries } from "./live-entries.ts";
import type { View } from "./visible-ids.ts";
import type { WordIndex } from "./word-index.ts";

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
/** Columns of the index, from the one whose matches weigh most. */
const BY_WEIGHT = ["id", "tags", "description"] as const;

export interface PageSources {
  readonly live: LiveEntries;
  readonly words: WordIndex;
  readonly lists: Pick<CatalogueLists, "includedBy">;
}

/**
 * Pages of the fragments that a query finds and that the caller may know of, sorted by a field or by relevance. The fields
 * of a fragment that is being edited come from the live entries; a search reads the stored text.
 */
export class FragmentPages {
  readonly #sql: SqlStorage;
  readonly #sources: PageSources;

  constructor(storage: DurableObjectStorage, sources: PageSources) {
    this.#sql = storage.sql;
    this.#sources = sources;
  }

  list(view: View, query: ListQuery): Result<FragmentPage> {
    const sort = query.sort ?? (query.query === undefined ? "-updated_at" : "relevance");
    const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
    if (query.cursor !== undefined && cursor?.sort !== sort)
      return refused(
        refusal("invalid_query", "cursor: must be the next_cursor of a list with the same sort."),
      );
    const terms = query.query === undefined ? null : parseTerms(query.query);
    if (terms?.length === 0) return done({ fragments: [], total: 0, next_cursor: null });

    if (sort !== "relevance") return done(this.#sorted(view, query, terms, sort, cursor));
    if (terms === null) return refused(refusal("invalid_query", "sort: relevance needs a query."));
    return done(this.#relevant(view, query, terms, cursor));
  }

  /** Asks for one row more than the limit, to know whether there is another page. */
  #sorted(
    view: View,
    query: ListQuery,
    terms: readonly SearchTerm[] | null,
    sort: Exclude<Sort, "relevance">,
    cursor: ListCursor | null,
  ): FragmentPage {
    const choice = chooseRows(view, query, terms, this.#sources.live);
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
      view,
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
  #relevant(
    view: View,
    query: ListQuery,
    terms: readonly SearchTerm[],
    cursor: ListCursor | null,
  ): FragmentPage {
    const { shown, after } = cursor !== null && "shown" in cursor ? cursor : { shown: [], after: null };
    const { prefix, tag, type, updated_since } = query;
    const seesAll = view.prefixes === null;
    const isNarrowed = !seesAll || [prefix, tag, type, updated_since].some((one) => one !== undefined);
    const choice = isNarrowed ? chooseRows(view, query, null, this.#sources.live) : null;
    // The plus keeps SQLite from asking the index once for each of those numbers.
    const within =
      choice === null
        ? ""
        : `AND +rowid IN (${choice.with} SELECT entry.number FROM ${choice.from} WHERE ${choice.where})`;
    const values = [toFtsQuery(terms), ...(choice?.values ?? [])];
    const counted = this.#sql.exec(
      `SELECT count(*) AS total FROM words WHERE words MATCH ? ${within}`,
      ...values,
    );
    const [order, ...orderValues] = after !== null ? ["rowid"] : seesAll ? ["rank"] : orderByColumns(terms);
    const rows = this.#sql
      .exec(
        `SELECT rowid AS number FROM words WHERE words MATCH ? ${within} AND rank MATCH '${RELEVANCE}'
           AND +rowid NOT IN (SELECT value FROM json_each(?)) AND rowid > CAST(? AS INTEGER)
         ORDER BY ${order} LIMIT ?`,
        ...values,
        JSON.stringify(shown),
        after ?? 0,
        ...orderValues,
        query.limit + 1,
      )
      .toArray();
    const numbers = rows.slice(0, query.limit).map(({ number }) => Number(number));
    const fragments = this.#summaries(view, numbers, terms);
    const total = Number(counted.one()["total"]);
    if (rows.length <= query.limit) return { fragments, total, next_cursor: null };
    return { fragments, total, next_cursor: encodeCursor(rankedCursor(shown, after, numbers)) };
  }

  /** The entries of a page as they are shown: fields of live entries replace those of the rows. */
  #summaries(view: View, numbers: readonly number[], terms: readonly SearchTerm[] | null): FragmentSummary[] {
    const rows = this.#sql.exec(
      "SELECT * FROM fragment WHERE number IN (SELECT value FROM json_each(?))",
      JSON.stringify(numbers),
    );
    const byNumber = new Map(Array.from(rows, (row) => [Number(row["number"]), row]));
    const found = terms === null ? null : new FoundWords(this.#sources.words, terms, numbers);
    return numbers.flatMap((number) => {
      const row = byNumber.get(number);
      if (row === undefined) return []; // words of no entry; a rebuild mends that
      const stored = toStored(row);
      const entry = { ...stored, ...this.#sources.live.get(stored.id) };
      const excerpt = String(row["excerpt"]);
      const text = found?.in(entry, excerpt) ?? {
        excerpt,
        highlights: { id: [], description: [], excerpt: [] },
      };
      return [{ ...listFields(entry, this.#sources.lists.includedBy(view, entry.id)), ...text }];
    });
  }
}

/** The fields of a fragment in lists and events. */
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

/**
 * The order of matches for a caller that may not know of all fragments: first those that have the words in the id, and so
 * on, the newest first. It takes no account of other fragments. bm25 does: it weighs a word by the number of fragments
 * that have it, so a caller could find out which words stand in fragments that it may not read.
 */
function orderByColumns(terms: readonly SearchTerm[]): [sql: string, ...values: string[]] {
  const isIn = "rowid IN (SELECT rowid FROM words WHERE words MATCH ?) DESC";
  const values = BY_WEIGHT.map((column) => `${column} : (${toFtsQuery(terms)})`);
  return [[...values.map(() => isIn), "rowid DESC"].join(", "), ...values];
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
