import type { AuthorRun } from "./author-runs.ts";
import type { Authorship, PastEntry } from "./past-entry.ts";

/**
 * The durable history of one fragment: a port, implemented by the storage of a Durable Object and by the memory of a
 * test (one contract suite for both). Each call is synchronous and either takes full effect or none; after a throw the
 * caller must not trust its own state either.
 */
export interface UpdateLog {
  /** Null if nothing was ever stored. Reading stores nothing. */
  load(): LogState | null;
  /** Begins the first life of the fragment, or the next one after `remove`, with its first commit. */
  create(first: Commit, life: NewLife): void;
  /** Makes one commit durable. */
  append(commit: Commit): void;
  /** The snapshot and then the logged updates, in order. */
  updates(): Iterable<Uint8Array>;
  /** The past commits that are kept, oldest first. */
  past(): PastEntry[];
  /** Replaces the log by a snapshot of everything committed; keeps the past from `keepSinceMs` on, and all authors. */
  compact(snapshot: Uint8Array, keepSinceMs: number): void;
  /**
   * Who wrote the commits of these revisions, in all lives of the fragment: the runs that have one of them, oldest first.
   * Older runs are coarser (author-archive.ts). A revision that is in no run is not known any more.
   */
  authors(fromRevision: number, toRevision: number): AuthorRun[];
  /**
   * Leaves only a tombstone: generation, last revision, the authors, and the client ids that must not come back.
   *
   * @param deletion the last revision of this life, and who ended it
   */
  remove(deletion: Authorship, clients: Iterable<number>): void;
  renewServerClientId(serverClientId: number): void;
  /** Notes that the catalogue has this revision with its text. Costs one row. */
  markDelivered(revision: number): void;
  /** A read has met a damaged row and set it aside: the state lacks what the row held. */
  readonly hasFoundDamage: boolean;
  /** What has been logged since the snapshot, for the compaction policy. Known once `updates` was read. */
  readonly size: LogSize;
  /** Rows written so far by this object, as they are billed. */
  readonly rowsWritten: number;
}

export interface Commit extends PastEntry {
  /** Null if only the revision grows, as when an empty fragment is created. */
  readonly update: Uint8Array | null;
}

/** If `createdAtMs` is absent, the time of the first commit is taken. */
export type NewLife = Pick<LogState, "generation" | "serverClientId" | "deliveredRevision"> &
  Partial<Pick<LogState, "createdAtMs">>;

export interface LogState {
  readonly generation: number;
  readonly revision: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly isDeleted: boolean;
  /** The client id under which the server itself writes into the document. */
  readonly serverClientId: number;
  /** Client ids of deleted generations. */
  readonly oldClients: ReadonlySet<number>;
  /** The last revision whose text the catalogue has, or will ask for by itself; 0: none. */
  readonly deliveredRevision: number;
}

export interface LogSize {
  readonly rows: number;
  readonly updateBytes: number;
  readonly pastBytes: number;
  readonly snapshotBytes: number;
  readonly commits: number;
}
