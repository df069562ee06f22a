import { done, refused } from "../../protocol/errors.ts";
import type { Incoming, Outcome } from "./incoming.ts";
import { NOTHING_NEW } from "./inspection.ts";
import type { UpdateCheck } from "./update-check.ts";

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
