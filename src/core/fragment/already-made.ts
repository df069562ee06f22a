import { deletionsOf, growthOf } from "../text/change-spans.ts";
import {
  applyChange,
  composeAll,
  invertChange,
  isEmpty,
  NO_CHANGE,
  type Op,
  TextChange,
} from "../text/text-change.ts";
import type { ResolvedBase } from "./resolved-base.ts";

/**
 * Steps that are looked at one by one, the oldest; all behind them count as one. Each costs a walk over all changes, so
 * with large ones they are fewer.
 */
const MAX_STEPS = 256;
const MIN_STEPS = 4;
const MAX_WALKED_OPS = 150_000;
/** Ops that are passed in looking for places; after that an insertion counts as not made. */
const MAX_PASSED_OPS = 1_000_000;
/** Texts that are made to be compared as a whole, the newest of those with the right length. */
const MAX_WHOLE_TEXTS = 8;

/** How the text came from a base to what it is now. */
export interface TextSteps {
  /** The text now. */
  readonly content: string;
  /** Of each step, oldest first: the change from the text that it made back to the one before. */
  readonly undos: readonly TextChange[];
  /** Texts that writers sent in these steps, where the step made another one of it by merging: the way back to it. */
  readonly sent: readonly { readonly step: number; readonly toSent: TextChange }[];
}

/** What is left to do of a write. */
export interface Remainder {
  readonly base: ResolvedBase;
  readonly change: TextChange;
}

/**
 * Moves a write's base forward over what was made already since, so that the same change made twice is there once
 * (docs/decisions/0017). The result has the same text as its end: `apply(change, base.text)` stays.
 *
 * - If the text that was sent, as a whole, was the fragment's text after a step, or was sent by another write in one,
 *   nothing is left to do.
 * - Else each insertion that a step made with the same characters at the same place is taken as made. Deletions need no
 *   such rule: what is gone cannot be deleted twice.
 */
export function withoutMade(base: ResolvedBase, change: TextChange, allSteps: TextSteps): Remainder {
  if (isEmpty(change) || allSteps.undos.every(isEmpty)) return { base, change };
  const steps = joinLate(allSteps);
  const waysBack = waysBackTo(steps.undos);
  const whole = findWhole(applyChange(change, base.text), steps, waysBack);
  if (whole !== null) {
    const text = applyChange(whole, steps.content);
    return { base: { ...base, text, since: invertChange(whole, steps.content) }, change: NO_CHANGE };
  }
  return skipInsertions(base, change, steps, waysBack);
}

function joinLate({ content, undos, sent }: TextSteps): TextSteps {
  const ops = undos.reduce((sum, undo) => sum + undo.ops.length, 1);
  const most = Math.min(MAX_STEPS, Math.max(MIN_STEPS, Math.floor(MAX_WALKED_OPS / ops)));
  if (undos.length <= most) return { content, undos, sent };
  const late = composeAll(undos.slice(most - 1).reverse());
  return {
    content,
    undos: [...undos.slice(0, most - 1), late],
    sent: sent.filter(({ step }) => step < most - 1),
  };
}

/** For each step: the change from the text now back to the text that the step made. */
function waysBackTo(undos: readonly TextChange[]): TextChange[] {
  const ways: TextChange[] = [NO_CHANGE];
  for (const undo of undos.slice(1).reverse()) ways.push((ways.at(-1) ?? NO_CHANGE).compose(undo));
  return ways.reverse();
}

/** The way back to the newest text, of those a step made or a writer sent, that is this one; null if none is. */
function findWhole(text: string, steps: TextSteps, waysBack: readonly TextChange[]): TextChange | null {
  const { content, sent } = steps;
  const hasLength = (way: TextChange) => content.length + growthOf(way) === text.length;
  const ways = waysBack.flatMap((way, step) => [
    way,
    ...sent.filter((one) => one.step === step).map(({ toSent }) => way.compose(toSent)),
  ]);
  return (
    ways
      .filter(hasLength)
      .slice(-MAX_WHOLE_TEXTS)
      .findLast((way) => applyChange(way, content) === text) ?? null
  );
}

