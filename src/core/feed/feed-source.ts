import type { OpenSessions } from "../../protocol/catalogue.ts";
import type { CommittedView } from "../fragment/durable-fragment.ts";
import type { LogState } from "../history/update-log.ts";

/** The fragment, as its feed reads it and pays from its row budget. The live room is one. */
export interface FeedSource {
  /** The state of the fragment in the log, deleted or not; null if there never was one. */
  readonly life: LogState | null;
  /** The committed revision. There must be a fragment. */
  readonly committed: Pick<CommittedView, "id" | "revision" | "timeMs" | "content" | "size" | "metadata">;
  /** Grows whenever `openSessions` may give something else. */
  readonly openSessionsChanges: number;
  openSessions(): OpenSessions;
  /** Stores that the catalogue has this revision, with its text. */
  markDelivered(revision: number, nowMs: number): void;
  /** When work that can wait and costs this many rows may be done: `nowMs` if at once. */
  affordableAt(rows: number, nowMs: number): number;
  /** Pays for rows that were written for this fragment elsewhere. */
  spend(rows: number, nowMs: number): void;
}
