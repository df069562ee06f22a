import type { Eol } from "../../protocol/fragment.ts";
import type { Span } from "../text/change-spans.ts";
import type { TextChange } from "../text/text-change.ts";

/** The text that a write is an edit of, and what happened to it up to now. */
export interface ResolvedBase {
  /** Null: a text of the sender's own, from an earlier round. */
  readonly revision: number | null;
  readonly text: string;
  /** The revision whose text this is; null where it is a text as somebody sent it, or the one that the round has made. */
  readonly textRevision: number | null;
  readonly eol: Eol;
  readonly tags: readonly string[];
  /** From `text` to the current text. */
  readonly since: TextChange;
  /** Parts of `text` that the sender may not have seen: a write leaves them. */
  readonly unseen: readonly Span[];
}
