import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { Change } from "../../protocol/json-frames.ts";
import { splitsCharacter, TextChange } from "./text-change.ts";

/**
 * Reads the wire form. Changes must be sorted, lie within the text, not overlap, and split no character. Two changes may
 * touch; of two at one place the earlier in the list comes first.
 */
export function fromChanges(changes: readonly Change[], text: string): Result<TextChange> {
  const result = new TextChange();
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
    if (op.retain !== undefined) {
      at += op.retain;
      open = null;
      continue;
    }
    if (open === null) {
      open = { from: at, to: at, insert: "" };
      changes.push(open);
    }
    if (op.insert !== undefined) open.insert += op.insert;
    else at = open.to += op.delete;
  }
  return changes;
}
