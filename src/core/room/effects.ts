import type { ErrorCode } from "../../protocol/errors.ts";
import type { ExpandOptions } from "../../protocol/expansion.ts";
import type { JsonSession, Session } from "./session.ts";

/** Work that follows from a frame and needs other objects, so that the room cannot do it. Some of it has an outcome, which the room takes later. */
export type Effect = ExpandRequest | RenewalRequest | RefusedFrame;

/** The session wants a text expanded. The answer goes to `Room.answerExpand`. */
export interface ExpandRequest {
  readonly kind: "expand";
  readonly session: JsonSession;
  /** Null: the current text. */
  readonly content: string | null;
  readonly options: ExpandOptions;
  readonly requestId: string | undefined;
}

/** The session brings a new token. The outcome goes to `Room.answerRenewal`. */
export interface RenewalRequest {
  readonly kind: "renewal";
  readonly session: Session;
  /** Secret. */
  readonly token: string;
  readonly requestId: string | undefined;
}

/** The session may not send this, or has sent too much. It was told; the audit log records it. */
export interface RefusedFrame {
  readonly kind: "refused";
  readonly session: Session;
  readonly code: ErrorCode;
}
