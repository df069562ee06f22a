import { excerptAround, type MarkedText, rangesIn } from "../../core/catalogue/excerpt.ts";
import { type SearchTerm, toFtsQuery } from "../../core/catalogue/search-terms.ts";
import type { FragmentSummary } from "../../protocol/catalogue.ts";
import type { StoredEntry } from "./catalogue-entries.ts";
import type { WordIndex } from "./word-index.ts";

/** Characters of a content that are searched before all of it is read. */
const BEGINNING = 8_192;
/** For one page, at most this many characters times terms are searched: about a tenth of a second. */
const MAX_SEARCHED = 8 * 1024 * 1024;

/** Finds the words of a query in the entries of one page, and the text around them. */
export class FoundWords {
  readonly #words: WordIndex;
  readonly #terms: readonly SearchTerm[];
  /** The cost of one character. A phrase may begin at each. */
  readonly #cost: number;
  #left = MAX_SEARCHED;
  /** The beginnings of the contents by number, all read at once. */
  readonly #beginnings: ReadonlyMap<number, string>;

  /** @param numbers of the page's entries */
  constructor(words: WordIndex, terms: readonly SearchTerm[], numbers: readonly number[]) {
    this.#words = words;
    this.#terms = [...new Map(terms.map((term) => [toFtsQuery([term]), term])).values()];
    this.#cost = this.#terms.reduce(
      (sum, term) => sum + (term.kind === "phrase" ? term.characters.length : 1),
      0,
    );
    this.#beginnings = words.beginningsOf(numbers, BEGINNING);
  }

  /** @param excerpt shown if nothing is found in the content, or if the search would take too long */
  in(entry: StoredEntry, excerpt: string): Pick<FragmentSummary, "excerpt" | "highlights"> {
    const id = rangesIn(entry.id, this.#terms);
    const description = rangesIn(entry.description, this.#terms);
    const found = this.#around(entry);
    return {
      excerpt: found?.text ?? excerpt,
      highlights: { id, description, excerpt: found?.ranges ?? [] },
    };
  }

  #around({ number, size }: StoredEntry): MarkedText | null {
    const beginning = this.#beginnings.get(number) ?? "";
    const isWhole = beginning.length < BEGINNING;
    const found = this.#search(beginning, isWhole);
    if (found !== null || isWhole || size * this.#cost > this.#left) return found;
    return this.#search(this.#words.textOf(number) ?? "", true);
  }

  #search(text: string, isWhole: boolean): MarkedText | null {
    const cost = text.length * this.#cost;
    if (cost > this.#left) return null;
    this.#left -= cost;
    return excerptAround(text, this.#terms, { isWhole });
  }
}
