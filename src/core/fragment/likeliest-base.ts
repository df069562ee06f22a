import type { Eol } from "../../protocol/fragment.ts";
import { difference, roughDistance } from "../text/difference.ts";
import { toSharedText } from "../text/line-ends.ts";
import { changeSize, isEmpty, type TextChange } from "../text/text-change.ts";
import type { ContentWrite } from "./write.ts";

/** A text that a write may be based on, and what happened to it up to now. */
export interface Resolved {
  /** Null: a text of the sender's own, from an earlier round. */
  readonly revision: number | null;
  /** It was on its way to the sender when that wrote its last text. */
  readonly isCrossing: boolean;
  readonly text: string;
  readonly eol: Eol;
  readonly tags: readonly string[];
  readonly since: TextChange;
}

/**
 * The first and the last candidate, the sender's own text and the newest that it was sent, are the likeliest and compared
 * in full. Of those between as many as so many code units, which a rough look tells apart: it is deceived by
 * edits that lie far apart. And in the end one of them is so near that few edits are enough to know it.
 */
const MIN_COMPARED = 4;
const MAX_COMPARED_UNITS = 40_000;
const FEW_EDITS = 100;

interface Compared {
  readonly one: Resolved;
  readonly change: TextChange;
}

/**
 * The candidate from which the write differs least; the later on a tie. Candidates are given oldest first.
 *
 * A text that crossed the sender's last one is before its eyes if it takes in what it is sent at once, and is not if it
 * waits for the answer to its own. So it must be nearer than all others, and the write put something into it and take
 * nothing out: whatever the sender has seen, nothing that others wrote goes by that. And who only takes out of what
 * is the likeliest without it takes that back.
 */
export function likeliestBase(
  candidates: readonly Resolved[],
  content: ContentWrite | null,
  tags: readonly string[] | undefined,
): Resolved | null {
  const known = candidates.filter(({ isCrossing }) => !isCrossing);
  if (content?.kind !== "text") return nearest(known, (one) => tagDistance(one.tags, tags ?? one.tags));
  const text = toSharedText(content.text);
  const likely = nearest(compare(known, text), distanceOf);
  if (likely !== null && onlyDeletes(likely.change)) return likely.one;
  const crossing = candidates.filter(({ isCrossing }) => isCrossing);
  const crossed = nearest(compare(crossing, text).filter(isAddition), distanceOf);
  const isCrossed = crossed !== null && (likely === null || distanceOf(crossed) < distanceOf(likely));
  return (isCrossed ? crossed : likely)?.one ?? null;
}

function compare(candidates: readonly Resolved[], text: string): Compared[] {
  const ends = [candidates[0], candidates.at(-1)];
  const most = Math.max(MIN_COMPARED, Math.floor(MAX_COMPARED_UNITS / Math.max(1, text.length)));
  const near =
    candidates.length <= most
      ? candidates
      : candidates
          .map((one) => ({ one, distance: roughDistance(one.text, text) }))
          .toSorted((a, b) => a.distance - b.distance)
          .slice(0, most)
          .map(({ one }) => one);
  return candidates
    .filter((one) => ends.includes(one) || near.includes(one))
    .map((one) => ({
      one,
      change: ends.includes(one) ? difference(one.text, text) : difference(one.text, text, FEW_EDITS),
    }));
}

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
