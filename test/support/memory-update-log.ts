import { type AuthorChunk, archiveRuns, runsBetween } from "../../src/core/history/author-archive.ts";
import { type AuthorRun, mergeRuns, runOf } from "../../src/core/history/author-runs.ts";
import { keptPast } from "../../src/core/history/compaction-policy.ts";
import { extendRecord, type LoggedCommit, MAX_OPEN_BYTES } from "../../src/core/history/log-record.ts";
import {
  type Authorship,
  decodeAuthorship,
  decodePastEntry,
  encodePastEntry,
  type PastEntry,
} from "../../src/core/history/past-entry.ts";
import type { Commit, LogSize, LogState, NewLife, UpdateLog } from "../../src/core/history/update-log.ts";

/**
 * All that one fragment has in its storage. A value: each write makes a new one, so that a platform double can
 * keep the last one that was confirmed and open a log on it after a kill.
 */
export interface Stored {
  readonly life: LogState;
  readonly snapshot: Uint8Array | null;
  readonly records: readonly (readonly LoggedCommit[])[];
  /** The authors of the commits that have left the log. */
  readonly authors: readonly AuthorChunk[];
}

/** The update log in memory, with the rows of the one in SQLite: same records, same number of rows written. */
export class MemoryUpdateLog implements UpdateLog {
  #stored: Stored | null;
  readonly #wrote: (stored: Stored) => void;
  #rowsWritten = 0;
  #commits = 0;
  readonly hasFoundDamage = false;

  /** @param wrote told of each write, with everything stored after it */
  constructor(stored: Stored | null = null, wrote: (stored: Stored) => void = () => undefined) {
    this.#stored = stored;
    this.#wrote = wrote;
  }

  get stored(): Stored | null {
    return this.#stored;
  }

  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  get size(): LogSize {
    const commits = this.#commitsLogged();
    return {
      rows: this.#stored?.records.length ?? 0,
      updateBytes: sum(commits.map(({ update }) => update?.length ?? 0)),
      pastBytes: sum(commits.map(({ entry }) => entry.length)),
      snapshotBytes: this.#stored?.snapshot?.length ?? 0,
      commits: this.#commits,
    };
  }

  load(): LogState | null {
    return this.#stored?.life ?? null;
  }

  create(first: Commit, begun: NewLife): void {
    const { revision, timeMs } = first;
    const life: LogState = {
      createdAtMs: timeMs,
      ...begun,
      revision,
      updatedAtMs: timeMs,
      isDeleted: false,
      oldClients: this.#stored?.life.oldClients ?? new Set(),
    };
    this.#commits = 1;
    const authors = this.#stored?.authors ?? [];
    this.#write({ life, snapshot: null, records: [[logged(first)]], authors }, 2);
  }

  append(commit: Commit): void {
    const stored = this.#alive;
    const { life, records } = stored;
    const newest = records.at(-1);
    const isOpen = newest !== undefined && extendRecord(new Uint8Array(), newest).length <= MAX_OPEN_BYTES;
    const kept = isOpen ? records.slice(0, -1) : records;
    const record = [...(isOpen ? newest : []), logged(commit)];
    this.#commits++;
    this.#write({ ...stored, life: { ...life, ...at(commit) }, records: [...kept, record] }, 1);
  }

  *updates(): Iterable<Uint8Array> {
    const snapshot = this.#stored?.snapshot ?? null;
    const commits = this.#commitsLogged();
    if (snapshot !== null) yield snapshot.slice();
    for (const { update } of commits) if (update !== null) yield update.slice();
  }

  past(): PastEntry[] {
    return this.#commitsLogged().map(({ entry }) => decodePastEntry(entry));
  }

  authors(fromRevision: number, toRevision: number): AuthorRun[] {
    const logged = this.#commitsLogged().map(({ entry }) => runOf(decodeAuthorship(entry)));
    return runsBetween(this.#stored?.authors ?? [], logged, fromRevision, toRevision);
  }

  compact(snapshot: Uint8Array, keepSinceMs: number): void {
    const { life, records, snapshot: old } = this.#alive;
    const entries = this.#commitsLogged().map(({ entry }) => entry);
    const timeOf = (entry: Uint8Array) => decodeAuthorship(entry).timeMs;
    const kept = keptPast(entries, (entry) => entry.length, timeOf, keepSinceMs).map((entry) => ({
      update: null,
      entry,
    }));
    const deleted = records.length + (old === null ? 0 : 1);
    this.#commits = 0;
    const keptRecords = kept.length === 0 ? [] : [kept];
    const leaving = entries.slice(0, entries.length - kept.length).map(decodeAuthorship);
    const rows = deleted + 2 + keptRecords.length + Math.sign(leaving.length);
    const authors = this.#archived(leaving);
    this.#write({ life, snapshot: snapshot.slice(), records: keptRecords, authors }, rows);
  }

  remove(deletion: Authorship, clients: Iterable<number>): void {
    const { life, records } = this.#alive;
    const { revision, timeMs } = deletion;
    const entries = this.#commitsLogged().map(({ entry }) => decodeAuthorship(entry));
    const authors = this.#archived([...entries, deletion]);
    const oldClients = new Set(clients);
    const tombstone = { ...life, revision, updatedAtMs: timeMs, isDeleted: true, oldClients };
    this.#commits = 0;
    this.#write({ life: tombstone, snapshot: null, records: [], authors }, records.length + 3);
  }

  renewServerClientId(serverClientId: number): void {
    const stored = this.#alive;
    this.#write({ ...stored, life: { ...stored.life, serverClientId } }, 1);
  }

  markDelivered(deliveredRevision: number): void {
    const stored = this.#alive;
    this.#write({ ...stored, life: { ...stored.life, deliveredRevision } }, 1);
  }

  get #alive(): Stored {
    if (this.#stored === null) throw new Error("Nothing was ever stored here.");
    return this.#stored;
  }

  #archived(leaving: readonly Authorship[]): readonly AuthorChunk[] {
    const { authors } = this.#alive;
    return leaving.length === 0 ? authors : archiveRuns(authors, mergeRuns(leaving.map(runOf)));
  }

  #commitsLogged(): readonly LoggedCommit[] {
    return this.#stored?.records.flat() ?? [];
  }

  #write(stored: Stored, rows: number): void {
    this.#stored = stored;
    this.#rowsWritten += rows;
    this.#wrote(stored);
  }
}

/** Bytes of their own, as a database has them: what the writer does with its own later changes nothing. */
function logged(commit: Commit): LoggedCommit {
  return { update: commit.update?.slice() ?? null, entry: encodePastEntry(commit) };
}

function at({ revision, timeMs }: Commit): Pick<LogState, "revision" | "updatedAtMs"> {
  return { revision, updatedAtMs: timeMs };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
