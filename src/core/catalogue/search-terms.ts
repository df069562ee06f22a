/** What a query looks for: in the grammar of the full-text index, and in a folded text. */
import type { TextRange } from "../../protocol/catalogue.ts";
import { fold, WORD_CHARACTERS } from "./folded-text.ts";
import { UNSPACED } from "./letters.ts";

/** Words of a query beyond this number are ignored. */
const MAX_TERMS = 32;

const WORD = new RegExp(`[${WORD_CHARACTERS}]+`, "g");
const WORD_END = new RegExp(`[^${WORD_CHARACTERS}]|$`, "g");
const IN_WORD = new RegExp(`[${WORD_CHARACTERS}]`);
const UNSPACED_RUN = new RegExp(`${UNSPACED.source}+`, "gv");

/** Folded, as the words of the index are. */
export type SearchTerm =
  /** The beginning of a word. */
  | { readonly kind: "word"; readonly text: string }
  /** Characters of a script without spaces, one after the other. */
  | { readonly kind: "phrase"; readonly characters: readonly string[] };

let segmenter: Intl.Segmenter | undefined;

/** The words of a query; in a script without spaces `Intl.Segmenter` finds them. A query of signs only has none. */
export function parseTerms(query: string): SearchTerm[] {
  const terms: SearchTerm[] = [];
  let done = 0;
  const addWords = (part: string) => {
    for (const text of fold(part).match(WORD) ?? []) terms.push({ kind: "word", text });
  };
  const composed = query.normalize("NFC");
  for (const run of composed.matchAll(UNSPACED_RUN)) {
    addWords(composed.slice(done, run.index));
    done = run.index + run[0].length;
    segmenter ??= new Intl.Segmenter("en", { granularity: "word" });
    for (const { segment } of segmenter.segment(run[0])) {
      terms.push(...termsOfRun(segment));
    }
  }
  addWords(composed.slice(done));
  return terms.slice(0, MAX_TERMS);
}

/** A phrase, and digits apart from it: they fold to those of scripts with spaces. */
function termsOfRun(segment: string): SearchTerm[] {
  const terms: SearchTerm[] = [];
  let phrase: string[] = [];
  for (const text of fold(segment).match(WORD) ?? []) {
    if (!UNSPACED.test(text)) {
      terms.push({ kind: "word", text });
      phrase = [];
    } else if (phrase.push(text) === 1) terms.push({ kind: "phrase", characters: phrase });
  }
  return terms;
}

/** In the grammar of FTS5 (sqlite.org/fts5.html, 3): every term must occur. */
export function toFtsQuery(terms: readonly SearchTerm[]): string {
  return terms
    .map((term) => (term.kind === "phrase" ? `"${term.characters.join(" ")}"` : `"${term.text}"*`))
    .join(" ");
}

/**
 * Where a term stands in a folded text, up to the end of the word: exactly where the index finds it. Only places that
 * begin in [from, end) count. They are in order; those of a phrase may overlap. Linear in the text.
 */
export function placesOfTerm(
  term: SearchTerm,
  folded: string,
  { from = 0, end = folded.length, limit = Number.POSITIVE_INFINITY } = {},
): TextRange[] {
  const next = term.kind === "word" ? wordSearch(folded, term.text) : phraseSearch(folded, term.characters);
  const places: TextRange[] = [];
  let place = next(from);
  while (place !== null && place.from < end && places.length < limit) {
    places.push(place);
    place = next(place.from + 1);
  }
  return places;
}

/** Finds the next place that begins at an index or after it. */
type Search = (from: number) => TextRange | null;

function wordSearch(folded: string, text: string): Search {
  return (from) => {
    for (let at = folded.indexOf(text, from); at >= 0; ) {
      const to = wordEnd(folded, at);
      if (at === 0 || !IN_WORD.test(folded.charAt(at - 1))) return { from: at, to };
      at = folded.indexOf(text, to); // past the word, so that a long one is looked at once
    }
    return null;
  };
}

/** Signs and spaces between the characters do not count. */
function phraseSearch(folded: string, characters: readonly string[]): Search {
  const pattern = new RegExp(characters.join(`[^${WORD_CHARACTERS}]+`), "g");
  return (from) => {
    pattern.lastIndex = from;
    const match = pattern.exec(folded);
    return match === null ? null : { from: match.index, to: match.index + match[0].length };
  };
}

function wordEnd(folded: string, at: number): number {
  WORD_END.lastIndex = at;
  return WORD_END.exec(folded)?.index ?? folded.length;
}
