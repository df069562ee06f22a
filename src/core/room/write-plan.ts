import Delta from "quill-delta";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { type Eol, type Metadata, textFault } from "../../protocol/fragment.ts";
import type { Change } from "../../protocol/json-frames.ts";
import { MAX_TAGS } from "../../protocol/limits.ts";
import { difference, roughDistance } from "../text/difference.ts";
import { detectEol, fromSharedText, toSharedText } from "../text/line-ends.ts";
import { type MetadataChange, type SharedMetadata, sameTags } from "../text/shared-metadata.ts";
import {
  applyChange,
  changeSize,
  fromChanges,
  isEmpty,
  NO_CHANGE,
  type TextChange,
} from "../text/text-change.ts";
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
 * How many candidates are compared in full, besides the sender's own last text and the newest that it was sent: a rough
 * look tells the others apart, which is deceived by edits that lie far apart. Of short texts more are.
 */
const MIN_COMPARED = 4;
const MAX_COMPARED_UNITS = 40_000;

interface Distant {
  readonly one: Resolved;
  readonly distance: number;
}

/**
 * The candidate from which the write differs least; the later on a tie.
 *
 * A text that crossed the sender's last one is before its eyes if it takes in what it is sent at once, and is not if it
 * waits for the answer to its own. So it must be nearer than all others, and the write put something into it and take
 * nothing out: whatever the sender has seen, nothing that others wrote goes by that.
 */
export function likeliestBase(
  candidates: readonly Resolved[],
  content: ContentWrite | null,
  tags: readonly string[] | undefined,
): Resolved | null {
  const known = candidates.filter(({ isCrossing }) => !isCrossing);
  if (content?.kind !== "text")
    return nearest(known, (one) => tagDistance(one.tags, tags ?? one.tags))?.one ?? null;
  const text = toSharedText(content.text);
  const likely = nearest(roughlyNearest(known, text), (one) => changeSize(difference(one.text, text)));
  const crossing = candidates.filter(({ isCrossing }) => isCrossing);
  const crossed = nearest(roughlyNearest(crossing, text), (one) => {
    const change = difference(one.text, text);
    return isEmpty(change) || deletes(change) ? Number.POSITIVE_INFINITY : changeSize(change);
  });
  if (likely !== null && takesBack(difference(likely.one.text, text))) return likely.one;
  const isCrossed = crossed !== null && crossed.distance < (likely?.distance ?? Number.POSITIVE_INFINITY);
  return (isCrossed ? crossed : likely)?.one ?? null;
}

/** In the order that they came in, oldest first. */
function roughlyNearest(candidates: readonly Resolved[], text: string): readonly Resolved[] {
  const most = Math.max(MIN_COMPARED, Math.floor(MAX_COMPARED_UNITS / Math.max(1, text.length)));
  if (candidates.length <= most) return candidates;
  const rough = candidates.map((one) => ({ one, distance: roughDistance(one.text, text) }));
  const near = rough.toSorted((a, b) => a.distance - b.distance).slice(0, most);
  const compared = new Set([candidates[0], candidates.at(-1), ...near.map(({ one }) => one)]);
  return candidates.filter((one) => compared.has(one));
}

function nearest(candidates: readonly Resolved[], distanceTo: (one: Resolved) => number): Distant | null {
  let best: Distant | null = null;
  for (const one of candidates) {
    const distance = distanceTo(one);
    if (best === null || distance <= best.distance) best = { one, distance };
  }
  return best;
}

/** It only deletes. */
function takesBack(change: TextChange): boolean {
  return change.ops.every((op) => op.insert === undefined);
}

function deletes(change: TextChange): boolean {
  return change.ops.some((op) => op.delete !== undefined);
}

function tagDistance(a: readonly string[], b: readonly string[]): number {
  return a.filter((tag) => !b.includes(tag)).length + b.filter((tag) => !a.includes(tag)).length;
}

/** What a write means, on the text that its sender had in mind. */
export interface Meant {
  readonly change: TextChange;
  /** The line ends that it brings; null: as they are. */
  readonly eol: Eol | null;
  /** The text as the sender has it now, to the letter; null where it said nothing about the text. */
  readonly literal: string | null;
}

export const NOTHING_MEANT: Meant = { change: NO_CHANGE, eol: null, literal: null };

export function planContent(write: ContentWrite, base: Resolved): Meant | Refusal {
  switch (write.kind) {
    case "text": {
      const fault = textFault(write.text);
      if (fault !== null) return refusal("invalid_content", `The content ${fault}.`);
      const eol = write.text.includes("\n") ? detectEol(write.text) : null;
      return { change: difference(base.text, toSharedText(write.text)), eol, literal: write.text };
    }
    case "changes":
      return planChanges(write.changes, base);
    case "substitutions":
      return planSubstitutions(write.edits, base);
    default:
      return write satisfies never;
  }
}

