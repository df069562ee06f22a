import { done, type Refusal, type Result, refused } from "../../protocol/errors.ts";
import type { UpdateCheck } from "./update-check.ts";

/** An update that a peer wants applied. */
export interface Incoming {
  readonly update: Uint8Array;
  /** Once one update of a sender is refused, the rest of its updates in the batch are refused unread. */
  readonly sender: object;
  /** Asked once the update is found sound: may its sender add structs under these client ids? */
  admit(clients: Iterable<number>): Refusal | null;
}

/**
 * The effect of a sound update. "applied": it brought something new. "known": all of it was known before. "gap": it
 * builds on structs that are not known here and was not applied; its sender should be asked for what it has.
 */
type Effect = "applied" | "known" | "gap";

export type Outcome = Result<Effect>;

/** One outcome for each update. Once an update of a sender is refused, so are the rest of its updates, unread. */
export function judgeEach(batch: readonly Incoming[], judgeOne: (incoming: Incoming) => Outcome): Outcome[] {
  const refusedSenders = new Map<object, Outcome>();
  return batch.map((incoming) => {
    const outcome = refusedSenders.get(incoming.sender) ?? judgeOne(incoming);
    if (!outcome.ok) refusedSenders.set(incoming.sender, outcome);
    return outcome;
  });
}

/** Checks one update, and accepts it if it is sound and its sender may write under its client ids. */
export function judge(check: UpdateCheck, { update, admit }: Incoming): Outcome {
  const inspection = check.inspect(update);
  if (!inspection.ok) return inspection;
  if (inspection.value === "gap") return done("gap");
  const fault = admit(inspection.value.keys());
  if (fault !== null) return refused(fault);
  return done(check.accept() ? "applied" : "known");
}
