import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import Delta from "quill-delta";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { Change } from "../../protocol/json-frames.ts";

/**
 * A change of plain text: quill-delta's algebra (compose, transform, invert) with string inserts only, the form that
 * Y.Text uses too. Positions and lengths are UTF-16 code units.
 *
 * For a text t, changes a of t, b of a(t), and c of t:
 *
 *     apply(compose(a, b), t) = apply(b, apply(a, t))
 *     apply(invert(a, t), apply(a, t)) = t
 *     apply(compose(a, transform(a, c)), t) = apply(compose(c, transform'(c, a)), t)
 */
export type TextChange = Delta;

export const NO_CHANGE: TextChange = Object.freeze(new Delta());

export function isEmpty(change: TextChange): boolean {
  return change.ops.length === 0;
}

/** Code units inserted and deleted. */
export function changeSize(change: TextChange): number {
  let size = 0;
  for (const op of change.ops) {
    if (typeof op.insert === "string") size += op.insert.length;
    else size += op.delete ?? 0;
  }
  return size;
}

export function applyChange(change: TextChange, text: string): string {
  let result = "";
  let at = 0;
  for (const op of change.ops) {
    if (typeof op.insert === "string") result += op.insert;
    else if (typeof op.retain === "number") {
      result += text.slice(at, at + op.retain);
      at += op.retain;
    } else at += op.delete ?? 0;
  }
  return result + text.slice(at);
}

/** The change that takes `apply(change, text)` back to `text`. */
export function invertChange(change: TextChange, text: string): TextChange {
  return change.invert(new Delta().insert(text)).chop();
}

/** Composes in order. It joins halves first, so that the cost of many small changes is not the square of their number. */
export function composeAll(changes: readonly TextChange[]): TextChange {
  if (changes.length === 0) return NO_CHANGE;
  if (changes.length === 1) return changes[0] as TextChange;
  const middle = changes.length >> 1;
  return composeAll(changes.slice(0, middle)).compose(composeAll(changes.slice(middle)));
}

/**
 * Rewrites `change`, which was made on the same text as `committed`, to come after it. Where both insert at one place,
 * the committed text comes first.
 */
export function rebaseChange(change: TextChange, committed: TextChange): TextChange {
  return committed.transform(change, true);
}

/** The counterpart of `rebaseChange`: rewrites `committed` to come after `change`. */
export function carryOver(committed: TextChange, change: TextChange): TextChange {
  return change.transform(committed, false);
}

/**
 * Reads the wire form. Changes must be sorted, lie within the text, not overlap, and split no character. Two changes may
 * touch; of two at one place the earlier in the list comes first.
 */
export function fromChanges(changes: readonly Change[], text: string): Result<TextChange> {
  const result = new Delta();
  let at = 0;
  for (const { from, to, insert } of changes) {
    if (from > to || to > text.length) return misplaced(from, to, `is not within the text (${text.length})`);
    if (from < at) return misplaced(from, to, "overlaps or precedes the one before it");
    if (splitsCharacter(text, from) || splitsCharacter(text, to)) {
      return misplaced(from, to, "splits a character (a surrogate pair or CRLF)");
    }
    result
      .retain(from - at)
      .insert(insert)
      .delete(to - from);
    at = to;
  }
  return done(result);
}

function misplaced(from: number, to: number, why: string): Result<never> {
  return refused(refusal("invalid_position", `The change ${from}..${to} ${why}.`));
}

/** The wire form of a change. */
export function toChanges(change: TextChange): Change[] {
  const changes: Change[] = [];
  let at = 0;
  let open: Change | null = null;
  for (const op of change.ops) {
    if (typeof op.retain === "number") {
      at += op.retain;
      open = null;
      continue;
    }
    if (open === null) {
      open = { from: at, to: at, insert: "" };
      changes.push(open);
    }
    if (typeof op.insert === "string") open.insert += op.insert;
    else at = open.to += op.delete ?? 0;
  }
  return changes;
}

/** Whether a cut at `index` would fall into a surrogate pair or between CR and LF. */
export function splitsCharacter(text: string, index: number): boolean {
  if (index <= 0 || index >= text.length) return false;
  const before = text.charCodeAt(index - 1);
  const after = text.charCodeAt(index);
  const inPair = before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
  return inPair || (before === 0x0d && after === 0x0a);
}

/**
 * Writes the storage form: the number of ops, then each op as its length times four plus its kind (retain 0, delete 1).
 * An insert is the kind 2 alone, followed by its string.
 */
export function writeChange(encoder: encoding.Encoder, change: TextChange): void {
  encoding.writeVarUint(encoder, change.ops.length);
  for (const op of change.ops) {
    if (typeof op.insert === "string") {
      encoding.writeVarUint(encoder, 2);
      encoding.writeVarString(encoder, op.insert);
    } else if (typeof op.retain === "number") encoding.writeVarUint(encoder, op.retain * 4);
    else encoding.writeVarUint(encoder, (op.delete ?? 0) * 4 + 1);
  }
}

export function readChange(decoder: decoding.Decoder): TextChange {
  const change = new Delta();
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const head = decoding.readVarUint(decoder);
    const length = Math.floor(head / 4);
    if (head % 4 === 2) change.insert(decoding.readVarString(decoder));
    else if (head % 4 === 1) change.delete(length);
    else change.retain(length);
  }
  return change;
}
