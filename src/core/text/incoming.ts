import type { Refusal, Result } from "../../protocol/errors.ts";

/** An update that a peer wants applied. */
export interface Incoming {
  readonly update: Uint8Array;
  /** Once one update of a sender is refused, the rest of its updates in the batch are refused unread. */
  readonly sender: object;
  /** False: nobody has asked for it. It is looked at, and not applied. */
  readonly isWanted: boolean;
  /** Whether new structs of this client wait until the owner of the client id has been heard. */
  isHeld(client: number): boolean;
  /** Asked once the update is found sound: may its sender add structs under these client ids? */
  admit(clients: Iterable<number>): Refusal | null;
  /** The update holds a struct of this client that is known with another content. Why it is refused. */
  differs(client: number): Refusal;
}

/**
 * The effect of a sound update, of what is not held of it. "applied": it brought something new. "known": all of it was
 * known before. "gap": it builds on structs that are not known here and was not applied; its sender should be asked for
 * what it has. "unwanted": nobody has asked for it, and it would have brought something new.
 */
type Effect = "applied" | "known" | "gap" | "unwanted";

export type Outcome = Result<Effect>;
