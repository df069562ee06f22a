import type { Refusal } from "../../protocol/errors.ts";
import type { Eol, Metadata } from "../../protocol/fragment.ts";
import type { Change } from "../../protocol/json-frames.ts";
import type { TextChange } from "../text/text-change.ts";
import { ANONYMOUS } from "./principal.ts";

/** A client's own name, or its session's id, and the id that it gave the request. */
export interface RequestKey {
  readonly client: string;
  readonly requestId: string;
  /** Of what is asked: the same request with another one is refused. Without one, nobody compares. */
  readonly fingerprint?: string | undefined;
}

/** A write that the server makes for a JSON session or a REST request, on the text its sender had in mind. */
export interface Write {
  readonly content: ContentWrite | null;
  readonly metadata: Partial<Metadata> | null;
  readonly base: Base;
  /** Only if the current version is among these, and nobody else's write came before in the same commit. */
  readonly expectedVersions: readonly number[] | null;
  readonly author: string;
  /** The session it came from, of which a later write may take it for its base; null for REST. */
  readonly session: object | null;
  /** The newest revision that its sender had been told of; 0 for REST. */
  readonly seenRevision: number;
  /** Under what a repetition is known again. */
  readonly request: RequestKey | null;
  /** Of a write that makes a fragment: what it keeps of the one that it was before, under another id. */
  readonly moved?: Moved;
  settle(result: WriteResult): void;
}

/** What neither the text nor the metadata of a fragment say. */
export interface Moved {
  /** The text may hold no line end to tell them by. */
  readonly eol: Eol;
  readonly createdAtMs: number;
}

export type ContentWrite =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  /** Each `old` is to be found exactly once in the text as the substitutions before left it. */
  | {
      readonly kind: "substitutions";
      readonly edits: readonly { readonly old: string; readonly new: string }[];
    };

export type Base =
  /** Whatever the text is when the write's turn comes. */
  | { readonly kind: "current" }
  | { readonly kind: "version"; readonly version: number }
  | ({ readonly kind: "request" } & RequestKey)
  /**
   * The one of these that differs least from the text received; the later on a tie. Asked for when the write's round
   * comes: by then an own write before it may have been committed.
   */
  | { readonly kind: "likeliest"; readonly texts: () => readonly KnownText[] };

/** A text that a session may have before its eyes: a revision's, or its own as it sent it. */
export interface KnownText {
  readonly revision: number;
  /**
   * Its own last text (which says nothing of what else it has seen), one that was on its way when it wrote that, or one
   * that was sent later.
   */
  readonly when: "own" | "crossing" | "later";
  readonly toSent: TextChange;
  /** The tags as it sent them, where they are not the revision's; null: the revision's. */
  readonly tags: readonly string[] | null;
}

export type WriteResult =
  | {
      readonly kind: "written";
      readonly revision: number;
      /** From the committed text back to what was sent; empty where they are the same. */
      readonly toSent: TextChange;
      /** The committed text as it is shown, where it is not what was sent. */
      readonly content: string | null;
      /** The request was committed before and is only answered again. */
      readonly isRepetition: boolean;
      /** When it was committed. */
      readonly timeMs: number;
      /** The revision that it was an edit of; null where it was one of the sender's own text, or is not known any more. */
      readonly baseRevision: number | null;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** A write of the server's own or of a REST request that changes nothing yet, to be filled in. */
export const EMPTY_WRITE: Omit<Write, "settle"> = {
  content: null,
  metadata: null,
  base: { kind: "current" },
  expectedVersions: null,
  author: ANONYMOUS.kind,
  session: null,
  seenRevision: 0,
  request: null,
};
