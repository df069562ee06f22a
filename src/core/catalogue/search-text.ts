/**
 * Texts and queries as the full-text index takes them. Its tokenizer (SQLite's unicode61) cuts words at what is
 * neither letter nor digit, which finds nothing in scripts that write no spaces: there each character is a word to the
 * index, and a word that is looked for is a phrase of them. So it is found wherever it stands, also within a longer one.
 */
import type { TextRange } from "../../protocol/catalogue.ts";

/**
 * Three of ASCII's separators stand for what is added to a text in the index and to what it gives back. A byte each, so
 * that a content at its limit fits in a row: it grows by half at most. In a text itself they are spaces to the index.
 */
const DIVIDER = "\u001F";
export const MARK_OPEN = "\u001D";
export const MARK_CLOSE = "\u001E";
const OWN_SEPARATORS = new RegExp(`[${MARK_OPEN}${MARK_CLOSE}${DIVIDER}]`, "gu");
const ADDED = new RegExp(`([${MARK_OPEN}${MARK_CLOSE}${DIVIDER}])`, "u");

/** Runs of the scripts without spaces, with the marks and sounds that they share, but for those that Latin shares too. */
const UNSPACED_RUN =
  /[[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]&&[\p{L}\p{M}\p{N}]]--\p{scx=Latin}]+/gv;
/** What unicode61 takes for a word. */
const WORD = /[\p{L}\p{M}\p{N}\p{Co}]+/gu;

/** More words than this in a query are not looked at. */
const MAX_QUERY_WORDS = 32;

let segmenter: Intl.Segmenter | undefined;

/** The text with the characters apart that stand in runs without spaces. */
export function toSearchText(text: string): string {
  return divideRuns(text.replaceAll(OWN_SEPARATORS, " "), (run) => [...run]);
}

/**
 * The query in the grammar of FTS5 (sqlite.org/fts5.html, 3): every word, each as the beginning of a word, or in a
 * script without spaces anywhere; there `Intl.Segmenter` cuts the words. Null when there is no word in it, which finds
 * nothing.
 */
export function toFtsQuery(query: string): string | null {
  const divided = divideRuns(query.normalize("NFC"), segments);
  const words = divided.match(WORD)?.slice(0, MAX_QUERY_WORDS) ?? [];
  const terms = words.map((word) =>
    word.search(UNSPACED_RUN) === 0 ? `"${[...word].join(" ")}"` : `"${word}"*`,
  );
  return terms.length === 0 ? null : terms.join(" ");
}

/** A text as the index gives it back, with marks around what was found: as it was, and where it was found. */
export function readMarked(marked: string): { text: string; ranges: TextRange[] } {
  let text = "";
  let from = 0;
  const ranges: TextRange[] = [];
  for (const part of marked.split(ADDED)) {
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

function divideRuns(text: string, cut: (run: string) => readonly string[]): string {
  return text.replace(UNSPACED_RUN, (run) => `${DIVIDER}${cut(run).join(DIVIDER)}${DIVIDER}`);
}

function segments(run: string): string[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "word" });
  return Array.from(segmenter.segment(run), ({ segment }) => segment);
}
