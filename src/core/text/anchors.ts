import { splitsCharacter } from "./text-change.ts";

/** The parts of two texts that are compared: [aStart, aEnd) of `a` with [bStart, bEnd) of `b`, in code units. */
export interface Section {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
}

/** A place where both texts hold the same token. */
export interface Anchor {
  readonly a: number;
  readonly b: number;
}

/** Finds the tokens of text[start, end); null if there are more than `MAX_TOKENS`. */
type Tokenizer = (text: string, start: number, end: number) => Tokens | null;

interface Tokens {
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly hashes: Int32Array;
}

/**
 * The most tokens of one text in one search. Each takes some 30 bytes. Texts with more lines or words have grams left.
 */
const MAX_TOKENS = 250_000;
/** Of a long text, about this many runs of `GRAM_UNITS` code units are taken. */
const GRAMS = 16_000;
const FIRST_TOKENS = 64;
const GRAM_UNITS = 8;
const BASE = 0x01000193;

/**
 * The ways to find anchors in a section, the most reliable first: a line that stands exactly once in both texts, then a
 * word, then eight code units in a row, for texts without spaces. If all of these repeat themselves, as in a list of
 * equal lines, the n-th in one text corresponds to the n-th in the other, provided that both texts have the same number
 * of them.
 */
const STAGES: readonly { readonly tokenize: Tokenizer; readonly mostRepeats: number }[] = [
  { tokenize: lines, mostRepeats: 1 },
  { tokenize: words, mostRepeats: 1 },
  { tokenize: grams, mostRepeats: 1 },
  { tokenize: lines, mostRepeats: MAX_TOKENS },
  { tokenize: words, mostRepeats: MAX_TOKENS },
];
export const STAGE_COUNT = STAGES.length;

/** Finds places where the texts correspond, ascending in both. The cost is n log n in the length of the section. */
export function findAnchors(a: string, b: string, section: Section, stage: number): Anchor[] {
  const { tokenize, mostRepeats } = STAGES[stage] ?? { tokenize: lines, mostRepeats: 0 };
  const inA = tokenize(a, section.aStart, section.aEnd);
  const inB = inA === null ? null : tokenize(b, section.bStart, section.bEnd);
  if (inA === null || inB === null) return [];
  return longestAscending(pairs(inA, inB, mostRepeats).filter((pair) => areSame(a, b, pair)));
}

interface Pair extends Anchor {
  readonly length: number;
}

/**
 * Pairs the n-th occurrence of a token in `a` with the n-th in `b`, if both have the same number of them, and at most
 * `mostRepeats`. The pairs are in the order of `a`.
 */
function pairs(a: Tokens, b: Tokens, mostRepeats: number): Pair[] {
  const slots = new Slots(a.count);
  const slotsOfA = slots.addAll(a);
  const slotsOfB = slots.findAll(b);
  // By slot: its occurrences in a and in b, and the first in b. By token of b: the next one of its slot.
  const inA = new Int32Array(slots.size);
  const inB = new Int32Array(slots.size);
  const first = new Int32Array(slots.size);
  const next = new Int32Array(b.count);
  for (let at = 0; at < a.count; at++) {
    const slot = slotsOfA[at] ?? 0;
    inA[slot] = (inA[slot] ?? 0) + 1;
  }
  for (let at = b.count - 1; at >= 0; at--) {
    const slot = slotsOfB[at] ?? -1;
    if (slot === -1) continue;
    inB[slot] = (inB[slot] ?? 0) + 1;
    next[at] = first[slot] ?? 0;
    first[slot] = at;
  }
  const found: Pair[] = [];
  for (let at = 0; at < a.count; at++) {
    const slot = slotsOfA[at] ?? 0;
    const repeats = inA[slot] ?? 0;
    if (repeats !== inB[slot] || repeats > mostRepeats) continue;
    const partner = first[slot] ?? 0;
    first[slot] = next[partner] ?? 0;
    const start = a.starts[at] ?? 0;
    found.push({ a: start, b: b.starts[partner] ?? 0, length: (a.ends[at] ?? 0) - start });
  }
  return found;
}

/** Numbers hashes from 0. A hash table in typed arrays, at most half full: several times as fast as a Map. */
class Slots {
  size = 0;
  readonly #mask: number;
  /** For each place of the table the slot plus one, or 0 if it is free; and the hash. */
  readonly #slots: Int32Array;
  readonly #hashes: Int32Array;

  constructor(count: number) {
    let length = 2;
    while (length < 2 * count) length *= 2;
    this.#mask = length - 1;
    this.#slots = new Int32Array(length);
    this.#hashes = new Int32Array(length);
  }

