import type { Commit } from "../history/update-log.ts";
import type { FragmentText, Uncommitted } from "../text/fragment-text.ts";
import { invertChange } from "../text/text-change.ts";
import type { WriteRound } from "./write-round.ts";

/** What a commit of everything in the document is to hold. */
export function makeCommit(
  text: FragmentText,
  round: WriteRound | null,
  revision: number,
  authors: readonly string[],
  timeMs: number,
): { commit: Commit; uncommitted: Uncommitted } {
  const uncommitted = text.uncommitted();
  const hasNewMetadata = uncommitted.metadata !== text.committedMetadata;
  const commit = {
    revision,
    timeMs,
    authors,
    update: uncommitted.update,
    undo: invertChange(uncommitted.change, text.committedContent),
    metadataBefore: hasNewMetadata ? text.committedMetadata : null,
    answers: round?.answers() ?? [],
  };
  return { commit, uncommitted };
}
