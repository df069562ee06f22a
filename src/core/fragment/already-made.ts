import { deletionsOf, growthOf, type Span } from "../text/change-spans.ts";
import {
  applyChange,
  composeAll,
  invertChange,
  isEmpty,
  NO_CHANGE,
  TextChange,
} from "../text/text-change.ts";
import type { ResolvedBase } from "./resolved-base.ts";

/**
 * The oldest steps, at most this many, are looked at one by one; all later ones count as one. Each costs a walk over all
 * changes, so large changes lower the number.
 */
const MAX_STEPS = 256;
const MIN_STEPS = 4;
const MAX_WALKED_OPS = 150_000;
/** Ops that the search for places may pass. Once they are used up, an insertion counts as not made. */
const MAX_PASSED_OPS = 1_000_000;
/** At most this many texts of the right length are built and compared as a whole, the newest. */
const MAX_WHOLE_TEXTS = 8;

/** How the text came from a base to what it is now. */
export interface TextSteps {
  /** The text now. */
  readonly content: string;
  /** For each step, oldest first: the change from the text that it made back to the one before. */
  readonly undos: readonly TextChange[];
  /**
   * Texts that writers sent in these steps, where merging made another text. `toSent` leads from that back to the sent
   * one.
   */
  readonly sent: readonly { readonly step: number; readonly toSent: TextChange }[];
}

/** The part of a write that is left to do. */
export interface Remainder {
  readonly base: ResolvedBase;
  readonly change: TextChange;
}

/**
 * Moves a write's base forward over what was already made since, so that the same change made twice is there once
 * (docs/decisions/0017). `apply(change, base.text)`, the text that was sent, stays the same.
 *
 * - If the whole text that was sent was the fragment's text after a step, or was sent by another write in a step, nothing
 *   is left to do.
 * - Else each insertion that a step made with the same characters at the same place is taken as made. Deletions need no
 *   such rule: what is gone cannot be deleted twice.
 */
export function withoutMade(base: ResolvedBase, change: TextChange, allSteps: TextSteps): Remainder {
  if (isEmpty(change) || allSteps.undos.every(isEmpty)) return { base, change };
  const steps = joinLate(allSteps);
  const undosToSteps = composeToSteps(steps.undos);
  const whole = findWhole(applyChange(change, base.text), steps, undosToSteps);
  if (whole !== null) {
    const text = applyChange(whole, steps.content);
    return { base: { ...base, text, since: invertChange(whole, steps.content) }, change: NO_CHANGE };
  }
  return skipInsertions(base, change, steps, undosToSteps);
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
function composeToSteps(undos: readonly TextChange[]): TextChange[] {
  const composed: TextChange[] = [NO_CHANGE];
  for (const undo of undos.slice(1).reverse()) composed.push((composed.at(-1) ?? NO_CHANGE).compose(undo));
  return composed.reverse();
}

/**
 * Finds this text among those that a step made or a writer sent.
 *
 * @returns the change from the text now back to the newest of them that is the same; null if there is none
 */
function findWhole(text: string, steps: TextSteps, undosToSteps: readonly TextChange[]): TextChange | null {
  const { content, sent } = steps;
  const hasLength = (undo: TextChange) => content.length + growthOf(undo) === text.length;
  const undos = undosToSteps.flatMap((undo, step) => [
    undo,
    ...sent.filter((one) => one.step === step).map(({ toSent }) => undo.compose(toSent)),
  ]);
  return (
    undos
      .filter(hasLength)
      .slice(-MAX_WHOLE_TEXTS)
      .findLast((undo) => applyChange(undo, content) === text) ?? null
  );
}

function skipInsertions(
  base: ResolvedBase,
  change: TextChange,
  { content, undos }: TextSteps,
  undosToSteps: readonly TextChange[],
): Remainder {
  let left = change;
  // From the text after the current step back to the base, which gains each insertion that is found to be made.
  let toBase = NO_CHANGE;
  let hasMoved = false;
  let passable = MAX_PASSED_OPS;
  for (const [step, undo] of undos.entries()) {
    toBase = undo.compose(toBase);
    const lengths = new Set(insertionsOf(left).map(({ text }) => text.length));
    let textThen: string | null = null;
    for (const span of deletionsOf(undo)) {
      const { at, length } = span;
      if (!lengths.has(length)) continue;
      passable -= toBase.ops.length + left.ops.length;
      if (passable < 0) break;
      const place = placeInBase(toBase, span);
      if (place === null) continue;
      const insertion = insertionsOf(left).find(
        (one) => one.text.length === length && one.at >= place.from && one.at <= place.to,
      );
      if (insertion === undefined) continue;
      textThen ??= applyChange(undosToSteps[step] ?? NO_CHANGE, content);
      if (textThen.slice(at, at + length) !== insertion.text) continue;
      toBase = keepSpan(toBase, span, place, insertion.at);
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

/** Null unless one deletion of `toBase` takes out the whole span, which is a part of the text before it. */
function placeInBase(toBase: TextChange, { at, length }: Span): Place | null {
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

/** The same change, except that the span stays, and stands at `baseAt` in the text after. */
function keepSpan(toBase: TextChange, { at, length }: Span, place: Place, baseAt: number): TextChange {
  const restored = place.to > place.from ? (toBase.ops[place.op - 1]?.insert ?? "") : "";
  const opsBefore = restored === "" ? place.op : place.op - 1;
  const deleted = toBase.ops[place.op]?.delete ?? 0;
  return new TextChange()
    .append(toBase.ops.slice(0, opsBefore))
    .insert(restored.slice(0, baseAt - place.from))
    .delete(at - place.opAt)
    .retain(length)
    .insert(restored.slice(baseAt - place.from))
    .delete(deleted - length - (at - place.opAt))
    .append(toBase.ops.slice(place.op + 1))
    .chop();
}

/** The same change of a text that holds this insertion already. */
function keepInsertion(change: TextChange, op: number, length: number): TextChange {
  return new TextChange()
    .append(change.ops.slice(0, op))
    .retain(length)
    .append(change.ops.slice(op + 1));
}
