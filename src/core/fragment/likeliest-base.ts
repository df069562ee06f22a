/**
 * Finds the base of a write that names none, such as a write of an old client: among the texts that the sender may show
 * (`KnownText`), the one that differs least from the incoming text.
 *
 * | text                                                      | is the base                                         |
 * | --------------------------------------------------------- | --------------------------------------------------- |
 * | `own`: what the sender sent last                          | if it is nearest                                    |
 * | `later`: sent to it after its last write was committed    | if it is nearest; of two equally near, the newer    |
 * | `crossing`: in flight to it when it last wrote            | if it is strictly nearest, the write only adds to   |
 * |                                                           | it, and the write does not only delete from the     |
 * |                                                           | nearest of `own` and `later`                        |
 * | `EarlierText`: from before the sender connected           | if the sender has sent nothing yet and it is        |
 * |                                                           | strictly nearest                                    |
 *
 * The server cannot know whether the sender has seen a `crossing` text. A client that applies every text at once has seen
 * it; a client that waits for its own answer has not. If the write only adds to the text, nobody else's text is lost
 * either way. A write that only deletes from the nearest other text is an undo of the sender's own text.
 *
 * A page that was cut off and comes back may still show an earlier text, whatever it was told since. So its first write
 * deletes nothing that came in after the oldest text that it may well be an edit of (`unseen`). What was deleted on
 * purpose may come back once, and no text of others is lost (docs/decisions/0019). A first write that is an edit of no
 * earlier text replaces the text that its sender was told.
 *
 * Earlier writes of the same session in the same round change the roles. The last of them is `own`, in place of the
 * committed one. Texts up to the base of that write are dropped, and texts that the sender had been told by then are
 * `crossing`.
 */
import type { Span } from "../text/change-spans.ts";
import { difference, roughDistance } from "../text/difference.ts";
import { toSharedText } from "../text/line-ends.ts";
import { changeSize, isEmpty, type TextChange } from "../text/text-change.ts";
import { DOUBT_UNITS, type EarlierText, type EarlierTexts } from "./earlier-texts.ts";
import type { ResolvedBase } from "./resolved-base.ts";
import { sparing } from "./unseen-text.ts";
import type { KnownText, Write } from "./write.ts";

/** Compare at most this many code units of `crossing` texts, newest first, but two texts in any case. */
const MAX_CROSSING_UNITS = 1_000_000;

/**
 * The first and the last candidate, the sender's own text and the newest that it was sent, are compared in full. Of the
 * rest, only the nearest by a rough distance are compared, up to this many code units. The rough distance misjudges edits
 * that lie far apart.
 */
const MIN_COMPARED = 4;
const MAX_COMPARED_UNITS = 40_000;
/** The rest are compared with at most this many edits: that is enough to recognise the base. */
const FEW_EDITS = 100;

/** An older text is recognised if at most this share of both texts differs. */
const RECOGNISED_SHARE = 1 / 4;

/**
 * A text is an edit of another if it only adds to it, if at most this many code units differ, or if at least this share
 * of the shorter one is kept: in runs, or at the start and the end.
 */
const FEW_UNITS = 16;
const KEPT_SHARE = 1 / 4;
const KEPT_AT_ENDS_SHARE = 1 / 2;
/** Unlike texts share letters by chance, so only runs of at least this many code units count as kept. */
const MIN_RUN_UNITS = 8;

/** If the nearest text holds unseen words that the write would delete, one up to this many times as far is the base. */
const MAX_TIMES_FARTHER = 3;

/** Where the texts of the candidates come from. */
export interface BaseSources {
  /** The last write of the same session and kind in this round; null if there is none. */
  readonly ownInRound: Write | null;
  /** The base revision of that write. */
  readonly ownBaseRevision: number | null;
  /** The text that it sent. */
  resolveOwn(): ResolvedBase | null;
  /** Null if the text is not known any more. */
  resolve(known: KnownText): ResolvedBase | null;
  /** Texts from before the sender connected; null if it can show none of them. */
  earlierTexts(text: string): EarlierTexts | null;
  /** From the committed text back to that of a past revision, which is known. */
  undoTo(revision: number): TextChange;
  /** Length of the current text, in UTF-16 code units. */
  readonly textUnits: number;
}

interface Candidate {
  readonly base: ResolvedBase;
  readonly isCrossing: boolean;
}

interface Compared {
  readonly base: ResolvedBase;
  /** From the base's text to the incoming one. */
  readonly change: TextChange;
}

