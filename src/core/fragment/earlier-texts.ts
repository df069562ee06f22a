import type { PastEntry } from "../history/past-entry.ts";
import { deletionsOf, growthOf, type Span } from "../text/change-spans.ts";
import { difference } from "../text/difference.ts";
import { changeSize, composeAll, invertChange, NO_CHANGE, type TextChange } from "../text/text-change.ts";
import { distanceBetween } from "./distance-between.ts";
import type { RevisionHistory } from "./revision-history.ts";
import type { ShownBefore } from "./shown-before.ts";

/** A text of the past, as a revision had it or as somebody sent it. */
export interface EarlierText {
  readonly revision: number;
  /** From the revision's text to this one. */
  readonly toSent: TextChange;
  /** From the committed text back to this one. */
  readonly undo: TextChange;
  readonly certainty: "shown" | "perhaps";
  /** How far the incoming text is from it, or somewhat more: see distance-between.ts. */
  readonly distance: number;
}

/**
 * This many revisions, spread over the past, are measured first; fewer if changes are large. Then those near the best.
 */
const MAX_SPREAD = 64;
const MIN_SPREAD = 4;
/** Texts as they were sent are measured in this many revisions before and after the nearest, and in the newest. */
const SENT_REVISIONS = 16;
/** The budget of one search, in ops walked over, and the differing code units that cost as much as one op. */
const MAX_OPS = 2_000_000;
const UNITS_PER_OP = 64;
/** This many of the nearest texts, and of those most alike in length, are compared in full; fewer if they are long. */
const MAX_COMPARED = 4;
const MAX_COMPARED_UNITS = 1_000_000;
/** A text that is at most this much farther from the incoming text than another one is as likely to be its base. */
export const DOUBT_UNITS = 64;

/** The past texts that an incoming text may be an edit of. */
export class EarlierTexts {
  readonly #entries: readonly PastEntry[];
  readonly #current: number;
  readonly #content: string;
  readonly #shown: ShownBefore;
  readonly #text: string;
  /** From the committed text to the incoming one. */
  readonly #change: TextChange;
  /** From the committed text back to each revision that was asked for. */
  readonly #undos: Map<number, TextChange>;
  /** By their revision, and by their place among the texts sent in it. */
  readonly #measured = new Map<string, EarlierText>();
  #opsLeft = MAX_OPS;

  /** @param text the incoming text */
  constructor(
    { past, text: { committedContent }, current }: RevisionHistory,
    text: string,
    shown: ShownBefore,
    nowMs: number,
  ) {
    this.#content = committedContent;
    this.#current = current;
    this.#text = text;
    this.#shown = shown;
    this.#entries = past.recent(current, nowMs);
    this.#change = difference(committedContent, text);
    this.#undos = new Map([[current, NO_CHANGE]]);
    this.#measureAll();
  }

