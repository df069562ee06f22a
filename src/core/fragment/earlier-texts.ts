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
  /** From the committed text to this one. */
  readonly back: TextChange;
  readonly certainty: "shown" | "perhaps";
  /** About how far the text that came in is from it; never less than that. */
  readonly distance: number;
}

/** The revisions that are measured first, spread over the past; then those beside the nearest. Fewer of large changes. */
const MAX_SPREAD = 64;
const MIN_SPREAD = 4;
/** Texts as they were sent are measured in this many revisions before and behind the nearest, and in the newest ones. */
const SENT_REVISIONS = 16;
/** Ops of changes that may be walked over for all of this, and code units that differ which cost as much as one. */
const MAX_OPS = 2_000_000;
const UNITS_PER_OP = 64;
/** Of the nearest, and of those with about the same length, this many are compared in full, fewer of long texts. */
const MAX_COMPARED = 4;
const MAX_COMPARED_UNITS = 1_000_000;
/** A text that is at most this much farther from what came in than another one is as likely to be its base. */
const DOUBT_UNITS = 64;

/** The texts of the past that a text which came in may be an edit of. */
export class EarlierTexts {
  readonly #entries: readonly PastEntry[];
  readonly #current: number;
  readonly #content: string;
  readonly #shown: ShownBefore;
  readonly #text: string;
  /** From the committed text to what came in. */
  readonly #change: TextChange;
  /** From the committed text back to revisions that were asked for. */
  readonly #backs: Map<number, TextChange>;
  /** By their revision, and by their place among the texts sent in it. */
  readonly #measured = new Map<string, EarlierText>();
  #opsLeft = MAX_OPS;

  /** @param text what came in */
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
    this.#backs = new Map([[current, NO_CHANGE]]);
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
    const alike = nearest(measured, most, ({ back }) => Math.abs(growthOf(back) - growth));
    return measured.filter((one) => near.includes(one) || alike.includes(one));
  }

  /**
   * What a page that shows an older text has not seen of a newer one: what came in since the oldest text that is not much
   * less likely to be the base.
   *
   * @param back from the committed text to the newer one, which is that of `revision` or was sent in it
   * @param distance how far the text that came in is from the newer one
   */
  unseenIn(back: TextChange, revision: number, distance: number): Span[] {
    // Where not all could be measured, any of them may be the base.
    const most = this.#opsLeft < 0 ? Number.POSITIVE_INFINITY : distance + DOUBT_UNITS;
    const oldest = this.#inOrder().find(
      (one) => one.certainty === "shown" && one.revision < revision && one.distance <= most,
    );
    return oldest === undefined ? [] : deletionsOf(invertChange(back, this.#content).compose(oldest.back));
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

  /** Half of what all may cost is for the first look. */
  #spread(): number {
    const ops = this.#entries.reduce(
      (sum, { undo }) => sum + undo.ops.length,
      this.#costOfMeasuring(NO_CHANGE),
    );
    return Math.min(MAX_SPREAD, Math.max(MIN_SPREAD, Math.floor(MAX_OPS / (4 * ops))));
  }

  #costOfMeasuring(back: TextChange): number {
    return back.ops.length + this.#change.ops.length + changeSize(this.#change) / UNITS_PER_OP;
  }

  #measure(revision: number): void {
    const certainty = this.#shown.of(revision);
    const back = this.#backTo(revision);
    if (back === null || certainty === "no" || this.#isBeforeCreation(revision, back)) return;
    this.#add(`${revision}`, { revision, toSent: NO_CHANGE, back, certainty });
  }

  /** The oldest entry may be the creation, which has nothing before it. */
  #isBeforeCreation(revision: number, back: TextChange): boolean {
    return revision < (this.#entries[0]?.revision ?? 0) && this.#content.length + growthOf(back) === 0;
  }

  /** A sender was told an older text than it made; what it made may be the revision that is told next. */
  #measureSent(revision: number): void {
    const certainty = this.#shown.of(revision - 1);
    const sent = this.#entryOf(revision)?.answers.filter(({ toSent }) => toSent.ops.length > 0) ?? [];
    if (revision > this.#shown.before || certainty === "no" || sent.length === 0) return;
    const back = this.#backTo(revision);
    if (back === null) return;
    for (const [at, { toSent }] of sent.entries()) {
      this.#add(`${revision}/${at}`, { revision, toSent, back: back.compose(toSent), certainty });
    }
  }

  #add(key: string, text: Omit<EarlierText, "distance">): void {
    if (this.#measured.has(key) || this.#opsLeft < 0) return;
    this.#opsLeft -= this.#costOfMeasuring(text.back);
    const distance = distanceBetween(text.back, this.#change, this.#content);
    this.#measured.set(key, { ...text, distance });
  }

  #distanceOf(revision: number): number {
    return this.#measured.get(`${revision}`)?.distance ?? Number.POSITIVE_INFINITY;
  }

  /** From the committed text back to that of a revision; null if that would take too long. */
  #backTo(revision: number): TextChange | null {
    const known = this.#backs.get(revision);
    if (known !== undefined) return known;
    const newer = Math.min(...[...this.#backs.keys()].filter((one) => one > revision));
    const undos: TextChange[] = [];
    for (let one = newer; one > revision; one--) undos.push(this.#entryOf(one)?.undo ?? NO_CHANGE);
    this.#opsLeft -= undos.reduce(
      (sum, { ops }) => sum + ops.length,
      this.#backs.get(newer)?.ops.length ?? 0,
    );
    if (this.#opsLeft < 0) return null;
    const back = (this.#backs.get(newer) ?? NO_CHANGE).compose(composeAll(undos));
    this.#backs.set(revision, back);
    return back;
  }

  /** The entries are those of the last revisions, without a gap. */
  #entryOf(revision: number): PastEntry | undefined {
    return this.#entries[this.#entries.length - 1 - (this.#current - revision)];
  }

  #inOrder(): EarlierText[] {
    return [...this.#measured.values()].sort((a, b) => a.revision - b.revision);
  }
}

/** Of several as near, the newest. */
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
