import { diffChars } from "diff";
import { type Anchor, findAnchors, type Section, STAGE_COUNT } from "./anchors.ts";
import { detach } from "./detach.ts";
import { splitsCharacter, TextChange } from "./text-change.ts";

/**
 * The change from one text to another (decision 0002). Short texts are compared by character: Myers' difference, from
 * the `diff` package. Longer ones are first cut at anchors, places where both hold the same line or word, and only what
 * is left between two anchors is compared by character.
 *
 * The cost is bounded by counts, never by time: on Workers the clock stands still while code runs. Whatever is left
 * when a bound is reached becomes one replacement, between the nearest anchors.
 */
const MAX_EDITS = 400;
/** Up to this many code units of both sides are compared by character, without a search for anchors. */
const SHORT_UNITS = 20_000;
/**
 * The same between two anchors. If there are more than `MAX_SECTION_EDITS` edits, all that is between them is replaced.
 */
const SHORT_SECTION_UNITS = 400;
const MAX_SECTION_EDITS = 64;
/** A section of a word or two is replaced as a whole: nobody wants the letters of two words mixed. */
const WORD_UNITS = 24;
/**
 * Without anchors, the texts agree again where `AGREEING_UNITS` are equal in a row, at most this many units further on.
 */
const MAX_SKIPPED_UNITS = 200;
const AGREEING_UNITS = 8;
/** The code units that are searched for anchors, as a multiple of those of both texts. */
const MAX_PASSES = 4;
/**
 * The budget of all comparisons by character. Each costs its length, half the square of its edits, and a fixed amount.
 */
const MAX_WORK = 1_000_000;
const WORK_PER_COMPARISON = 500;

/** A step of a comparison ends after about this many code units, or one search for anchors in more of them. */
const STEP_UNITS = 500_000;

