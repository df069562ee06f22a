import type { PastEntry } from "./past-entry.ts";

/**
 * The durable history of one fragment: a port, which the storage of a Durable Object and the memory of a test
 * implement (one contract suite for both). All calls are synchronous and all or nothing; after a throw the
 * caller must not trust its own state either.
 */
export interface UpdateLog {
  /** Null where nothing was ever stored. Reading stores nothing. */
  load(): LogState | null;
  /** Begins the first or, after `remove`, the next life of the fragment, with its first commit. */
  create(first: Commit, life: NewLife): void;
  /** Makes one commit durable. */
  append(commit: Commit): void;
  /** The snapshot and then the logged updates, in order. */
  updates(): Iterable<Uint8Array>;
  /** The past commits that are kept, oldest first. */
  past(): PastEntry[];
  /** Puts the snapshot of everything committed in place of the log; keeps the past from `keepSinceMs` on. */
  compact(snapshot: Uint8Array, keepSinceMs: number): void;
  /** Leaves nothing but a tombstone: generation, last revision, and the client ids that must not come back. */
  remove(revision: number, timeMs: number, clients: Iterable<number>): void;
  renewServerClientId(serverClientId: number): void;
  /** The catalogue has this revision, and its text. Costs one row. */
  markDelivered(revision: number): void;
  /** Reading has met a damaged row and set it aside: the state lacks what it held. */
  readonly hasFoundDamage: boolean;
  /**
   * How much is logged behind the snapshot: what the compaction policy looks at. Known once
   * `updates` was read.
   */
  readonly size: LogSize;
  /** Rows written so far by this object, as they are billed. */
  readonly rowsWritten: number;
}

export interface Commit extends PastEntry {
  /** Null where only the revision grows (creation of an empty fragment). */
  readonly update: Uint8Array | null;
}

/** Without a time of creation it is that of the first commit. */
export type NewLife = Pick<LogState, "generation" | "serverClientId" | "deliveredRevision"> &
  Partial<Pick<LogState, "createdAtMs">>;

export interface LogState {
  readonly generation: number;
  readonly revision: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly isDeleted: boolean;
  /** The id under which the server itself writes into the document. */
  readonly serverClientId: number;
  /** Client ids of deleted generations. */
  readonly oldClients: ReadonlySet<number>;
  /** The last revision that the catalogue is known to have, with its text, or to ask for; 0: none. */
  readonly deliveredRevision: number;
}

export interface LogSize {
  readonly rows: number;
  readonly updateBytes: number;
  readonly pastBytes: number;
  readonly snapshotBytes: number;
  readonly commits: number;
}
