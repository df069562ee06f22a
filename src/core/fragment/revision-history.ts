import type { Metadata } from "../../protocol/fragment.ts";
import type { Past } from "../history/past.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import { fromSharedText } from "../text/line-ends.ts";
import type { SharedMetadata } from "../text/shared-metadata.ts";
import { applyChange, invertChange, type TextChange } from "../text/text-change.ts";
import type { PageReads } from "./page-reads.ts";

/** The committed text, and the steps that lead back from it to past revisions. */
export interface RevisionHistory {
  readonly past: Past;
  readonly text: FragmentText;
  /** The committed revision. */
  readonly current: number;
  /** The revisions that the pages of old REST clients may show. */
  readonly pages: PageReads;
}

/** The metadata of a past revision; null if they are not known any more. */
export function metadataAt(
  { past, text, current }: RevisionHistory,
  revision: number,
  nowMs: number,
): Metadata | null {
  return past.metadataAt(revision, current, text.committedMetadata, nowMs);
}

/** The text of a past revision with its own line ends, and its metadata; null if it is not known any more. */
export function shownAt(
  { past, text, current }: RevisionHistory,
  revision: number,
  nowMs: number,
): { content: string; metadata: SharedMetadata } | null {
  const metadata = past.metadataAt(revision, current, text.committedMetadata, nowMs);
  const undo = past.undoTo(revision, current, nowMs);
  if (metadata === null || undo === null) return null;
  return { content: fromSharedText(applyChange(undo, text.committedContent), metadata.eol), metadata };
}

/** The change from a past revision's shown text to the current one; null if it is not known any more. */
export function changeSince(
  { past, text, current }: RevisionHistory,
  revision: number,
  nowMs: number,
): TextChange | null {
  const { committedContent, committedMetadata } = text;
  const metadata = past.metadataAt(revision, current, committedMetadata, nowMs);
  // With CRLF the positions in the shown text are not those in the shared one.
  if (committedMetadata.eol === "crlf" || metadata?.eol !== "lf") return null;
  const undo = past.undoTo(revision, current, nowMs);
  return undo === null ? null : invertChange(undo, committedContent);
}
