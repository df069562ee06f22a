import type { Change } from "../../protocol/json-frames.ts";
import type { Span } from "../text/change-spans.ts";
import { TextChange } from "../text/text-change.ts";
import { toChanges } from "../text/wire-changes.ts";

/** A word is followed this far, in UTF-16 code units. */
const MAX_WORD_UNITS = 64;
const WORD = /[\p{L}\p{N}\p{M}_]/u;

/**
 * The same change, except that it replaces an unseen word as a whole, with the blanks in front of it, if it made another
 * word of it. If the unseen word is then spared, both words stand there, and no mixture of their letters.
 *
 * @param text the text that the change is made to
 * @param unseen parts of that text, in order, with something between any two
 */
export function byWholeWords(change: TextChange, text: string, unseen: readonly Span[]): TextChange {
  const changes = toChanges(change);
  if (!deletesAny(changes, unseen, 0)) return change;
  const result = new TextChange();
  let at = 0;
  let firstUnseen = 0;
  for (const group of byWord(changes, text)) {
    const [{ from: start }] = group;
    while (isInFront(unseen[firstUnseen], start)) firstUnseen++;
    const replaces = group.some(({ insert }) => insert !== "") && deletesAny(group, unseen, firstUnseen);
    for (const { from, to, insert } of replaces ? [asOne(group, text, at)] : group) {
      result
        .retain(from - at)
        .insert(insert)
        .delete(to - from);
      at = to;
    }
  }
  return result.chop();
}

type Group = [Change, ...Change[]];

/** The changes, those within one word together. */
function byWord(changes: readonly Change[], text: string): Group[] {
  const groups: Group[] = [];
  let end = -1;
  for (const change of changes) {
    const group = groups.at(-1);
    if (group !== undefined && change.from <= end) group.push(change);
    else groups.push([change]);
    end = wordEnd(text, change.to);
  }
  return groups;
}

/** One change that does the same and replaces whole words, as far as they lie behind `least`. */
function asOne(group: Group, text: string, least: number): Change {
  const from = Math.max(least, wordStart(text, group[0].from));
  let insert = "";
  let at = from;
  for (const change of group) {
    insert += text.slice(at, change.from) + change.insert;
    at = change.to;
  }
  const to = wordEnd(text, at);
  return { from, to, insert: insert + text.slice(at, to) };
}

/** @param first the index of the first unseen part that is not in front of the changes */
function deletesAny(changes: readonly Change[], unseen: readonly Span[], first: number): boolean {
  let span = first;
  return changes.some(({ from, to }) => {
    while (isInFront(unseen[span], from)) span++;
    return from < to && (unseen[span]?.at ?? to) < to;
  });
}

function isInFront(span: Span | undefined, place: number): boolean {
  return span !== undefined && span.at + span.length <= place;
}

/** Where the word around this place begins, with the blanks in front of it. */
function wordStart(text: string, place: number): number {
  const least = Math.max(0, place - MAX_WORD_UNITS);
  let start = place;
  while (start > least && WORD.test(text[start - 1] ?? "")) start--;
  while (start > least && text[start - 1]?.trim() === "") start--;
  return start;
}

function wordEnd(text: string, place: number): number {
  const most = Math.min(text.length, place + MAX_WORD_UNITS);
  let end = place;
  while (end < most && WORD.test(text[end] ?? "")) end++;
  return end;
}