function planChanges(changes: readonly Change[], base: Resolved): Meant | Refusal {
  for (const { insert } of changes) {
    const fault = textFault(insert);
    if (fault !== null) return refusal("invalid_content", `The inserted text ${fault}.`);
  }
  const shown = fromSharedText(base.text, base.eol);
  const change = fromChanges(changes, shown);
  if ("code" in change) return change;
  const literal = applyChange(change, shown);
  return { change: base.eol === "crlf" ? toSharedChange(change, shown) : change, eol: null, literal };
}

/** The same change on the shared text, where each CRLF of the shown text is one LF. */
function toSharedChange(change: TextChange, shown: string): TextChange {
  const shared = new Delta();
  let at = 0;
  for (const op of change.ops) {
    if (typeof op.insert === "string") {
      shared.insert(toSharedText(op.insert));
      continue;
    }
    const length = typeof op.retain === "number" ? op.retain : (op.delete ?? 0);
    const sharedLength = toSharedText(shown.slice(at, at + length)).length;
    at += length;
    if (op.delete === undefined) shared.retain(sharedLength);
    else shared.delete(sharedLength);
  }
  return shared.chop();
}

function planSubstitutions(
  edits: readonly { readonly old: string; readonly new: string }[],
  base: Resolved,
): Meant | Refusal {
  let change: TextChange = new Delta();
  let text = base.text;
  for (const [index, edit] of edits.entries()) {
    for (const side of ["old", "new"] as const) {
      // Half of a pair would be found within a whole one, and leave the other half behind.
      const fault = textFault(edit[side]);
      if (fault !== null) return refusal("invalid_content", `edits.${index}.${side} ${fault}.`);
    }
    const old = toSharedText(edit.old);
    const { count, last } = matchesOf(old, text);
    if (count !== 1) {
      return refusal(
        "no_single_match",
        `edits.${index}.old matches ${count} times; it must match exactly once.`,
      );
    }
    const step = new Delta().retain(last).insert(toSharedText(edit.new)).delete(old.length);
    change = change.compose(step);
    text = applyChange(step, text);
  }
  return { change, eol: null, literal: fromSharedText(text, base.eol) };
}

export function planMetadata(
  write: Partial<Metadata>,
  baseTags: readonly string[],
  current: SharedMetadata,
): MetadataChange | Refusal {
  const { description, prompt_type, tags } = write;
  if (tags === undefined || sameTags(tags, baseTags)) return { description, prompt_type };
  const remove = baseTags.filter((tag) => !tags.includes(tag));
  // A tag that the sender merely left as it was may have been removed by somebody else.
  const isWanted = (tag: string) => current.tags.includes(tag) || !baseTags.includes(tag);
  const keep = [...new Set(tags)].filter(isWanted);
  const left = current.tags.filter((tag) => !remove.includes(tag));
  if (new Set([...left, ...keep]).size > MAX_TAGS) {
    return refusal("invalid_metadata", `tags: with the tags of others there would be more than ${MAX_TAGS}.`);
  }
  return { description, prompt_type, tags: { keep, remove } };
}

/**
 * Overlapping ones count each: "aa" stands twice in "aaa". By Knuth, Morris and Pratt, in one passage whatever the part
 * is: `indexOf` takes a minute for some (V8, November 2026).
 */
function matchesOf(part: string, text: string): { count: number; last: number } {
  if (part === "") return { count: text.length + 1, last: text.length };
  // Of each beginning of the part, how many of its last units are a beginning, too.
  const borders = new Uint32Array(part.length + 1);
  for (let at = 1, border = 0; at < part.length; at++) {
    border = extendBorder(part, borders, border, part.charCodeAt(at));
    borders[at + 1] = border;
  }
  let count = 0;
  let last = -1;
  for (let at = 0, matched = 0; at < text.length; at++) {
    matched = extendBorder(part, borders, matched, text.charCodeAt(at));
    if (matched < part.length) continue;
    count++;
    last = at + 1 - part.length;
  }
  return { count, last };
}

/** How many of its first units the part shares with the end of what was read, and one unit more. */
function extendBorder(part: string, borders: Uint32Array, matched: number, unit: number): number {
  let border = matched;
  while (border > 0 && (border === part.length || part.charCodeAt(border) !== unit))
    border = borders[border] ?? 0;
  return part.charCodeAt(border) === unit ? border + 1 : 0;
}
