import { holdsFor } from "../../protocol/access.ts";
import type { StoredEntry } from "../storage/catalogue-entries.ts";
import type { CatalogueLists } from "../storage/catalogue-lists.ts";
import { listFields } from "../storage/fragment-pages.ts";
import type { View } from "../storage/visible-ids.ts";
import type { NumberedEvent } from "./event-listener.ts";

/** The changes after number `seq`, in order, for a listener with this view that knows everything up to there. */
export function changesSince(lists: CatalogueLists, view: View, seq: number, limit: number): NumberedEvent[] {
  return lists.changedSince(view, seq, limit).map((entry) => changeOf(lists, view, entry, seq));
}

/** A rename to an id that the listener may not know of looks like a deletion. */
function changeOf(lists: CatalogueLists, view: View, entry: StoredEntry, afterSeq: number): NumberedEvent {
  const { seq, id, revision: version, renamedTo } = entry;
  if (entry.isDeleted && renamedTo !== null && holdsFor(view, renamedTo))
    return { event: "renamed", seq, from: id, to: renamedTo };
  if (entry.isDeleted) return { event: "deleted", seq, id, version };
  const event = entry.createdSeq > afterSeq ? "created" : "changed";
  return { event, seq, fragment: listFields(entry, lists.includedBy(view, id)) };
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
