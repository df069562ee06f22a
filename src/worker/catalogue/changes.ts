import type { StoredEntry } from "../storage/catalogue-entries.ts";
import type { CatalogueLists } from "../storage/catalogue-lists.ts";
import { listFields } from "../storage/fragment-pages.ts";
import type { NumberedEvent } from "./event-listener.ts";

/** The changes after number `seq`, in order, for a listener that knows everything up to there. */
export function changesSince(lists: CatalogueLists, seq: number, limit: number): NumberedEvent[] {
  return lists
    .changedSince(seq, limit)
    .map((entry) => changeOf(entry, entry.createdSeq > seq, lists.includedBy(entry.id)));
}

function changeOf(entry: StoredEntry, isNew: boolean, includedBy: number): NumberedEvent {
  const { seq, id, revision: version } = entry;
  if (entry.isDeleted && entry.renamedTo !== null)
    return { event: "renamed", seq, from: id, to: entry.renamedTo };
  if (entry.isDeleted) return { event: "deleted", seq, id, version };
  return { event: isNew ? "created" : "changed", seq, fragment: listFields(entry, includedBy) };
}

/**
 * The change up to which a listener knows everything.
 *
 * @param lastSeq the last change that it had; null if it begins now. A number ahead of `newestSeq` comes from data that
 *   were wiped or restored since: the listener then knows nothing
 */
export function knownSeq(lastSeq: number | null, newestSeq: number): number {
  if (lastSeq === null) return newestSeq;
  return lastSeq > newestSeq ? 0 : lastSeq;
}
