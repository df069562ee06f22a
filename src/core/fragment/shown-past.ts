import type { Metadata } from "../../protocol/fragment.ts";
import type { Past } from "../history/past.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import { fromSharedText } from "../text/line-ends.ts";
import type { SharedMetadata } from "../text/shared-metadata.ts";
import { applyChange, invertChange, type TextChange } from "../text/text-change.ts";

/** Past revisions as they were shown, found by the steps that lead back from the committed one. */
export interface PastOf {
  readonly past: Past;
  readonly text: FragmentText;
  /** The committed revision. */
  readonly revision: number;
}

/** The metadata of a past revision; null if that is not known any more. */
export function metadataAt({ past, text, revision }: PastOf, then: number, nowMs: number): Metadata | null {
  return past.metadataAt(then, revision, text.committedMetadata, nowMs);
}

/** The text of a past revision, and its metadata; null if that is not known any more. */
export function shownAt(
  { past, text, revision }: PastOf,
  then: number,
  nowMs: number,
): { content: string; metadata: SharedMetadata } | null {
  const metadata = past.metadataAt(then, revision, text.committedMetadata, nowMs);
  const undo = past.undoTo(then, revision, nowMs);
  if (metadata === null || undo === null) return null;
  return { content: fromSharedText(applyChange(undo, text.committedContent), metadata.eol), metadata };
}

/** The change from a past revision's text to the current one; null if it is not known any more. */
export function changeSince(
  { past, text, revision }: PastOf,
  then: number,
  nowMs: number,
): TextChange | null {
  const { committedContent, committedMetadata } = text;
  const metadata = past.metadataAt(then, revision, committedMetadata, nowMs);
  // With CRLF the positions in the shown text are not those in the shared one.
  if (committedMetadata.eol === "crlf" || metadata?.eol !== "lf") return null;
  const undo = past.undoTo(then, revision, nowMs);
  return undo === null ? null : invertChange(undo, committedContent);
}
