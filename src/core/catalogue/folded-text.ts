import type { TextRange } from "../../protocol/catalogue.ts";
import { foldLetter, LETTER, UNSPACED } from "./letters.ts";

/** What the index takes for part of a word, in a folded text. */
export const WORD_CHARACTERS = "a-z0-9\\u0080-\\uFFFF";

const ASCII_ONLY = /^[\0-\x7F]*$/;

/**
 * How each UTF-16 code unit folds: to the code unit of that number, or as the numbers below say. Filled as texts need it.
 * A `BY_LETTER` unit is folded with what follows it, by `foldLetter`; an `EXTENDS` unit belongs to the character before.
 */
const FOLDS = new Uint16Array(0x1_0000);
const UNKNOWN = 0;
const BY_LETTER = 1;
const EXTENDS = 2;
/** Folds to itself, and is a word of its own. */
const STANDS_ALONE = 3;

/** The most letters in the cache of folded letters. When it is full, it is emptied. */
const MAX_LETTERS = 10_000;
const letters = new Map<string, string>();

/** Strings are built in parts of this length: a call takes a limited number of arguments. */
const PART = 8_192;
/** One letter with all its marks folds to fewer units than this. */
const MAX_FOLDED = 512;
const SPACE = 0x20;
const FIRST_MARK = 0x300;

/**
 * A text as the full-text index takes it, folded by the one function for texts and queries (letters.ts). It knows where
 * each part of the folded text stands in the text itself. ASCII characters that are no letters or digits separate words.
 */
export class FoldedText {
  readonly folded: string;
  /**
   * The letters that folded to another length, in order, four numbers each: where they begin and how long they are,
   * folded and in the text itself.
   */
  readonly #changes: number[] = [];

  constructor(text: string) {
    this.folded = ASCII_ONLY.test(text) ? text.toLowerCase() : this.#fold(text);
  }

  /** Where a part of the folded text stands in the text itself: the whole letters that it is made of. */
  rangeOf({ from, to }: TextRange): TextRange {
    return { from: this.#startOf(from), to: this.#endOf(to) };
  }

  /** Where a place of the text itself stands in the folded text: at the letter that holds it. */
  indexOf(at: number): number {
    const last = this.#lastChange(2, at);
    if (last < 0) return at;
    const [folded, foldedLength, own, ownLength] = this.#change(last);
    return at < own + ownLength ? folded : at - own - ownLength + folded + foldedLength;
  }

  #startOf(index: number): number {
    const last = this.#lastChange(0, index);
    if (last < 0) return index;
    const [folded, foldedLength, own, ownLength] = this.#change(last);
    return index < folded + foldedLength ? own : index - folded - foldedLength + own + ownLength;
  }

  /** Includes what follows and folded to nothing: the marks of the last letter. */
  #endOf(index: number): number {
    let last = this.#lastChange(0, index);
    // The letter that begins here is after the end.
    if (last >= 0 && this.#change(last)[0] === index && this.#change(last)[1] > 0) last--;
    if (last < 0) return index;
    const [folded, foldedLength, own, ownLength] = this.#change(last);
    return index <= folded + foldedLength ? own + ownLength : index - folded - foldedLength + own + ownLength;
  }

  /** The last change that begins at or before a place: folded with `column` 0, in the text itself with 2; -1 if none. */
  #lastChange(column: 0 | 2, at: number): number {
    let low = 0;
    let high = this.#changes.length / 4;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle * 4 + column] ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #change(number: number): [folded: number, foldedLength: number, own: number, ownLength: number] {
    const at = number * 4;
    const changes = this.#changes;
    return [changes[at] ?? 0, changes[at + 1] ?? 0, changes[at + 2] ?? 0, changes[at + 3] ?? 0];
  }

  #fold(text: string): string {
    const part = new Uint16Array(PART);
    let done = "";
    let filled = 0;
    for (let at = 0; at < text.length; ) {
      if (filled > PART - MAX_FOLDED) {
        done += fromUnits(part.subarray(0, filled));
        filled = 0;
      }
      const unit = text.charCodeAt(at);
      const fold = foldOf(unit);
      const next = at + 1 < text.length ? text.charCodeAt(at + 1) : 0;
      const isWhole = next < FIRST_MARK || foldOf(next) !== EXTENDS;
      if (isWhole && fold > STANDS_ALONE) {
        part[filled++] = fold;
        at++;
      } else if (isWhole && fold === STANDS_ALONE) {
        this.#changes.push(done.length + filled, 3, at, 1);
        part[filled++] = SPACE;
        part[filled++] = unit;
        part[filled++] = SPACE;
        at++;
      } else {
        const letter = letterAt(text, at);
        const folded = foldedLetter(letter);
        if (folded.length !== letter.length)
          this.#changes.push(done.length + filled, folded.length, at, letter.length);
        for (let n = 0; n < folded.length; n++) part[filled++] = folded.charCodeAt(n);
        at += letter.length;
      }
    }
    return done + fromUnits(part.subarray(0, filled));
  }
}

function fromUnits(units: Uint16Array): string {
  return String.fromCharCode.apply(null, units as unknown as number[]); // an array-like is enough
}

export function fold(text: string): string {
  return new FoldedText(text).folded;
}

function foldOf(unit: number): number {
  const known = FOLDS[unit] ?? UNKNOWN;
  if (known !== UNKNOWN) return known;
  const fold = foldUnit(String.fromCharCode(unit));
  FOLDS[unit] = fold;
  return fold;
}

function foldUnit(character: string): number {
  LETTER.lastIndex = 0;
  if (LETTER.exec(`x${character}`)?.[0].length === 2) return EXTENDS;
  const folded = foldLetter(character);
  if (folded === ` ${character} ` && UNSPACED.test(character)) return STANDS_ALONE;
  return folded.length === 1 && character.isWellFormed() ? folded.charCodeAt(0) : BY_LETTER;
}

function letterAt(text: string, at: number): string {
  LETTER.lastIndex = at;
  return LETTER.exec(text)?.[0] ?? text.charAt(at);
}

function foldedLetter(letter: string): string {
  let folded = letters.get(letter);
  if (folded === undefined) {
    folded = foldLetter(letter);
    if (letters.size >= MAX_LETTERS) letters.clear();
    letters.set(letter, folded);
  }
  return folded;
}
