/**
 * Which text a write without a base is an edit of. Old clients name none, so the server looks among the texts that the
 * sender may have before its eyes (`KnownText`) for the one that differs least from what came in.
 *
 * | text                                                      | is the base                                         |
 * | --------------------------------------------------------- | --------------------------------------------------- |
 * | `own`: what the sender sent last                          | if it is nearest                                    |
 * | `later`: sent to it after its last write was committed    | if it is nearest; of two as near, the later         |
 * | `crossing`: on its way to the sender when that last wrote | if it is strictly nearest, the write only adds to   |
 * |                                                           | it, and it does not only take out of `own` or       |
 * |                                                           | `later`                                             |
 * | `EarlierText`: of the time before the sender connected    | if the sender has sent nothing yet and it is        |
 * |                                                           | strictly nearest                                    |
 *
 * Whether the sender has seen a `crossing` text cannot be known: a client that takes every text in at once has, and one
 * that waits for its own answer has not. If the write only adds to it, nobody else's text is lost either way. A write
 * that only takes out of its other likeliest base is the sender's undoing of its own text.
 *
 * A page that was cut off and comes back may still show an earlier text, and may or may not have taken in what it was
 * told since. Its first text deletes nothing that came in after the oldest text that it may well be an edit of (`unseen`):
 * what was deleted on purpose comes back once, and nothing of others is lost (docs/decisions/0019).
 *
 * Earlier writes of the same session in the same round change the roles: the last of them is `own`, in place of the one
 * committed before; what that was an edit of is behind the sender, and what it had been told by then is `crossing`.
 */
import type { Span } from "../text/change-spans.ts";
import { difference, roughDistance } from "../text/difference.ts";
import { toSharedText } from "../text/line-ends.ts";
import { changeSize, isEmpty, type TextChange } from "../text/text-change.ts";
import type { EarlierTexts } from "./earlier-texts.ts";
import type { ResolvedBase } from "./resolved-base.ts";
import { sparing } from "./unseen-text.ts";
import type { KnownText, Write } from "./write.ts";

/** Compare at most this many code units of `crossing` texts, newest first, but two texts in any case. */
const MAX_CROSSING_UNITS = 1_000_000;

/**
 * The first and the last candidate, which are the sender's own text and the newest that it was sent, are compared in full.
 * Of the rest only the nearest by a rough distance are compared, up to this many code units. The rough distance misjudges
 * edits that lie far apart.
 */
const MIN_COMPARED = 4;
const MAX_COMPARED_UNITS = 40_000;
/** One of the texts is near enough that this many edits suffice to recognise it. */
const FEW_EDITS = 100;

/** An older text is recognised if at most this share of both texts differs. */
const RECOGNISED_SHARE = 1 / 4;

/** A text is an edit of another if it differs in this few code units, or keeps a quarter of the shorter one in whole words. */
const FEW_UNITS = 16;
const KEPT_SHARE = 1 / 4;
/** Letters kept in shorter runs are the same by chance. */
const MIN_RUN_UNITS = 8;

/** Where the texts of the candidates come from. */
export interface BaseSources {
  /** The last write of the same session in this round that is of the same kind; null if there is none. */
  readonly ownInRound: Write | null;
  /** What that write was an edit of. */
  readonly ownBaseRevision: number | null;
  resolveOwn(): ResolvedBase | null;
  resolve(known: KnownText): ResolvedBase | null;
  /** The texts from before the sender connected; null if it can show none. */
  earlierTexts(text: string): EarlierTexts | null;
  /** From the committed text back to that of a past revision, which is known. */
  backTo(revision: number): TextChange;
  /** Length of the current text, in UTF-16 code units. */
  readonly textUnits: number;
}

interface Candidate {
  readonly base: ResolvedBase;
  readonly isCrossing: boolean;
}

interface Compared {
  readonly base: ResolvedBase;
  /** From the base's text to what came in. */
  readonly change: TextChange;
}

/**
 * The likeliest base of a write; null if none of the texts is known any more.
 *
 * @param known oldest first
 */
export function findLikeliestBase(
  { content, metadata }: Write,
  known: readonly KnownText[],
  sources: BaseSources,
): ResolvedBase | null {
  const candidates = resolveAll(known, sources);
  const likely = candidates.filter(({ isCrossing }) => !isCrossing).map(({ base }) => base);
  if (content?.kind !== "text") {
    const tags = metadata?.tags;
    return nearest(likely, (base) => tagDistance(base.tags, tags ?? base.tags));
  }
  const text = toSharedText(content.text);
  const chosen = nearest(compare(likely, text), distanceOf);
  const earlier = sources.earlierTexts(text);
  if (earlier !== null) return findAmongEarlier(earlier, chosen, text, sources);
  if (chosen !== null && onlyDeletes(chosen.change)) return chosen.base;
  const crossing = candidates.filter(({ isCrossing }) => isCrossing).map(({ base }) => base);
  const crossed = nearest(compare(crossing, text).filter(isAddition), distanceOf);
  const isCrossed = crossed !== null && (chosen === null || distanceOf(crossed) < distanceOf(chosen));
  return (isCrossed ? crossed : chosen)?.base ?? null;
}

