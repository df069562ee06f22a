/** What a query looks for: in the grammar of the full-text index, and as patterns that find the same in a text of it. */
import { divideRuns, UNSPACED_RUN, WORD_CHARACTERS } from "./search-text.ts";

/** More words than this in a query are not looked at. */
const MAX_TERMS = 32;

const WORD = new RegExp(`[${WORD_CHARACTERS}]+`, "gu");
/** The marks that `remove_diacritics 2` drops where they stand by themselves; others are letters to the index. */
const DROPPED =
  "[\\u0300-\\u0304\\u0306-\\u030C\\u030F\\u0311\\u031B\\u0323-\\u0328\\u032D\\u032E\\u0330\\u0331]*";
/** Behind it: no word or the beginning of the text, and marks that do not count. */
const WORD_START = `(?<=(?:^|[^${WORD_CHARACTERS}])${DROPPED})`;
/** Where the letters stand that are an ASCII letter with marks, and are that letter to the index. */
const ACCENTED_BLOCKS = [
  [0xc0, 0x24f],
  [0x1e00, 0x1eff],
] as const;
/** Of these the index does not know that they are an accented "a". */
const KEPT = "Ǡǡ";

export type SearchTerm =
  /** The beginning of a word. */
  | { readonly kind: "word"; readonly text: string }
  /** Characters of a script without spaces, one after the other. */
  | { readonly kind: "phrase"; readonly characters: readonly string[] };

let segmenter: Intl.Segmenter | undefined;
let accented: ReadonlyMap<string, string> | undefined;

/** The words of a query; in a script without spaces `Intl.Segmenter` cuts them. None in a query of signs. */
export function parseTerms(query: string): SearchTerm[] {
  const words = divideRuns(query.normalize("NFC"), segments).match(WORD) ?? [];
  return words
    .map((word) => word.replaceAll(new RegExp(DROPPED, "gu"), ""))
    .filter((word) => word !== "") // marks alone would begin every word
    .slice(0, MAX_TERMS)
    .map((text) =>
      text.search(UNSPACED_RUN) === 0 ? { kind: "phrase", characters: [...text] } : { kind: "word", text },
    );
}

/** In the grammar of FTS5 (sqlite.org/fts5.html, 3): every term must occur. */
export function toFtsQuery(terms: readonly SearchTerm[]): string {
  return terms
    .map((term) => (term.kind === "phrase" ? `"${term.characters.join(" ")}"` : `"${term.text}"*`))
    .join(" ");
}

/** Finds a term in a text that `toSearchText` has made, where the index finds it, up to the end of the word. */
export function termPattern(term: SearchTerm): RegExp {
  // Signs and spaces between the characters do not count.
  if (term.kind === "phrase") return new RegExp(term.characters.join(`[^${WORD_CHARACTERS}]*`), "gu");
  const spelled = Array.from(term.text, spellings);
  // Looking behind each mark of a long run of them would take the square of its length.
  const start = `(?=${spelled[0]})${WORD_START}`;
  return new RegExp(`${start}${spelled.join(DROPPED)}[${WORD_CHARACTERS}]*`, "giu");
}

/** The characters that are this one to the index, but for their case. */
function spellings(letter: string): string {
  accented ??= accentedLetters();
  const base = baseOf(letter);
  const others = accented.get(base) ?? "";
  return base === letter.toLowerCase() || base === "s" || others.includes(letter)
    ? `[${base}${others}]`
    : letter;
}

function accentedLetters(): Map<string, string> {
  const letters = new Map<string, string>();
  for (const [first, last] of ACCENTED_BLOCKS)
    for (let code = first; code <= last; code++) {
      const letter = String.fromCodePoint(code);
      const base = baseOf(letter);
      const isAccented = /[a-z]/u.test(base) && !KEPT.includes(letter);
      if (isAccented) letters.set(base, (letters.get(base) ?? "") + letter);
    }
  return letters;
}

/** The letter that the marks of this one stand on, in lower case; an "s" may be a long one. */
function baseOf(letter: string): string {
  return letter.normalize("NFD").charAt(0).toLowerCase().replace("ſ", "s");
}

function segments(run: string): string[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "word" });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
}
