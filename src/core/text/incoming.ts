import { done, type Refusal, type Result, refused } from "../../protocol/errors.ts";
import { NOTHING_NEW } from "./inspection.ts";
import type { UpdateCheck } from "./update-check.ts";

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

/** One outcome for each update. Once an update of a sender is refused, so are the rest of its updates, unread. */
export function judgeEach(
  batch: readonly Incoming[],
  judgeOne: (incoming: Incoming, index: number) => Outcome,
): Outcome[] {
  const refusedSenders = new Map<object, Outcome>();
  return batch.map((incoming, index) => {
    const outcome = refusedSenders.get(incoming.sender) ?? judgeOne(incoming, index);
    if (!outcome.ok) refusedSenders.set(incoming.sender, outcome);
    return outcome;
  });
}

/** Checks one update, and accepts it if it is sound and its sender may write under its client ids. */
export function judge(check: UpdateCheck, incoming: Incoming): Outcome {
  const inspection = check.inspect(incoming);
  if (!inspection.ok) return inspection;
  const { value } = inspection;
  if (!incoming.isWanted)
    return done(inspection === NOTHING_NEW && check.held === null ? "known" : "unwanted");
  if (value === "gap") return done("gap");
  const fault = incoming.admit(value.keys());
  if (fault !== null) return refused(fault);
  return done(check.accept() ? "applied" : "known");
}
