import { diffChars, diffLines } from "diff";
import { splitsCharacter, TextChange } from "./text-change.ts";

/**
 * The change from one text to another, at a bounded cost: Myers' difference (the `diff` package) by character
 * within what is left between the common start and end, by line where that takes too many edits, and the whole
 * middle as one replacement where even the lines are unlike. The bounds are counts, never time: on Workers the
 * clock stands still while code runs.
 */
const MAX_EDITS = 400;
/** Code units of both sides that are compared by character; Array.from makes a string of each. */
const MAX_COMPARED_UNITS = 200_000;

/** @param maxEdits of characters, and of lines */
export function difference(from: string, to: string, maxEdits = MAX_EDITS): TextChange {
  if (from === to) return new TextChange();
  const start = commonStart(from, to);
  const end = commonEnd(from, to, start);
  const removed = from.slice(start, from.length - end);
  const added = to.slice(start, to.length - end);
  const change = new TextChange().retain(start);
  if (removed === "" || added === "") return change.insert(added).delete(removed.length).chop();
  return addMiddle(change, removed, added, maxEdits).chop();
}

/** What is left of both texts between their common start and end: never less than the change's size. */
export function roughDistance(from: string, to: string): number {
  const start = commonStart(from, to);
  return from.length + to.length - 2 * (start + commonEnd(from, to, start));
}

interface Part {
  readonly value: string;
  readonly added?: boolean;
  readonly removed?: boolean;
}

function addMiddle(change: TextChange, removed: string, added: string, maxEditLength: number): TextChange {
  if (removed.length + added.length <= MAX_COMPARED_UNITS) {
    const parts = diffChars(removed, added, { maxEditLength });
    if (parts !== undefined) return addParts(change, parts);
  }
  const lines = diffLines(removed, added, { maxEditLength });
  return lines === undefined ? change.insert(added).delete(removed.length) : addParts(change, lines);
}

function addParts(change: TextChange, parts: readonly Part[]): TextChange {
  for (const part of parts) {
    if (part.added === true) change.insert(part.value);
    else if (part.removed === true) change.delete(part.value.length);
    else change.retain(part.value.length);
  }
  return change;
}

function commonStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  while (at > 0 && (splitsCharacter(a, at) || splitsCharacter(b, at))) at--;
  return at;
}

function commonEnd(a: string, b: string, start: number): number {
  const most = Math.min(a.length, b.length) - start;
  let count = 0;
  while (count < most && a.charCodeAt(a.length - 1 - count) === b.charCodeAt(b.length - 1 - count)) count++;
  while (count > 0 && (splitsCharacter(a, a.length - count) || splitsCharacter(b, b.length - count))) count--;
  return count;
}
