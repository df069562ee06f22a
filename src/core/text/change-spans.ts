import type { TextChange } from "./text-change.ts";

/** A part of a text, in UTF-16 code units. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** The parts of a text that a change deletes, in order, with something between any two. */
export function deletionsOf(change: TextChange): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const op of change.ops) {
    if (op.delete !== undefined) spans.push({ at, length: op.delete });
    at += op.delete ?? op.retain ?? 0;
  }
  return spans;
}

/** How much longer the text is after the change, in UTF-16 code units. */
export function growthOf(change: TextChange): number {
  return change.ops.reduce((sum, op) => sum + (op.insert?.length ?? 0) - (op.delete ?? 0), 0);
}
