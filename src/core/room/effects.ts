import type { ErrorCode } from "../../protocol/errors.ts";
import type { ExpandOptions } from "../../protocol/expansion.ts";
import type { JsonSession, Session } from "./session.ts";

/** Work that a frame leads to and the room cannot do, because it needs other objects. The room takes the outcome of some later. */
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

/** The session may not send this, or not as much. It was told; the audit log records it. */
export interface RefusedFrame {
  readonly kind: "refused";
  readonly session: Session;
  readonly code: ErrorCode;
}
