import { type AuthorChunk, runsBetween } from "../../core/history/author-archive.ts";
import { type AuthorRun, runOf } from "../../core/history/author-runs.ts";
import { keptPast } from "../../core/history/compaction-policy.ts";
import {
  extendRecord,
  type LoggedCommit,
  MAX_OPEN_BYTES,
  RECORD_FORMAT,
} from "../../core/history/log-record.ts";
import {
  type Authorship,
  decodeAuthorship,
  decodePastEntry,
  encodePastEntry,
  type PastEntry,
} from "../../core/history/past-entry.ts";
import type { Commit, LogSize, LogState, NewLife, UpdateLog } from "../../core/history/update-log.ts";
import { AuthorTable } from "./author-table.ts";
import { checksum } from "./checksum.ts";
import { cut, join, MAX_ROW_BYTES, toBlob } from "./chunks.ts";
import { type Damage, quarantine, type ReadRecord, readRecords, readSnapshot } from "./damage.ts";
import { FRAGMENT_SCHEMA } from "./fragment-schema.ts";
import { migrate, newestVersion, schemaVersion } from "./migrations.ts";
import { decodeClientIds, encodeClientIds } from "./old-clients.ts";

/** Yjs' update encoding, version 1, in one piece. */
const SNAPSHOT_FORMAT = 1;

/**
 * The update log in a Durable Object's SQLite. The newest record is kept in memory, because each commit rewrites it while
 * it is small. Everything else is read when it is asked for.
 */
export class SqlUpdateLog implements UpdateLog {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #authors: AuthorTable;
  readonly #report: (problem: string) => void;
  #rowsWritten = 0;
  #size: LogSize = { rows: 0, updateBytes: 0, pastBytes: 0, snapshotBytes: 0, commits: 0 };
  #newest: { readonly seq: number; readonly rows: number; readonly data: Uint8Array } | null = null;
  #nextSeq = 1;
  #hasFoundDamage = false;

