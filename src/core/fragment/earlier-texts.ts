import type { PastEntry } from "../history/past-entry.ts";
import { deletionsOf, growthOf, type Span } from "../text/change-spans.ts";
import { difference } from "../text/difference.ts";
import { changeSize, invertChange, NO_CHANGE, type TextChange } from "../text/text-change.ts";
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

/** Distances are found for at most this many texts, spread over the past, and then for those beside the nearest. */
const MAX_MEASURED = 128;
/** Code units that all of this may walk over: the changes back to the texts, and what differs in them. */
const MAX_UNITS = 4_000_000;
/** The texts that are compared in full: the nearest, and of those with the same length the newest. */
const MAX_COMPARED = 6;

/** The texts of the past that a text which came in may be an edit of. */
export class EarlierTexts {
  readonly #entries: readonly PastEntry[];
  readonly #content: string;
  readonly #all: readonly EarlierText[];

  /** @param text what came in */
  constructor(
    { past, text: { committedContent }, current }: RevisionHistory,
    text: string,
    shown: ShownBefore,
    nowMs: number,
  ) {
    this.#content = committedContent;
    this.#entries = past.recent(current, nowMs);
    this.#all = measure(this.#candidates(shown), committedContent, text);
  }

  /** The likeliest, oldest first. */
  likeliest(text: string): EarlierText[] {
    const sameLength = (one: EarlierText) => this.#content.length + growthOf(one.back) === text.length;
    const near = this.#all.toSorted((a, b) => a.distance - b.distance).slice(0, MAX_COMPARED);
    const equal = this.#all.filter(sameLength).slice(-MAX_COMPARED);
    return this.#all.filter((one) => near.includes(one) || equal.includes(one));
  }

  /**
   * What a page that shows an older text has not seen of a newer one: what came in since the oldest text that is not much
   * less likely to be the base.
   *
   * @param back from the committed text to the newer one, which is that of `revision` or was sent in it
   * @param distance how far the text that came in is from the newer one
   */
  unseenIn(back: TextChange, revision: number, distance: number): Span[] {
    const oldest = this.#all.find(
      (one) => one.certainty === "shown" && one.revision < revision && one.distance <= distance + DOUBT_UNITS,
    );
    return oldest === undefined ? [] : deletionsOf(invertChange(back, this.#content).compose(oldest.back));
  }

  /** Oldest first, with no distance yet. */
  #candidates(shown: ShownBefore): Omit<EarlierText, "distance">[] {
    const found: Omit<EarlierText, "distance">[] = [];
    let back = NO_CHANGE;
    let units = 0;
    for (const { revision, undo, answers } of this.#entries.toReversed()) {
      const certainty = shown.of(revision - 1);
      // A sender was told an older text than it made; what it sent may be the revision that is told next.
      if (revision <= shown.before && certainty !== "no") {
        for (const { toSent } of answers) {
          if (toSent.ops.length > 0) found.push({ revision, toSent, back: back.compose(toSent), certainty });
        }
      }
      back = back.compose(undo);
      units += back.ops.length;
      if (units > MAX_UNITS) break;
      if (revision <= shown.before && certainty !== "no") {
        found.push({ revision: revision - 1, toSent: NO_CHANGE, back, certainty });
      }
    }
    return found.reverse();
  }
}

/** A text that is at most this much farther from what came in than another one is as likely to be its base. */
const DOUBT_UNITS = 64;

function measure(
  texts: readonly Omit<EarlierText, "distance">[],
  content: string,
  text: string,
): EarlierText[] {
  const change = difference(content, text);
  const affordable = Math.floor(MAX_UNITS / Math.max(1, changeSize(change)));
  const step = Math.ceil(texts.length / Math.max(4, Math.min(MAX_MEASURED, affordable)));
  const measured = new Map<number, number>();
  const distanceAt = (at: number): number => {
    const one = texts[at];
    if (one === undefined) return Number.POSITIVE_INFINITY;
    const distance = measured.get(at) ?? distanceBetween(one.back, change, content);
    measured.set(at, distance);
    return distance;
  };
  let nearest = 0;
  for (let at = 0; at < texts.length; at += step) if (distanceAt(at) <= distanceAt(nearest)) nearest = at;
  for (let at = nearest - step; at <= nearest + step; at++) distanceAt(at);
  return [...measured]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([at, distance]) => {
      const one = texts[at];
      return one === undefined ? [] : [{ ...one, distance }];
    });
}