interface Older extends Compared {
  readonly past: EarlierText;
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
  const older = earlier.likeliest().flatMap((one): Older[] => {
    const base = sources.resolve({ ...one, when: isEmpty(one.toSent) ? "later" : "own", tags: null });
    return base === null ? [] : [{ past: one, base, change: difference(base.text, text) }];
  });
  // A text that is an edit of none of them is new. It is meant to replace the text that its sender was told.
  if (told !== null && !older.some((one) => isEditOf(one, text))) return told.base;
  const near = nearest(older, distanceOf);
  const { revision = null } = told?.base ?? {};
  const unseen =
    told === null || revision === null
      ? []
      : earlier.unseenIn(sources.undoTo(revision), revision, distanceOf(told));
  const isOlder = near !== null && (told === null || isNearer(near, told, unseen));
  const unseenOf = ({ past: { undo, revision }, change }: Older) =>
    earlier.unseenIn(undo, revision, changeSize(change));
  if (isOlder && (near.past.certainty === "shown" || isRecognised(near, told, text))) {
    return withoutMixing({ ...near, unseen: unseenOf(near) }, older, unseenOf);
  }
  return told === null ? null : withoutMixing({ ...told, unseen }, older, unseenOf);
}

/**
 * Two people who write similar words at one place have not corrected each other. So if the write would turn unseen words
 * into its own, the base is a text that is a little farther, with which it does not.
 */
function withoutMixing(
  likeliest: Compared & { readonly unseen: readonly Span[] },
  older: readonly Older[],
  unseenOf: (one: Older) => Span[],
): ResolvedBase {
  const distance = distanceOf(likeliest);
  const farthest = Math.min(distance * MAX_TIMES_FARTHER, distance + DOUBT_UNITS);
  const others =
    onlyDeletes(likeliest.change) || !deletesUnseen(likeliest)
      ? []
      : older
          .filter((one) => one.past.certainty === "shown" && distanceOf(one) <= farthest)
          .map((one) => ({ ...one, unseen: unseenOf(one) }))
          .filter((one) => !deletesUnseen(one));
  const { base, unseen } = nearest(others, distanceOf) ?? likeliest;
  return { ...base, unseen };
}

function deletesUnseen({ base, change, unseen }: Compared & { readonly unseen: readonly Span[] }): boolean {
  return sparing(change, base.text, unseen).restored.ops.length > 0;
}

/** Of two equally near texts, the told one is likelier, unless the write would then delete what its sender never saw. */
function isNearer(older: Compared, told: Compared, unseen: readonly Span[]): boolean {
  // The same text may have been written anew, and a write that only adds loses nobody's text.
  if (isEmpty(older.change) && isAddition(told)) return false;
  const margin = distanceOf(told) - distanceOf(older);
  if (margin !== 0) return margin > 0;
  return deletesUnseen({ ...told, unseen });
}

/**
 * Whether a text is clearly an edit of an older one that no page is known to show. It is much like the older one but not
 * the same, since its sender may have gone back to that on purpose. And from the text that the sender was told it takes
 * words out without putting others in their place: a program that writes a new number into its report replaces them.
 */
function isRecognised({ base, change }: Compared, told: Compared | null, text: string): boolean {
  const size = changeSize(change);
  if (size === 0 || size > (base.text.length + text.length) * RECOGNISED_SHARE) return false;
  return told === null || !replacesText(told.change);
}

/** Whether a change deletes and inserts at one place. */
function replacesText({ ops }: TextChange): boolean {
  return ops.some((op, at) => op.delete !== undefined && ops[at - 1]?.insert !== undefined);
}

/** Whether a text may have been made by editing the other, and not afresh. */
function isEditOf(one: Compared, text: string): boolean {
  const { base, change } = one;
  if (changeSize(change) <= FEW_UNITS || isAddition(one)) return true;
  const shorter = Math.min(base.text.length, text.length);
  const { inRuns, atEnds } = unitsKept(change, base.text.length);
  return inRuns >= shorter * KEPT_SHARE || atEnds >= shorter * KEPT_AT_ENDS_SHARE;
}

/** How many code units a change keeps in runs that are long enough to count, and how many at the start and the end. */
function unitsKept({ ops }: TextChange, baseUnits: number): { inRuns: number; atEnds: number } {
  const runs = ops.flatMap(({ retain }) => (retain === undefined ? [] : [retain]));
  const rest = baseUnits - ops.reduce((sum, op) => sum + (op.retain ?? op.delete ?? 0), 0);
  const inRuns = [...runs, rest].filter((run) => run >= MIN_RUN_UNITS).reduce((sum, run) => sum + run, 0);
  return { inRuns, atEnds: (ops[0]?.retain ?? 0) + rest };
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

/** The nearest one; of several equally near, the last. */
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
