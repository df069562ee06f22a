import { ANONYMOUS } from "../../protocol/access.ts";
import type { Result } from "../../protocol/errors.ts";
import type { Eol, Metadata } from "../../protocol/fragment.ts";
import type { Change } from "../../protocol/json-frames.ts";
import type { TextChange } from "../text/text-change.ts";
import type { ShownBefore } from "./shown-before.ts";

/** The name under which a request is remembered. */
export interface RequestKey {
  /** See request-client.ts. */
  readonly client: string;
  readonly requestId: string;
  /** A digest of the request: the same id with another one is refused. Without one, nothing is compared. */
  readonly fingerprint?: string | undefined;
}

/** A write that the server makes for a JSON session or a REST request. */
export interface Write {
  readonly content: ContentWrite | null;
  readonly metadata: Partial<Metadata> | null;
  readonly base: Base;
  /** Refused unless the current version is one of these and no other write precedes it in the same commit. */
  readonly expectedVersions: readonly number[] | null;
  /** The id of the principal. */
  readonly author: string;
  /** The session that sent it: a later write of the session may build on it. Null for REST. */
  readonly session: object | null;
  /** The newest revision that its sender had been told of; 0 for REST. */
  readonly seenRevision: number;
  /** Set if a repetition of this request must be recognised. */
  readonly request: RequestKey | null;
  /** Set if the write creates a fragment under a new id. */
  readonly moved?: Moved;
  /** Tells the sender, once the write is durable or refused. */
  answer(result: Result<Written>): void;
}

/** What a renamed fragment keeps besides its text and metadata. */
export interface Moved {
  /** Given because the text may hold no line end that would show it. */
  readonly eol: Eol;
  readonly createdAtMs: number;
}

export type ContentWrite =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  /** Made in order; each `old` must stand exactly once in the text that the ones before it left. */
  | { readonly kind: "substitutions"; readonly edits: readonly Substitution[] };

export interface Substitution {
  readonly old: string;
  readonly new: string;
}

export type Base =
  /** The text as it is when the write's turn comes. */
  | { readonly kind: "current" }
  | { readonly kind: "version"; readonly version: number }
  | ({ readonly kind: "request" } & RequestKey)
  /**
   * The likeliest of these texts: see likeliest-base.ts. They are asked for in the write's turn, because an earlier write
   * of the same session may have been committed by then.
   */
  | {
      readonly kind: "likeliest";
      texts(): readonly KnownText[];
      /** Which older texts its page may show from an earlier session; null if it has none, or has sent a text since. */
      shownBefore(): ShownBefore | null;
    }
  /** The likeliest of the current text and those that old REST clients may show: see page-reads.ts. */
  | { readonly kind: "page" };

/** A text that a session's page may show: that of a revision, or the session's own as it sent it. */
export interface KnownText {
  readonly revision: number;
  /**
   * `own`: the text that this session sent last. `crossing`: sent to it while `own` was in flight. `later`: sent to it
   * after `own` was committed.
   */
  readonly when: "own" | "crossing" | "later";
  /** From the revision's text to this one. */
  readonly toSent: TextChange;
  /** The tags as the session sent them; null: those of the revision. */
  readonly tags: readonly string[] | null;
}

/** A write that is durable. */
export interface Written {
  readonly revision: number;
  /** From the committed text back to what was sent; empty where they are the same. */
  readonly toSent: TextChange;
  /** The committed text as it is shown; null if it is what was sent. */
  readonly content: string | null;
  /** `toSent` leads from `content` to exactly what was sent, because both have LF line ends. */
  readonly isToSentExact: boolean;
  /** The request was committed before, and is only answered again. */
  readonly isRepetition: boolean;
  /** When it was committed. */
  readonly timeMs: number;
  /** The revision that it was an edit of; null if it was an edit of the sender's own text, or if that is not known. */
  readonly baseRevision: number | null;
}

/** A write that changes nothing, to be filled in: of the server itself or of a REST request. */
export const EMPTY_WRITE: Omit<Write, "answer"> = {
  content: null,
  metadata: null,
  base: { kind: "current" },
  expectedVersions: null,
  author: ANONYMOUS.id,
  session: null,
  seenRevision: 0,
  request: null,
};
