import { isHighSurrogate, isLowSurrogate } from "../../language/utf8.ts";
import { detach } from "./detach.ts";

/**
 * A change of plain text. For a text t, changes a of t, b of a(t), and c of t:
 *
 *     apply(compose(a, b), t) = apply(b, apply(a, t))
 *     apply(invert(a, t), apply(a, t)) = t
 *     apply(compose(a, rebase(c, a)), t) = apply(compose(c, carryOver(a, c)), t)
 *
 * Each of these takes one walk over the ops. The algebra is that of quill-delta for inserts of plain strings; a change
 * can have tens of thousands of ops, for which quill-delta's attributes and embeds are too slow (decision 0002).
 */

/** One op of a change, with a length in UTF-16 code units. */
export type Op =
  | { readonly retain: number; readonly delete?: never; readonly insert?: never }
  | { readonly delete: number; readonly retain?: never; readonly insert?: never }
  | { readonly insert: string; readonly retain?: never; readonly delete?: never };

export class TextChange {
  /**
   * In order from the start of the text; after the last one the text stays. No op is empty, no two neighbours are of one
   * kind, and of an insert and a delete at one place the insert comes first.
   */
  readonly ops: Op[];

  /** @param ops in the form above; not copied */
  constructor(ops: Op[] = []) {
    this.ops = ops;
  }

  /** Adds an op that keeps this many code units. */
  retain(length: number): this {
    if (length <= 0) return this;
    const last = this.ops.at(-1);
    if (last?.retain === undefined) this.ops.push({ retain: length });
    else this.ops[this.ops.length - 1] = { retain: last.retain + length };
    return this;
  }

  /** Adds an op that deletes this many code units. */
  delete(length: number): this {
    if (length <= 0) return this;
    const last = this.ops.at(-1);
    if (last?.delete === undefined) this.ops.push({ delete: length });
    else this.ops[this.ops.length - 1] = { delete: last.delete + length };
    return this;
  }

  /** Adds an op that inserts this text. */
  insert(text: string): this {
    if (text === "") return this;
    const { ops } = this;
    const last = ops.at(-1);
    const at = last?.delete === undefined ? ops.length : ops.length - 1;
    const before = ops[at - 1];
    if (before?.insert !== undefined) ops[at - 1] = { insert: before.insert + text };
    else if (last?.delete === undefined) ops.push({ insert: text });
    else {
      ops[at] = { insert: text };
      ops.push(last);
    }
    return this;
  }

  /** Adds these ops, in order. */
  append(ops: readonly Op[]): this {
    for (const op of ops) {
      if (op.insert !== undefined) this.insert(op.insert);
      else if (op.delete !== undefined) this.delete(op.delete);
      else this.retain(op.retain);
    }
    return this;
  }

  /** Drops a retain at the end, which says nothing. */
  chop(): this {
    if (this.ops.at(-1)?.retain !== undefined) this.ops.pop();
    return this;
  }

  /** Returns this change followed by `later`, as one change. */
  compose(later: TextChange): TextChange {
    // Most texts have not changed since, and a walk over thousands of ops costs more than these two lines.
    if (isEmpty(later)) return this.chop();
    if (isEmpty(this)) return later.chop();
    const composed = new TextChange();
    const first = new OpWalk(this.ops);
    const second = new OpWalk(later.ops);
    while (first.hasNext || second.hasNext) {
      const inserted = second.takeInsert();
      if (inserted !== null) {
        composed.insert(inserted);
        continue;
      }
      if (first.isDelete) {
        composed.delete(first.take(first.left));
        continue;
      }
      const length = Math.min(first.left, second.left);
      const isDeleted = second.isDelete;
      second.take(length);
      const text = first.takeInsert(length);
      if (text === null) {
        first.take(length);
        if (isDeleted) composed.delete(length);
        else composed.retain(length);
      } else if (!isDeleted) composed.insert(text);
    }
    return composed.chop();
  }
}

/** A walk over the ops of a change, in pieces of any length. After the last op it retains without end. */
class OpWalk {
  readonly #ops: readonly Op[];
  #at = 0;
  /** Code units of the current op that are taken already. */
  #taken = 0;

  constructor(ops: readonly Op[]) {
    this.#ops = ops;
  }

  get hasNext(): boolean {
    return this.#at < this.#ops.length;
  }

  get isDelete(): boolean {
    return this.#ops[this.#at]?.delete !== undefined;
  }

  get isInsert(): boolean {
    return this.#ops[this.#at]?.insert !== undefined;
  }

