/**
 * Texts and queries as the full-text index takes them. Its tokenizer (SQLite's unicode61) cuts words at what is
 * neither letter nor digit, which finds nothing in scripts that write no spaces: there the words are cut here, by the
 * dictionaries of `Intl.Segmenter`, and divided by an invisible character.
 */
import type { TextRange } from "../../protocol/catalogue.ts";

/** The word joiner: invisible, no part of a word to the tokenizer, and no loss where an excerpt drops one. */
const DIVIDER = "\u2060";
/** Noncharacters (Unicode 23.7): never in interchanged text. */
export const MARK_OPEN = "\uFDD0";
export const MARK_CLOSE = "\uFDD1";

/** Runs of the scripts without spaces, with the marks and sounds that they share with others. */
const UNSPACED_RUN =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]+/gu;
/** What unicode61 takes for a word. */
const WORD = /[\p{L}\p{M}\p{N}\p{Co}]+/gu;

/** More words than this in a query are not looked at. */
const MAX_QUERY_WORDS = 32;

let segmenter: Intl.Segmenter | undefined;

/** The text with dividers between the words that its script does not divide. */
export function toSearchText(text: string): string {
  return text.replace(UNSPACED_RUN, (run) => {
    segmenter ??= new Intl.Segmenter("en", { granularity: "word" });
    const words = Array.from(segmenter.segment(run), ({ segment }) => segment);
    return `${DIVIDER}${words.join(DIVIDER)}${DIVIDER}`;
  });
}

/**
 * The query in the grammar of FTS5 (sqlite.org/fts5.html, 3): every word, each as the beginning of a word. Null when
 * there is no word in it, which finds nothing.
 */
export function toFtsQuery(query: string): string | null {
  const words = toSearchText(query.normalize("NFC")).match(WORD)?.slice(0, MAX_QUERY_WORDS) ?? [];
  return words.length === 0 ? null : words.map((word) => `"${word}"*`).join(" ");
}

/** A text as the index gives it back, with marks around what was found: as it was, and where it was found. */
export function readMarked(marked: string): { text: string; ranges: TextRange[] } {
  let text = "";
  let from = 0;
  const ranges: TextRange[] = [];
  for (const part of marked.split(/([\uFDD0\uFDD1\u2060])/u)) {
    if (part === MARK_OPEN) from = text.length;
    else if (part === MARK_CLOSE) ranges.push({ from, to: text.length });
    else if (part !== DIVIDER) text += part;
  }
  return { text, ranges };
}

/** The beginning of a text in one line, cut at a word's end where one is near. */
export function excerptOf(text: string, maxUnits: number): string {
  const start = text
    .slice(0, maxUnits * 4)
    .replaceAll(/\s+/gu, " ")
    .trim();
  if (start.length <= maxUnits) return start;
  const cut = start.slice(0, maxUnits).replace(/[\uD800-\uDBFF]$/u, "");
  const space = cut.lastIndexOf(" ");
  return `${space > maxUnits * 0.7 ? cut.slice(0, space) : cut}…`;
}