  /** The likeliest, oldest first. */
  likeliest(): EarlierText[] {
    const measured = this.#inOrder();
    const most = Math.min(
      MAX_COMPARED,
      Math.max(1, Math.floor(MAX_COMPARED_UNITS / Math.max(1, this.#text.length))),
    );
    const growth = this.#text.length - this.#content.length;
    const near = nearest(measured, most, ({ distance }) => distance);
    const alike = nearest(measured, most, ({ undo }) => Math.abs(growthOf(undo) - growth));
    return measured.filter((one) => near.includes(one) || alike.includes(one));
  }

  /**
   * The parts of a text that the writer may not have seen: all that came into it after the oldest text that is about as
   * likely to be the base.
   *
   * @param undo from the committed text back to the text, which is that of `revision` or was sent in it
   * @param distance how far the incoming text is from the text
   */
  unseenIn(undo: TextChange, revision: number, distance: number): Span[] {
    // If not all could be measured, any of them may be the base.
    const most = this.#opsLeft < 0 ? Number.POSITIVE_INFINITY : distance + DOUBT_UNITS;
    const oldest = this.#inOrder().find(
      (one) => one.certainty === "shown" && one.revision < revision && one.distance <= most,
    );
    return oldest === undefined ? [] : deletionsOf(invertChange(undo, this.#content).compose(oldest.undo));
  }

  #measureAll(): void {
    const revisions = this.#entries
      .map(({ revision }) => revision - 1)
      .filter((revision) => revision < this.#shown.before && this.#shown.of(revision) !== "no")
      .reverse();
    const step = Math.ceil(revisions.length / this.#spread());
    let best = 0;
    const look = (at: number) => {
      const revision = revisions[at];
      if (revision === undefined) return;
      this.#measure(revision);
      if (this.#distanceOf(revision) < this.#distanceOf(revisions[best] ?? revision)) best = at;
    };
    look(revisions.length - 1);
    for (let at = 0; at < revisions.length; at += step) look(at);
    for (let by = step >> 1; by > 0; by >>= 1) {
      const middle = best;
      look(middle - by);
      look(middle + by);
    }
    const nearestRevision = revisions[best] ?? this.#current;
    for (const { revision } of this.#entries) {
      const isNew = revision > this.#shown.before - SENT_REVISIONS;
      if (isNew || Math.abs(revision - nearestRevision) <= SENT_REVISIONS) this.#measureSent(revision);
    }
  }

  /** Half of the budget is for the first look. */
  #spread(): number {
    const ops = this.#entries.reduce(
      (sum, { undo }) => sum + undo.ops.length,
      this.#costOfMeasuring(NO_CHANGE),
    );
    return Math.min(MAX_SPREAD, Math.max(MIN_SPREAD, Math.floor(MAX_OPS / (4 * ops))));
  }

  #costOfMeasuring(undo: TextChange): number {
    return undo.ops.length + this.#change.ops.length + changeSize(this.#change) / UNITS_PER_OP;
  }

  #measure(revision: number): void {
    const certainty = this.#shown.of(revision);
    const undo = this.#undoTo(revision);
    if (undo === null || certainty === "no" || this.#isBeforeCreation(revision, undo)) return;
    this.#add(`${revision}`, { revision, toSent: NO_CHANGE, undo, certainty });
  }

  /** The oldest entry may be the creation, which has nothing before it. */
  #isBeforeCreation(revision: number, undo: TextChange): boolean {
    return revision < (this.#entries[0]?.revision ?? 0) && this.#content.length + growthOf(undo) === 0;
  }

  /**
   * Measures the texts as they were sent in a revision. Their senders' pages showed older revisions, so the certainty of
   * the one before counts. The revision may be the one that the page was told when it came back.
   */
  #measureSent(revision: number): void {
    const certainty = this.#shown.of(revision - 1);
    const sent = this.#entryOf(revision)?.answers.filter(({ toSent }) => toSent.ops.length > 0) ?? [];
    if (revision > this.#shown.before || certainty === "no" || sent.length === 0) return;
    const undo = this.#undoTo(revision);
    if (undo === null) return;
    for (const [at, { toSent }] of sent.entries()) {
      this.#add(`${revision}/${at}`, { revision, toSent, undo: undo.compose(toSent), certainty });
    }
  }

  #add(key: string, text: Omit<EarlierText, "distance">): void {
    if (this.#measured.has(key) || this.#opsLeft < 0) return;
    this.#opsLeft -= this.#costOfMeasuring(text.undo);
    const distance = distanceBetween(text.undo, this.#change, this.#content);
    this.#measured.set(key, { ...text, distance });
  }

  #distanceOf(revision: number): number {
    return this.#measured.get(`${revision}`)?.distance ?? Number.POSITIVE_INFINITY;
  }

  /** From the committed text back to that of a revision; null if that would take too long. */
  #undoTo(revision: number): TextChange | null {
    const known = this.#undos.get(revision);
    if (known !== undefined) return known;
    const newer = Math.min(...[...this.#undos.keys()].filter((one) => one > revision));
    const undos: TextChange[] = [];
    for (let one = newer; one > revision; one--) undos.push(this.#entryOf(one)?.undo ?? NO_CHANGE);
    this.#opsLeft -= undos.reduce(
      (sum, { ops }) => sum + ops.length,
      this.#undos.get(newer)?.ops.length ?? 0,
    );
    if (this.#opsLeft < 0) return null;
    const undo = (this.#undos.get(newer) ?? NO_CHANGE).compose(composeAll(undos));
    this.#undos.set(revision, undo);
    return undo;
  }

  /** The entries are those of the last revisions, without a gap. */
  #entryOf(revision: number): PastEntry | undefined {
    return this.#entries[this.#entries.length - 1 - (this.#current - revision)];
  }

  #inOrder(): EarlierText[] {
    return [...this.#measured.values()].sort((a, b) => a.revision - b.revision);
  }
}

/** The nearest texts, at most this many. Of equally near ones, the newest come first. */
function nearest(
  texts: readonly EarlierText[],
  most: number,
  by: (one: EarlierText) => number,
): EarlierText[] {
  return texts
    .toReversed()
    .sort((a, b) => by(a) - by(b))
    .slice(0, most);
}