function skipInsertions(
  base: ResolvedBase,
  change: TextChange,
  { content, undos }: TextSteps,
  waysBack: readonly TextChange[],
): Remainder {
  let left = change;
  // From the text after the current step back to the base, with what was found to be made in it.
  let toBase = NO_CHANGE;
  let hasMoved = false;
  let passable = MAX_PASSED_OPS;
  for (const [step, undo] of undos.entries()) {
    toBase = undo.compose(toBase);
    const lengths = new Set(insertionsOf(left).map(({ text }) => text.length));
    let textThen: string | null = null;
    for (const { at, length } of deletionsOf(undo)) {
      if (!lengths.has(length)) continue;
      passable -= toBase.ops.length + left.ops.length;
      if (passable < 0) break;
      const place = placeInBase(toBase, at, length);
      if (place === null) continue;
      const insertion = insertionsOf(left).find(
        (one) => one.text.length === length && one.at >= place.from && one.at <= place.to,
      );
      if (insertion === undefined) continue;
      textThen ??= applyChange(waysBack[step] ?? NO_CHANGE, content);
      if (textThen.slice(at, at + length) !== insertion.text) continue;
      toBase = keep(toBase, place, at, length, insertion.at);
      left = keepInsertion(left, insertion.op, length);
      hasMoved = true;
    }
  }
  if (!hasMoved) return { base, change };
  const moved = { ...base, text: applyChange(toBase, content), since: invertChange(toBase, content) };
  return { base: moved, change: left.chop() };
}

interface Insertion {
  /** Its place in the text before. */
  readonly at: number;
  readonly text: string;
  /** Its index among the ops. */
  readonly op: number;
}

function insertionsOf(change: TextChange): Insertion[] {
  const insertions: Insertion[] = [];
  let at = 0;
  for (const [op, { insert, retain, delete: deleted }] of change.ops.entries()) {
    if (insert !== undefined) insertions.push({ at, text: insert, op });
    at += retain ?? deleted ?? 0;
  }
  return insertions;
}

/** Where in the base an inserted span would stand: anywhere in what was deleted beside it since. */
interface Place {
  readonly from: number;
  readonly to: number;
  /** The deletion that takes the span out, as an index among the ops, and where that begins. */
  readonly op: number;
  readonly opAt: number;
}

/** @param at place of the span in the text before `toBase`, which deletes all of it or is no answer */
function placeInBase(toBase: TextChange, at: number, length: number): Place | null {
  let before = 0;
  let after = 0;
  for (const [op, { insert, retain, delete: deleted }] of toBase.ops.entries()) {
    if (deleted !== undefined && at >= before && at + length <= before + deleted) {
      const restored = toBase.ops[op - 1]?.insert?.length ?? 0;
      return { from: after - restored, to: after, op, opAt: before };
    }
    before += retain ?? deleted ?? 0;
    after += retain ?? insert?.length ?? 0;
    if (before > at) return null;
  }
  return null;
}

/** The same change, except that the span stays, at this place of the text after. */
function keep(toBase: TextChange, place: Place, at: number, length: number, baseAt: number): TextChange {
  const kept = new TextChange();
  const restored = place.to > place.from ? (toBase.ops[place.op - 1]?.insert ?? "") : "";
  const opsBefore = restored === "" ? place.op : place.op - 1;
  const deleted = toBase.ops[place.op]?.delete ?? 0;
  addAll(kept, toBase.ops.slice(0, opsBefore));
  kept.insert(restored.slice(0, baseAt - place.from)).delete(at - place.opAt);
  kept.retain(length);
  kept.insert(restored.slice(baseAt - place.from)).delete(deleted - length - (at - place.opAt));
  return addAll(kept, toBase.ops.slice(place.op + 1)).chop();
}

/** The same change of a text that holds this insertion already. */
function keepInsertion(change: TextChange, op: number, length: number): TextChange {
  const kept = addAll(new TextChange(), change.ops.slice(0, op)).retain(length);
  return addAll(kept, change.ops.slice(op + 1));
}

function addAll(change: TextChange, ops: readonly Op[]): TextChange {
  for (const op of ops) {
    if (op.insert !== undefined) change.insert(op.insert);
    else if (op.delete !== undefined) change.delete(op.delete);
    else change.retain(op.retain);
  }
  return change;
}