/** @param maxEdits characters inserted and deleted in one comparison by character */
export function difference(from: string, to: string, maxEdits = MAX_EDITS): TextChange {
  const steps = differenceInSteps(from, to, maxEdits);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same difference, made in steps of a few milliseconds to a few tens of them, for two texts of a megabyte. */
export function differenceInSteps(
  from: string,
  to: string,
  maxEdits = MAX_EDITS,
): Generator<void, TextChange, void> {
  return new Comparison(from, to, maxEdits).run();
}

/** The code units of both texts between their common start and end: never fewer than the size of the change. */
export function roughDistance(from: string, to: string): number {
  return unitsOf(trimmed(from, to, wholeOf(from, to)));
}

interface Part {
  readonly value: string;
  readonly added?: boolean;
  readonly removed?: boolean;
}

/** One difference in the making: the change so far, and what is left of the budget. */
class Comparison {
  readonly #a: string;
  readonly #b: string;
  readonly #maxEdits: number;
  readonly #change = new TextChange();
  /** Where the change ends, in `a`. From here to the next section that is added both texts are the same. */
  #at = 0;
  #unitsLeft: number;
  #workLeft = MAX_WORK;
  #stepUnits = 0;

  constructor(a: string, b: string, maxEdits: number) {
    this.#a = a;
    this.#b = b;
    this.#maxEdits = maxEdits;
    this.#unitsLeft = MAX_PASSES * (a.length + b.length);
  }

  *run(): Generator<void, TextChange, void> {
    if (this.#a === this.#b) return this.#change;
    const section = trimmed(this.#a, this.#b, wholeOf(this.#a, this.#b));
    const parts = unitsOf(section) <= SHORT_UNITS ? this.#charactersOf(section, this.#maxEdits) : null;
    if (parts === null) yield* this.#compare(section, 0);
    else this.#add(section, parts);
    return this.#change.chop();
  }

  /** @param section has no common start or end */
  *#compare(section: Section, stage: number): Generator<void, void, void> {
    const isOneSided = section.aStart === section.aEnd || section.bStart === section.bEnd;
    if (!isOneSided && unitsOf(section) > SHORT_SECTION_UNITS)
      yield* this.#compareBetweenAnchors(section, stage);
    else if (isOneSided || unitsOf(section) <= WORD_UNITS) this.#replace(section);
    else {
      const parts = this.#charactersOf(section, Math.min(MAX_SECTION_EDITS, this.#maxEdits));
      if (parts === null) this.#replace(section);
      else this.#add(section, parts);
    }
    this.#stepUnits += unitsOf(section);
    if (this.#stepUnits < STEP_UNITS) return;
    this.#stepUnits = 0;
    yield;
  }

  *#compareBetweenAnchors(section: Section, firstStage: number): Generator<void, void, void> {
    for (let stage = firstStage; stage < STAGE_COUNT; stage++) {
      this.#unitsLeft -= unitsOf(section);
      if (this.#unitsLeft < 0) break;
      const anchors = findAnchors(this.#a, this.#b, section, stage);
      if (unitsOf(section) >= STEP_UNITS) yield;
      if (anchors.length === 0) continue;
      yield* this.#cut(section, anchors, stage);
      return;
    }
    this.#walk(section);
  }

  *#cut(section: Section, anchors: readonly Anchor[], stage: number): Generator<void, void, void> {
    let { aStart, bStart } = section;
    for (const { a, b } of [...anchors, { a: section.aEnd, b: section.bEnd }]) {
      if (a < aStart || b < bStart) continue; // within the common part of an anchor before it
      const part = trimmed(this.#a, this.#b, { aStart, aEnd: a, bStart, bEnd: b });
      // A line that repeats itself in the section may be unique in the part, unless the part is nearly the whole section.
      const nextStage = unitsOf(part) * 2 <= unitsOf(section) ? stage : stage + 1;
      yield* this.#compare(part, nextStage);
      const common = commonStart(this.#a, this.#b, { ...section, aStart: a, bStart: b });
      aStart = a + common;
      bStart = b + common;
    }
  }

  /**
   * Compares a section without anchors in one walk: where the texts differ, as little as possible is skipped in both
   * until they agree again. If they do not agree soon, the rest is one replacement.
   */
  #walk(section: Section): void {
    let rest = section;
    while (unitsOf(rest) > 0) {
      const skipped = this.#skip(rest);
      if (skipped === null) break;
      const aEnd = rest.aStart + skipped.a;
      const bEnd = rest.bStart + skipped.b;
      this.#replace({ ...rest, aEnd, bEnd });
      const common = commonStart(this.#a, this.#b, { ...section, aStart: aEnd, bStart: bEnd });
      rest = { ...section, aStart: aEnd + common, bStart: bEnd + common };
    }
    this.#replace(rest);
  }

  /** The fewest code units to skip in both texts until they agree; null if they do not agree soon. */
  #skip({ aStart, aEnd, bStart, bEnd }: Section): Anchor | null {
    for (let sum = 1; sum <= MAX_SKIPPED_UNITS && this.#workLeft > 0; sum++) {
      this.#workLeft -= sum;
      for (let a = Math.max(0, sum - (bEnd - bStart)); a <= sum && aStart + a <= aEnd; a++) {
        const place = { a: aStart + a, b: bStart + sum - a };
        if (this.#agreeAt(place, aEnd, bEnd)) return { a, b: sum - a };
      }
    }
    return null;
  }

  #agreeAt({ a, b }: Anchor, aEnd: number, bEnd: number): boolean {
    const most = Math.min(AGREEING_UNITS, aEnd - a, bEnd - b);
    if (most < AGREEING_UNITS && aEnd - a !== bEnd - b) return false;
    for (let at = 0; at < most; at++) {
      if (this.#a.charCodeAt(a + at) !== this.#b.charCodeAt(b + at)) return false;
    }
    return !splitsCharacter(this.#a, a) && !splitsCharacter(this.#b, b);
  }

  /** The smallest difference of a section, by character; null if it has too many edits, or the budget is used up. */
  #charactersOf(section: Section, maxEditLength: number): readonly Part[] | null {
    if (this.#workLeft <= 0) return null;
    const removed = this.#a.slice(section.aStart, section.aEnd);
    const added = this.#b.slice(section.bStart, section.bEnd);
    const parts = diffChars(removed, added, { maxEditLength });
    const edits = parts === undefined ? maxEditLength : editsOf(parts);
    this.#workLeft -= WORK_PER_COMPARISON + unitsOf(section) + (edits * edits) / 2;
    return parts ?? null;
  }

  #add({ aStart, aEnd }: Section, parts: readonly Part[]): void {
    this.#change.retain(aStart - this.#at);
    for (const { value, added, removed } of parts) {
      if (added === true) this.#change.insert(value);
      else if (removed === true) this.#change.delete(value.length);
      else this.#change.retain(value.length);
    }
    this.#at = aEnd;
  }

  #replace({ aStart, aEnd, bStart, bEnd }: Section): void {
    this.#change
      .retain(aStart - this.#at)
      .insert(detach(this.#b.slice(bStart, bEnd)))
      .delete(aEnd - aStart);
    this.#at = aEnd;
  }
}

function editsOf(parts: readonly Part[]): number {
  let edits = 0;
  for (const { value, added, removed } of parts)
    if (added === true || removed === true) edits += value.length;
  return edits;
}

function wholeOf(a: string, b: string): Section {
  return { aStart: 0, aEnd: a.length, bStart: 0, bEnd: b.length };
}

function unitsOf({ aStart, aEnd, bStart, bEnd }: Section): number {
  return aEnd - aStart + bEnd - bStart;
}

/** The section without its common start and end. */
function trimmed(a: string, b: string, section: Section): Section {
  const start = commonStart(a, b, section);
  const rest = { ...section, aStart: section.aStart + start, bStart: section.bStart + start };
  const end = commonEnd(a, b, rest);
  return { ...rest, aEnd: rest.aEnd - end, bEnd: rest.bEnd - end };
}

function commonStart(a: string, b: string, { aStart, aEnd, bStart, bEnd }: Section): number {
  const most = Math.min(aEnd - aStart, bEnd - bStart);
  let count = 0;
  while (count < most && a.charCodeAt(aStart + count) === b.charCodeAt(bStart + count)) count++;
  while (count > 0 && (splitsCharacter(a, aStart + count) || splitsCharacter(b, bStart + count))) count--;
  return count;
}

function commonEnd(a: string, b: string, { aStart, aEnd, bStart, bEnd }: Section): number {
  const most = Math.min(aEnd - aStart, bEnd - bStart);
  let count = 0;
  while (count < most && a.charCodeAt(aEnd - 1 - count) === b.charCodeAt(bEnd - 1 - count)) count++;
  while (count > 0 && (splitsCharacter(a, aEnd - count) || splitsCharacter(b, bEnd - count))) count--;
  return count;
}
