import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { type Eol, type Metadata, textFault } from "../../protocol/fragment.ts";
import type { Change } from "../../protocol/json-frames.ts";
import { MAX_TAGS } from "../../protocol/limits.ts";
import { difference } from "../text/difference.ts";
import { detectEol, fromSharedText, toSharedText } from "../text/line-ends.ts";
import { type MetadataChange, type SharedMetadata, sameTags } from "../text/shared-metadata.ts";
import { applyChange, NO_CHANGE, TextChange } from "../text/text-change.ts";
import { fromChanges } from "../text/wire-changes.ts";
import type { ComparedAhead } from "./compared-ahead.ts";
import { EditedText } from "./edited-text.ts";
import type { ResolvedBase } from "./resolved-base.ts";
import type { ContentWrite, Substitution } from "./write.ts";

/** The change that a write makes to its base. */
export interface Intent {
  readonly change: TextChange;
  /** The line ends that it brings; null if they stay as they are. */
  readonly eol: Eol | null;
  /** The text exactly as the sender has it now; null if the write says nothing about the text. */
  readonly literal: string | null;
  /** The text (LF) that the sender has now. For changes of a text with LF line ends it is the same as `literal`. */
  readonly sent: string;
}

/** The intent of a write that says nothing about the text. */
export function noIntent(base: ResolvedBase): Intent {
  return { change: NO_CHANGE, eol: null, literal: null, sent: base.text };
}

export function contentIntent(
  write: ContentWrite,
  base: ResolvedBase,
  compared: ComparedAhead,
): Result<Intent> {
  switch (write.kind) {
    case "text": {
      const fault = textFault(write.text);
      if (fault !== null) return refused(refusal("invalid_content", `The content ${fault}.`));
      const eol = write.text.includes("\n") ? detectEol(write.text) : null;
      const sent = toSharedText(write.text);
      return done({ change: compared.difference(base.text, sent), eol, literal: write.text, sent });
    }
    case "changes":
      return changesIntent(write.changes, base);
    case "substitutions":
      return substitutionsIntent(write.edits, base);
    default:
      return write satisfies never;
  }
}

function changesIntent(changes: readonly Change[], base: ResolvedBase): Result<Intent> {
  for (const { insert } of changes) {
    const fault = textFault(insert);
    if (fault !== null) return refused(refusal("invalid_content", `The inserted text ${fault}.`));
  }
  const shown = fromSharedText(base.text, base.eol);
  const read = fromChanges(changes, shown);
  if (!read.ok) return read;
  const change = read.value;
  const literal = applyChange(change, shown);
  if (base.eol === "lf") return done({ change, eol: null, literal, sent: literal });
  const shared = toSharedChange(change, shown);
  return done({ change: shared, eol: null, literal, sent: applyChange(shared, base.text) });
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

/** Changes only what differs between `old` and `new`, so that what others write within the rest keeps its place. */
function substitutionsIntent(edits: readonly Substitution[], base: ResolvedBase): Result<Intent> {
  let change = new TextChange();
  const text = new EditedText(base.text);
  for (const [index, edit] of edits.entries()) {
    for (const side of ["old", "new"] as const) {
      // Half of a surrogate pair would be found within a whole one, and would leave the other half.
      const fault = textFault(edit[side]);
      if (fault !== null) return refused(refusal("invalid_content", `edits.${index}.${side} ${fault}.`));
    }
    const before = toSharedText(edit.old);
    const after = toSharedText(edit.new);
    const { count, at } = text.find(before);
    if (count !== 1) {
      const message = `edits.${index}.old matches ${count} times; it must match exactly once.`;
      return refused(refusal("no_single_match", message));
    }
    change = change.compose(new TextChange().retain(at).append(difference(before, after).ops));
    text.replace(at, before.length, after);
  }
  const sent = text.text;
  return done({ change, eol: null, literal: fromSharedText(sent, base.eol), sent });
}

export function metadataIntent(
  write: Partial<Metadata>,
  baseTags: readonly string[],
  current: SharedMetadata,
): Result<MetadataChange> {
  const { description, prompt_type, tags } = write;
  if (tags === undefined || sameTags(tags, baseTags)) return done({ description, prompt_type });
  const remove = baseTags.filter((tag) => !tags.includes(tag));
  // Somebody else may have removed a tag that the sender merely left as it was.
  const isWanted = (tag: string) => current.tags.includes(tag) || !baseTags.includes(tag);
  const keep = [...new Set(tags)].filter(isWanted);
  const left = current.tags.filter((tag) => !remove.includes(tag));
  if (new Set([...left, ...keep]).size > MAX_TAGS) {
    return refused(
      refusal("invalid_metadata", `tags: with the tags of others there would be more than ${MAX_TAGS}.`),
    );
  }
  return done({ description, prompt_type, tags: { keep, remove } });
}
