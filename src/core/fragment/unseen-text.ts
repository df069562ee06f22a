import type { Span } from "../text/change-spans.ts";
import { NO_CHANGE, TextChange } from "../text/text-change.ts";
import { byWholeWords } from "./whole-words.ts";

/** A change that spares what its writer may not have seen. */
export interface SparingChange {
  readonly change: TextChange;
  /** From the text that the writer sent to the text that `change` makes: puts back what is spared. */
  readonly restored: TextChange;
}

/**
 * The same change, except that it deletes nothing of the unseen parts of the text. A word that it makes of an unseen one
 * stands beside that.
 *
 * @param unseen in order, with something between any two
 */
export function sparing(change: TextChange, text: string, unseen: readonly Span[]): SparingChange {
  if (unseen.length === 0) return { change, restored: NO_CHANGE };
  const left = new TextChange();
  const restored = new TextChange();
  let at = 0;
  let next = 0;
  for (const op of byWholeWords(change, text, unseen).ops) {
    if (op.insert !== undefined) {
      left.insert(op.insert);
      restored.retain(op.insert.length);
      continue;
    }
    if (op.delete === undefined) {
      left.retain(op.retain);
      restored.retain(op.retain);
      at += op.retain;
      continue;
    }
    const end = at + op.delete;
    while (at < end) {
      for (let span = unseen[next]; span !== undefined && span.at + span.length <= at; span = unseen[next])
        next++;
      const span = unseen[next] ?? { at: end, length: 0 };
      const spared = withBlanks(text, at, end, span);
      left.delete(spared.from - at).retain(spared.to - spared.from);
      restored.insert(text.slice(spared.from, spared.to));
      at = spared.to;
    }
  }
  return { change: left.chop(), restored: restored.chop() };
}

/** The part of a deletion that is spared: the unseen text, and the blanks beside it, which separate it from the rest. */
function withBlanks(
  text: string,
  start: number,
  end: number,
  { at, length }: Span,
): { from: number; to: number } {
  if (at >= end) return { from: end, to: end };
  let from = Math.max(start, at);
  let to = Math.min(end, at + length);
  while (from > start && isBlank(text, from - 1)) from--;
  while (to < end && isBlank(text, to)) to++;
  return { from, to };
}

function isBlank(text: string, at: number): boolean {
  return text[at]?.trim() === "";
}
