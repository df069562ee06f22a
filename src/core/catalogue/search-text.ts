/**
 * Texts as the full-text index takes them. Its tokenizer (SQLite's unicode61) cuts words at what is neither letter nor
 * digit, which finds nothing in scripts that write no spaces: there each character is a word to the index, and a word
 * that is looked for is a phrase of them. So it is found wherever it stands, also within a longer one.
 */
import { utf8Length } from "../../language/utf8.ts";
import type { TextRange } from "../../protocol/catalogue.ts";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";

/**
 * Three of ASCII's separators stand for what is added to a text: in the index, and around what was found. A byte each,
 * so that a content at its limit fits in a row: it grows by half at most. In a text itself they are spaces to the index.
 */
export const DIVIDER = "\u001F";
export const MARK_OPEN = "\u001D";
export const MARK_CLOSE = "\u001E";
const OWN_SEPARATORS = new RegExp(`[${MARK_OPEN}${MARK_CLOSE}${DIVIDER}]`, "gu");
const ADDED = new RegExp(`([${MARK_OPEN}${MARK_CLOSE}${DIVIDER}])`, "u");
const DIVIDERS = new RegExp(`${DIVIDER}+`, "gu");

/** What a word is made of to the index, for a class of characters. */
export const WORD_CHARACTERS = String.raw`\p{L}\p{M}\p{N}\p{Co}`;

/** Runs of the scripts without spaces, with the marks and sounds that they share, but for those that Latin shares too. */
export const UNSPACED_RUN =
  /[[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]&&[\p{L}\p{M}\p{N}]]--\p{scx=Latin}]+/gv;
/** Signs that unicode61 takes for letters where they are younger than it (Unicode 6.1): of three bytes and more. */
const SIGNS = /[\p{S}&&[\u{800}-\u{10FFFF}]]+/gv;

/** To order so many marks takes the square of their number; no language has more than some. */
const MANY_MARKS = /\p{M}{64}/u;

/** The text in Unicode's NFC, as queries are, with the characters apart that stand in runs without spaces. */
export function toSearchText(text: string): string {
  return divideRuns(compose(text).replaceAll(OWN_SEPARATORS, " "), (run) => [...run])
    .replaceAll(SIGNS, `${DIVIDER}$&${DIVIDER}`)
    .replaceAll(DIVIDERS, DIVIDER);
}

/** A text with marks around what was found in it: as it was, and where it was found. */
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

/**
 * In NFC, unless that is made to be slow or to be long: it can be three times as long, of characters that nobody writes.
 * Such a text is found in its own spelling only.
 */
export function compose(text: string): string {
  if (MANY_MARKS.test(text)) return text;
  const composed = text.normalize("NFC");
  return composed !== text && utf8Length(composed) > MAX_CONTENT_BYTES ? text : composed;
}

export function divideRuns(text: string, cut: (run: string) => readonly string[]): string {
  return text.replace(UNSPACED_RUN, (run) => `${DIVIDER}${cut(run).join(DIVIDER)}${DIVIDER}`);
}