  /** The slot of each token. Tokens of one hash share a slot. */
  addAll({ hashes, count }: Tokens): Int32Array {
    const found = new Int32Array(count);
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] ?? 0;
      const place = this.#placeOf(hash);
      if (this.#slots[place] === 0) {
        this.#slots[place] = ++this.size;
        this.#hashes[place] = hash;
      }
      found[at] = (this.#slots[place] ?? 0) - 1;
    }
    return found;
  }

  /** The slot of each token; -1 if no token that was added has its hash. */
  findAll({ hashes, count }: Tokens): Int32Array {
    const found = new Int32Array(count);
    for (let at = 0; at < count; at++) {
      found[at] = (this.#slots[this.#placeOf(hashes[at] ?? 0)] ?? 0) - 1;
    }
    return found;
  }

  #placeOf(hash: number): number {
    let place = Math.imul(hash, 0x9e3779b1) >>> 8;
    for (place &= this.#mask; this.#slots[place] !== 0 && this.#hashes[place] !== hash; )
      place = (place + 1) & this.#mask;
    return place;
  }
}

/** Whether the tokens themselves are equal, not only their hashes. */
function areSame(a: string, b: string, pair: Pair): boolean {
  for (let at = 0; at < pair.length; at++) {
    if (a.charCodeAt(pair.a + at) !== b.charCodeAt(pair.b + at)) return false;
  }
  return true;
}

/** The longest row of the pairs that ascends in `b`. All of them ascend in `a`. */
function longestAscending(found: readonly Pair[]): Anchor[] {
  // `ends`: for each length, the pair with the lowest `b` that ends an ascending row of that length.
  // `before`: for each pair, the one before it in its row.
  const ends: number[] = [];
  const before = new Int32Array(found.length);
  for (const [at, { b }] of found.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((found[ends[middle] ?? 0]?.b ?? 0) < b) low = middle + 1;
      else high = middle;
    }
    before[at] = ends[low - 1] ?? -1;
    ends[low] = at;
  }
  const row: Anchor[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at] ?? -1) {
    const pair = found[at];
    if (pair !== undefined) row.push(pair);
  }
  return row.reverse();
}

function lines(text: string, start: number, end: number): Tokens | null {
  const found = new TokenList();
  let lineStart = start;
  for (let at = start, hash = 0; at < end; at++) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ unit, BASE);
    if (unit !== 0x0a && at + 1 < end) continue;
    if (!found.add(lineStart, at + 1, hash)) return null;
    lineStart = at + 1;
    hash = 0;
  }
  return found;
}

/** The runs of characters between spaces, tabs and line ends. */
function words(text: string, start: number, end: number): Tokens | null {
  const found = new TokenList();
  let wordStart = start;
  for (let at = start, hash = 0; at <= end; at++) {
    const unit = at < end ? text.charCodeAt(at) : 0x20;
    if (unit > 0x20) {
      hash = Math.imul(hash ^ unit, BASE);
      continue;
    }
    if (wordStart < at && !found.add(wordStart, at, hash)) return null;
    wordStart = at + 1;
    hash = 0;
  }
  return found;
}

/** Runs of `GRAM_UNITS` code units. Of a long text, only those whose hash has certain zeros, the same in both texts. */
function grams(text: string, start: number, end: number): Tokens | null {
  const found = new TokenList();
  let mask = 0;
  while ((end - start) / (mask + 1) > GRAMS) mask = mask * 2 + 1;
  let power = 1;
  for (let at = 0; at < GRAM_UNITS; at++) power = Math.imul(power, BASE);
  for (let at = start, hash = 0; at < end; at++) {
    hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0;
    const from = at + 1 - GRAM_UNITS;
    if (from > start) hash = (hash - Math.imul(power, text.charCodeAt(from - 1))) | 0;
    // The highest bits depend on all units.
    if (from < start || ((hash >>> 12) & mask) !== 0 || splitsCharacter(text, from)) continue;
    if (!found.add(from, at + 1, hash)) return null;
  }
  return found;
}

class TokenList implements Tokens {
  count = 0;
  starts = new Int32Array(FIRST_TOKENS);
  ends = new Int32Array(FIRST_TOKENS);
  hashes = new Int32Array(FIRST_TOKENS);

  /** False if there are too many. */
  add(start: number, end: number, hash: number): boolean {
    if (this.count === MAX_TOKENS) return false;
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.hashes[this.count] = hash;
    this.count++;
    return true;
  }

  #grow(): void {
    this.starts = grown(this.starts);
    this.ends = grown(this.ends);
    this.hashes = grown(this.hashes);
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 4);
  larger.set(array);
  return larger;
}
