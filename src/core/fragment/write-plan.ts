import { type Refusal, refusal } from "../../protocol/errors.ts";
import { type Eol, type Metadata, textFault } from "../../protocol/fragment.ts";
import type { Change } from "../../protocol/json-frames.ts";
import { MAX_TAGS } from "../../protocol/limits.ts";
import { difference } from "../text/difference.ts";
import { detectEol, fromSharedText, toSharedText } from "../text/line-ends.ts";
import { type MetadataChange, type SharedMetadata, sameTags } from "../text/shared-metadata.ts";
import { applyChange, NO_CHANGE, TextChange } from "../text/text-change.ts";
import { fromChanges } from "../text/wire-changes.ts";
import type { Resolved } from "./likeliest-base.ts";
import type { ContentWrite } from "./write.ts";

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
  const read = fromChanges(changes, shown);
  if (!read.ok) return read.refusal;
  const change = read.value;
  const literal = applyChange(change, shown);
  return { change: base.eol === "crlf" ? toSharedChange(change, shown) : change, eol: null, literal };
}

/** The same change on the shared text, where each CRLF of the shown text is one LF. */
function toSharedChange(change: TextChange, shown: string): TextChange {
  const shared = new TextChange();
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
  let change: TextChange = new TextChange();
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
    const step = new TextChange().retain(last).insert(toSharedText(edit.new)).delete(old.length);
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
