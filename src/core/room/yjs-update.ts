import type { YjsSession } from "./session.ts";

/** An update of a Yjs session, to be applied. */
export interface YjsUpdate {
  readonly session: YjsSession;
  /** `offer`: a sync step 2 that nobody asked for. */
  readonly kind: "update" | "push" | "step2" | "offer";
  readonly update: Uint8Array;
  /** The number of a push, or of the session's answer to a sync step 1. */
  readonly number: number;
  /** A push that had a gap, tried again after the sync step 2 that should have filled it. */
  readonly isAgain: boolean;
  /** It has waited for the owners of client ids. These ones vouch for their structs in it. */
  readonly isReleased: boolean;
  readonly vouched: ReadonlySet<number> | null;
}

/** What a session sent: nothing has happened to it yet. */
export function received(
  session: YjsSession,
  kind: YjsUpdate["kind"],
  update: Uint8Array,
  number = 0,
): YjsUpdate {
  return { session, kind, update, number, isAgain: false, isReleased: false, vouched: null };
}