/** @param told the likeliest of the texts that the sender was told since it connected */
function findAmongEarlier(
  earlier: EarlierTexts,
  told: Compared | null,
  text: string,
  sources: BaseSources,
): ResolvedBase | null {
  const older = earlier.likeliest().flatMap((one) => {
    const base = sources.resolve({ ...one, when: isEmpty(one.toSent) ? "later" : "own", tags: null });
    return base === null ? [] : [{ one, base, change: difference(base.text, text) }];
  });
  // A text that is like none of them is a new one, made to replace what its sender was told.
  if (told !== null && !older.some((one) => isEditOf(one, text))) return told.base;
  const near = nearest(older, distanceOf);
  const { revision = null } = told?.base ?? {};
  const unseen =
    told === null || revision === null
      ? []
      : earlier.unseenIn(sources.backTo(revision), revision, distanceOf(told));
  const isOlder = near !== null && (told === null || isNearer(near, told, unseen));
  if (isOlder && (near.one.certainty === "shown" || isRecognised(near, text))) {
    return { ...near.base, unseen: earlier.unseenIn(near.one.back, near.one.revision, distanceOf(near)) };
  }
  return told === null ? null : { ...told.base, unseen };
}

/** Of two texts as near, what the sender was told is likelier, unless the sender would take out what it may not have seen. */
function isNearer(older: Compared, told: Compared, unseen: readonly Span[]): boolean {
  // The very same text may have been written again, and whoever adds loses nothing of others.
  if (isEmpty(older.change) && isAddition(told)) return false;
  const margin = distanceOf(told) - distanceOf(older);
  if (margin !== 0) return margin > 0;
  return sparing(told.change, told.base.text, unseen).restored.ops.length > 0;
}

/**
 * Whether a text is that of somebody who may have had an older one before their eyes, when nothing is known of that: it
 * is much like it, and not the same, since somebody may have gone back to it.
 */
function isRecognised({ base, change }: Compared, text: string): boolean {
  const size = changeSize(change);
  return size > 0 && size <= (base.text.length + text.length) * RECOGNISED_SHARE;
}

/** Whether a text may have been made by editing the other, and not afresh. */
function isEditOf({ base, change }: Compared, text: string): boolean {
  if (changeSize(change) <= FEW_UNITS) return true;
  const shorter = Math.min(base.text.length, text.length);
  return unitsKept(change, base.text.length) >= shorter * KEPT_SHARE;
}

/** The code units that a change keeps in runs of some length. */
function unitsKept({ ops }: TextChange, baseUnits: number): number {
  let kept = 0;
  let at = 0;
  for (const op of ops) {
    if (typeof op.retain === "number" && op.retain >= MIN_RUN_UNITS) kept += op.retain;
    at += (typeof op.retain === "number" ? op.retain : 0) + (op.delete ?? 0);
  }
  const rest = baseUnits - at;
  return rest >= MIN_RUN_UNITS ? kept + rest : kept;
}

/** The texts that may be the base, by their roles in this round; the sender's own comes first. */
function resolveAll(known: readonly KnownText[], sources: BaseSources): Candidate[] {
  const { ownInRound, ownBaseRevision } = sources;
  const inRound = (one: KnownText): KnownText =>
    one.revision > (ownInRound?.seenRevision ?? 0) ? one : { ...one, when: "crossing" };
  const possible =
    ownInRound === null
      ? known
      : known
          .filter(({ when, revision }) => when !== "own" && revision > (ownBaseRevision ?? 0))
          .map(inRound);
  const most = Math.max(2, Math.floor(MAX_CROSSING_UNITS / Math.max(1, sources.textUnits)));
  const tooOld = possible.filter(({ when }) => when === "crossing").slice(0, -most);
  const own = sources.resolveOwn();
  const candidates: Candidate[] = own === null ? [] : [{ base: own, isCrossing: false }];
  for (const one of possible) {
    const base = tooOld.includes(one) ? null : sources.resolve(one);
    if (base !== null) candidates.push({ base, isCrossing: one.when === "crossing" });
  }
  return candidates;
}

function compare(bases: readonly ResolvedBase[], text: string): Compared[] {
  const ends = [bases[0], bases.at(-1)];
  const most = Math.max(MIN_COMPARED, Math.floor(MAX_COMPARED_UNITS / Math.max(1, text.length)));
  const near =
    bases.length <= most
      ? bases
      : bases
          .map((base) => ({ base, distance: roughDistance(base.text, text) }))
          .toSorted((a, b) => a.distance - b.distance)
          .slice(0, most)
          .map(({ base }) => base);
  return bases
    .filter((base) => ends.includes(base) || near.includes(base))
    .map((base) => ({
      base,
      change: ends.includes(base) ? difference(base.text, text) : difference(base.text, text, FEW_EDITS),
    }));
}

/** The one at the least distance; the last of several. */
function nearest<T>(candidates: readonly T[], distanceTo: (one: T) => number): T | null {
  let best: { one: T; distance: number } | null = null;
  for (const one of candidates) {
    const distance = distanceTo(one);
    if (best === null || distance <= best.distance) best = { one, distance };
  }
  return best?.one ?? null;
}

function distanceOf({ change }: Compared): number {
  return changeSize(change);
}

function isAddition({ change }: Compared): boolean {
  return !isEmpty(change) && change.ops.every((op) => op.delete === undefined);
}

function onlyDeletes(change: TextChange): boolean {
  return change.ops.every((op) => op.insert === undefined);
}

function tagDistance(a: readonly string[], b: readonly string[]): number {
  return a.filter((tag) => !b.includes(tag)).length + b.filter((tag) => !a.includes(tag)).length;
}