  /** Code units of the current op that are not taken yet. */
  get left(): number {
    const op = this.#ops[this.#at];
    if (op === undefined) return Number.POSITIVE_INFINITY;
    return (op.insert?.length ?? op.retain ?? op.delete ?? 0) - this.#taken;
  }

  /** Takes at most `left` code units, and returns their number. */
  take(length: number): number {
    if (length === this.left) {
      this.#at++;
      this.#taken = 0;
    } else this.#taken += length;
    return length;
  }

  /** Takes the insert that comes next, or the first `length` code units of it; null if another op comes next. */
  takeInsert(length = this.left): string | null {
    const insert = this.#ops[this.#at]?.insert;
    if (insert === undefined) return null;
    const start = this.#taken;
    this.take(length);
    return insert.slice(start, start + length);
  }
}

const NO_OPS: Op[] = [];
Object.freeze(NO_OPS);

/** The change that changes nothing. Everybody shares it, so to build it further throws. */
export const NO_CHANGE: TextChange = Object.freeze(new TextChange(NO_OPS));

export function isEmpty(change: TextChange): boolean {
  return change.ops.length === 0;
}

/** Code units inserted and deleted. */
export function changeSize(change: TextChange): number {
  let size = 0;
  for (const op of change.ops) size += op.insert?.length ?? op.delete ?? 0;
  return size;
}

export function applyChange(change: TextChange, text: string): string {
  if (isEmpty(change)) return text;
  const pieces: string[] = [];
  let at = 0;
  for (const op of change.ops) {
    if (op.insert !== undefined) pieces.push(op.insert);
    else if (op.delete !== undefined) at += op.delete;
    else {
      pieces.push(text.slice(at, at + op.retain));
      at += op.retain;
    }
  }
  pieces.push(text.slice(at));
  return pieces.join("");
}

/** The change that takes `apply(change, text)` back to `text`. */
export function invertChange(change: TextChange, text: string): TextChange {
  const inverted = new TextChange();
  let at = 0;
  for (const op of change.ops) {
    if (op.insert !== undefined) {
      inverted.delete(op.insert.length);
      continue;
    }
    if (op.delete === undefined) inverted.retain(op.retain);
    else inverted.insert(detach(text.slice(at, at + op.delete)));
    at += op.delete ?? op.retain;
  }
  return inverted.chop();
}

/** Composes in order. It joins halves first, so that the cost of many small changes is not the square of their number. */
export function composeAll(changes: readonly TextChange[]): TextChange {
  const [first] = changes;
  if (first === undefined) return NO_CHANGE;
  if (changes.length === 1) return first;
  const middle = changes.length >> 1;
  return composeAll(changes.slice(0, middle)).compose(composeAll(changes.slice(middle)));
}

/**
 * Rewrites `change`, which was made on the same text as `committed`, to come after it. Where both insert at one place,
 * the committed text comes first.
 */
export function rebaseChange(change: TextChange, committed: TextChange): TextChange {
  return transform(change, committed, true);
}

/** The counterpart of `rebaseChange`: rewrites `committed` to come after `change`. */
export function carryOver(committed: TextChange, change: TextChange): TextChange {
  return transform(committed, change, false);
}

/** Rewrites `change` to come after `other`. Where both insert at one place, `isOtherFirst` decides. */
function transform(change: TextChange, other: TextChange, isOtherFirst: boolean): TextChange {
  if (isEmpty(other)) return change.chop();
  const result = new TextChange();
  const made = new OpWalk(other.ops);
  const own = new OpWalk(change.ops);
  while (own.hasNext) {
    if (made.isInsert && (isOtherFirst || !own.isInsert)) {
      result.retain(made.take(made.left));
      continue;
    }
    const inserted = own.takeInsert();
    if (inserted !== null) {
      result.insert(inserted);
      continue;
    }
    const length = Math.min(made.left, own.left);
    const isGone = made.isDelete;
    const isDelete = own.isDelete;
    made.take(length);
    own.take(length);
    if (isGone) continue;
    if (isDelete) result.delete(length);
    else result.retain(length);
  }
  return result.chop();
}

/** Whether a cut at `index` would fall into a surrogate pair or between CR and LF. */
export function splitsCharacter(text: string, index: number): boolean {
  if (index <= 0 || index >= text.length) return false;
  const before = text.charCodeAt(index - 1);
  const after = text.charCodeAt(index);
  const isPair = isHighSurrogate(before) && isLowSurrogate(after);
  return isPair || (before === 0x0d && after === 0x0a);
}
