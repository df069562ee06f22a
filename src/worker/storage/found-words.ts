import { excerptAround, type MarkedText, rangesIn } from "../../core/catalogue/excerpt.ts";
import { type SearchTerm, termPattern } from "../../core/catalogue/search-terms.ts";
import type { FragmentSummary } from "../../protocol/catalogue.ts";
import type { StoredEntry } from "./catalogue-entries.ts";

/** Characters of a content that are looked through before all of it is read. */
const BEGINNING = 8_192;
/** Characters, times terms, that are looked through for one page: about a tenth of a second. */
const LOOKED_THROUGH = 8 * 1024 * 1024;

/**
 * Where the words of a query stand in the entries of one page, and the text around them. FTS5 can say that too, in a
 * time that grows with the square of what it finds in a text (`snippet` and `highlight`, SQLite of November 2026).
 */
export class FoundWords {
  readonly #sql: SqlStorage;
  readonly #patterns: readonly RegExp[];
  /** What one character costs. A phrase may begin at each. */
  readonly #cost: number;
  #left = LOOKED_THROUGH;

  /** By number, as far as they are read at once. */
  readonly #beginnings: ReadonlyMap<number, string>;

  /** @param numbers of the page's entries */
  constructor(sql: SqlStorage, terms: readonly SearchTerm[], numbers: readonly number[]) {
    this.#sql = sql;
    // Terms of the same spellings are one.
    const distinct = [...new Map(terms.map((term) => [termPattern(term).source, term])).values()];
    this.#patterns = distinct.map(termPattern);
    this.#cost = distinct.reduce(
      (sum, term) => sum + (term.kind === "phrase" ? term.characters.length : 1),
      0,
    );
    const query =
      "SELECT rowid, substr(content, 1, ?) FROM words WHERE rowid IN (SELECT value FROM json_each(?))";
    const rows = sql.exec(query, BEGINNING, JSON.stringify(numbers)).raw();
    this.#beginnings = new Map(Array.from(rows, ([number, text]) => [Number(number), String(text)]));
  }

  /** @param excerpt to show where nothing is found in the content, or that would take too long */
  in(entry: StoredEntry, excerpt: string): Pick<FragmentSummary, "excerpt" | "highlights"> {
    const id = rangesIn(entry.id, this.#patterns);
    const description = rangesIn(entry.description, this.#patterns);
    const found = this.#around(entry);
    return {
      excerpt: found?.text ?? excerpt,
      highlights: { id, description, excerpt: found?.ranges ?? [] },
    };
  }

  #around({ number, size }: StoredEntry): MarkedText | null {
    const beginning = this.#beginnings.get(number) ?? "";
    const isWhole = beginning.length < BEGINNING;
    const found = this.#look(beginning, isWhole);
    if (found !== null || isWhole || size * this.#cost > this.#left) return found;
    // FTS5 seeks by integers only, and a bound number is none.
    const query = "SELECT content FROM words WHERE rowid = CAST(? AS INTEGER)";
    return this.#look(String(this.#sql.exec(query, number).one()["content"]), true);
  }

  #look(text: string, isWhole: boolean): MarkedText | null {
    const cost = text.length * this.#cost;
    if (cost > this.#left) return null;
    this.#left -= cost;
    return excerptAround(text, this.#patterns, { isWhole });
  }
}
