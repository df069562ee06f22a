import type { Eol } from "../../protocol/fragment.ts";
import type { Span } from "../text/change-spans.ts";
import type { TextChange } from "../text/text-change.ts";

/** The text that a write is an edit of, and how it has changed since. */
export interface ResolvedBase {
  /** Null for a text of the sender's own from an earlier round. */
  readonly revision: number | null;
  readonly text: string;
  /** The revision whose text this is; null for a text as somebody sent it, and for the one that the round has made. */
  readonly textRevision: number | null;
  readonly eol: Eol;
  readonly tags: readonly string[];
  /** From `text` to the current text. */
  readonly since: TextChange;
  /** The parts of `text` that the sender may not have seen: the write does not delete them. */
  readonly unseen: readonly Span[];
}