  /** @param report is told of damaged rows, without their content */
  constructor(storage: DurableObjectStorage, report: (problem: string) => void) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#authors = new AuthorTable(storage.sql);
    this.#report = report;
  }

  get size(): LogSize {
    return this.#size;
  }

  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  get hasFoundDamage(): boolean {
    return this.#hasFoundDamage;
  }

  load(): LogState | null {
    const version = schemaVersion(this.#sql);
    if (version === 0) return null;
    if (version < newestVersion(FRAGMENT_SCHEMA))
      this.#storage.transactionSync(() => migrate(this.#sql, FRAGMENT_SCHEMA, version));
    const [row] = this.#sql.exec("SELECT * FROM fragment").toArray();
    if (row === undefined) return null;
    const newest = this.#sql
      .exec("SELECT revision, time_ms FROM update_log ORDER BY seq DESC LIMIT 1")
      .toArray()[0];
    // Before the damage was found, clients may have seen another text, so this one gets a revision of its own.
    const lost = this.#sql.exec("SELECT max(revision) AS revision FROM quarantine").one()["revision"];
    const revisions = [row["revision"], newest?.["revision"] ?? 0, lost === null ? 0 : Number(lost) + 1];
    return {
      generation: Number(row["generation"]),
      revision: Math.max(...revisions.map(Number)),
      createdAtMs: Number(row["created_at_ms"]),
      updatedAtMs: Number(newest?.["time_ms"] ?? row["updated_at_ms"]),
      isDeleted: Number(row["is_deleted"]) === 1,
      serverClientId: Number(row["server_client_id"]),
      oldClients: this.#readOldClients(),
      deliveredRevision: Number(row["delivered_revision"]),
    };
  }

  create(first: Commit, life: NewLife): void {
    const entry = encodePastEntry(first);
    this.#measure([], null);
    this.#storage.transactionSync(() => {
      migrate(this.#sql, FRAGMENT_SCHEMA, schemaVersion(this.#sql));
      this.#exec(
        `INSERT INTO fragment
           (singleton, generation, is_deleted, created_at_ms, updated_at_ms, revision, server_client_id,
            delivered_revision)
         VALUES (1, ?, 0, ?, ?, ?, ?, ?)
         ON CONFLICT (singleton) DO UPDATE SET generation = excluded.generation, is_deleted = 0,
           created_at_ms = excluded.created_at_ms, updated_at_ms = excluded.updated_at_ms,
           revision = excluded.revision, server_client_id = excluded.server_client_id,
           delivered_revision = excluded.delivered_revision`,
        life.generation,
        life.createdAtMs ?? first.timeMs,
        first.timeMs,
        first.revision - 1,
        life.serverClientId,
        life.deliveredRevision,
      );
      this.#insertRecord([{ update: first.update, entry }], first);
    });
    this.#count(first, entry.length);
  }

  append(commit: Commit): void {
    const entry = encodePastEntry(commit);
    const newest = this.#newest;
    const logged: LoggedCommit = { update: commit.update, entry };
    if (newest !== null && newest.rows === 1 && newest.data.length <= MAX_OPEN_BYTES) {
      const data = extendRecord(newest.data, [logged]);
      if (data.length <= MAX_ROW_BYTES) {
        this.#exec(
          "UPDATE update_log SET checksum = ?, revision = ?, time_ms = ?, data = ? WHERE seq = ?",
          checksum(data),
          commit.revision,
          commit.timeMs,
          toBlob(data),
          newest.seq,
        );
        this.#newest = { ...newest, data };
        this.#count(commit, entry.length);
        return;
      }
    }
    this.#storage.transactionSync(() => this.#insertRecord([logged], commit));
    this.#count(commit, entry.length);
  }

  *updates(): Iterable<Uint8Array> {
    const { records, snapshot } = this.#read();
    this.#measure(records, snapshot);
    if (snapshot !== null) yield snapshot;
    for (const { commits } of records) for (const { update } of commits) if (update !== null) yield update;
  }

  past(): PastEntry[] {
    return this.#entries().map(decodePastEntry);
  }

  authors(fromRevision: number, toRevision: number): AuthorRun[] {
    if (schemaVersion(this.#sql) === 0) return [];
    const logged = this.#entries().map((entry) => runOf(decodeAuthorship(entry)));
    return runsBetween(this.#readAuthors(), logged, fromRevision, toRevision);
  }

  compact(snapshot: Uint8Array, keepSinceMs: number): void {
    const entries = this.#entries();
    const timeOf = (entry: Uint8Array) => decodeAuthorship(entry).timeMs;
    const kept = keptPast(entries, (entry) => entry.length, timeOf, keepSinceMs);
    const state = this.load();
    if (state === null) throw new Error("There is nothing to compact.");
    const at = { revision: state.revision, timeMs: state.updatedAtMs };
    const archived = this.#readAuthors();
    const leaving = entries.slice(0, entries.length - kept.length).map(decodeAuthorship);
    this.#storage.transactionSync(() => {
      this.#exec("DELETE FROM update_log");
      this.#exec("DELETE FROM snapshot");
      this.#rowsWritten += this.#authors.add(archived, leaving.map(runOf));
      for (const [chunk, data] of cut(snapshot).entries()) {
        this.#exec(
          "INSERT INTO snapshot (chunk, format, checksum, data) VALUES (?, ?, ?, ?)",
          chunk,
          SNAPSHOT_FORMAT,
          checksum(data),
          toBlob(data),
        );
      }
      this.#exec("UPDATE fragment SET revision = ?, updated_at_ms = ?", at.revision, at.timeMs);
      this.#newest = null;
      if (kept.length > 0)
        this.#insertRecord(
          kept.map((entry) => ({ update: null, entry })),
          at,
        );
    });
    this.#measure(this.#read().records, snapshot);
  }

  remove(deletion: Authorship, clients: Iterable<number>): void {
    const chunks = cut(encodeClientIds(clients));
    const archived = this.#readAuthors();
    const leaving = [...this.#entries().map(decodeAuthorship), deletion];
    this.#storage.transactionSync(() => {
      for (const table of ["update_log", "snapshot", "quarantine", "old_clients", "due"])
        this.#exec(`DELETE FROM ${table}`);
      this.#exec(
        "UPDATE fragment SET is_deleted = 1, revision = ?, updated_at_ms = ?",
        deletion.revision,
        deletion.timeMs,
      );
      this.#rowsWritten += this.#authors.add(archived, leaving.map(runOf));
      for (const [chunk, data] of chunks.entries()) {
        this.#exec("INSERT INTO old_clients (chunk, data) VALUES (?, ?)", chunk, toBlob(data));
      }
    });
    this.#measure([], null);
  }

  renewServerClientId(serverClientId: number): void {
    this.#exec("UPDATE fragment SET server_client_id = ?", serverClientId);
  }

  markDelivered(revision: number): void {
    this.#exec("UPDATE fragment SET delivered_revision = ?", revision);
  }

  #exec(query: string, ...bindings: SqlStorageValue[]): void {
    this.#rowsWritten += this.#sql.exec(query, ...bindings).rowsWritten;
  }

  /** Moves damaged rows to quarantine as it meets them, so that it reads only sound ones from then on. */
  #read(): { records: ReadRecord[]; snapshot: Uint8Array | null } {
    const snapshot = readSnapshot(this.#sql, SNAPSHOT_FORMAT);
    const records = readRecords(this.#sql, RECORD_FORMAT);
    const damages = [...snapshot.damages, ...records.damages];
    if (damages.length > 0) this.#hasFoundDamage = true;
    this.#setAside(damages);
    return { records: records.sound, snapshot: snapshot.sound };
  }

  /** The past entries in the log, oldest first. */
  #entries(): Uint8Array[] {
    return this.#read().records.flatMap(({ commits }) => commits.map(({ entry }) => entry));
  }

  #readAuthors(): readonly AuthorChunk[] {
    const { sound, damages } = this.#authors.read();
    this.#setAside(damages);
    return sound;
  }

  #setAside(damages: readonly Damage[]): void {
    if (damages.length === 0) return;
    this.#storage.transactionSync(() => {
      for (const damage of damages) this.#rowsWritten += quarantine(this.#sql, damage);
    });
    for (const { source, key, reason } of damages)
      this.#report(`${source} row ${key} is quarantined: ${reason}`);
  }

  #insertRecord(
    commits: readonly LoggedCommit[],
    at: { readonly revision: number; readonly timeMs: number },
  ): void {
    const seq = this.#nextSeq;
    const record = extendRecord(new Uint8Array(), commits);
    const chunks = cut(record);
    for (const [part, data] of chunks.entries()) {
      this.#exec(
        `INSERT INTO update_log (seq, part, parts, format, checksum, revision, time_ms, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        seq + part,
        part,
        chunks.length,
        RECORD_FORMAT,
        checksum(data),
        at.revision,
        at.timeMs,
        toBlob(data),
      );
    }
    this.#nextSeq = seq + chunks.length;
    this.#newest = { seq, rows: chunks.length, data: record };
    this.#size = { ...this.#size, rows: this.#size.rows + chunks.length };
  }

  #count(commit: Commit, entryBytes: number): void {
    const { updateBytes, pastBytes, commits } = this.#size;
    this.#size = {
      ...this.#size,
      updateBytes: updateBytes + (commit.update?.length ?? 0),
      pastBytes: pastBytes + entryBytes,
      commits: commits + 1,
    };
  }

  #measure(records: readonly ReadRecord[], snapshot: Uint8Array | null): void {
    let rows = 0;
    let updateBytes = 0;
    let pastBytes = 0;
    for (const read of records) {
      rows += read.rows;
      for (const { update, entry } of read.commits) {
        updateBytes += update?.length ?? 0;
        pastBytes += entry.length;
      }
    }
    this.#size = { rows, updateBytes, pastBytes, snapshotBytes: snapshot?.length ?? 0, commits: 0 };
    const newest = records.at(-1);
    this.#newest = newest ?? null;
    this.#nextSeq = newest === undefined ? 1 : newest.seq + newest.rows;
  }

  #readOldClients(): ReadonlySet<number> {
    const rows = this.#sql.exec("SELECT data FROM old_clients ORDER BY chunk").toArray();
    // BLOB columns come as ArrayBuffer.
    return decodeClientIds(join(rows.map((row) => new Uint8Array(row["data"] as ArrayBuffer))));
  }
}
