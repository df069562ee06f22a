import type { FragmentRevision } from "../../core/feed/catalogue-update.ts";

/**
 * Fragments from which the catalogue awaits an update: their creation was noted, or they could not be asked. It asks
 * those that stay silent, even after a crash.
 */
export class AwaitedTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @returns the rows written */
  add({ id, revision }: FragmentRevision, nowMs: number): number {
    const query = "INSERT OR REPLACE INTO awaited (id, revision, at_ms) VALUES (?, ?, ?)";
    return this.#sql.exec(query, id, revision, nowMs).rowsWritten;
  }

  /** Awaits these from now on, at this revision or a later one; at 0 it is not known whether they exist. */
  postpone(ids: readonly string[], revision: 0 | 1, nowMs: number): void {
    // Without a WHERE, SQLite would take the ON for that of a join.
    const query = `INSERT INTO awaited (id, revision, at_ms) SELECT value, ?, ? FROM json_each(?) WHERE true
      ON CONFLICT (id) DO UPDATE SET revision = max(revision, excluded.revision), at_ms = excluded.at_ms`;
    this.#sql.exec(query, revision, nowMs, JSON.stringify(ids));
  }

  /**
   * Stops awaiting the fragment, because this revision is known or the fragment has answered. If it has been awaited
   * anew since `atMs`, it stays: the answer may be older than the creation that was noted then.
   *
   * @returns the rows written
   */
  remove({ id, revision, atMs = Number.MAX_SAFE_INTEGER }: FragmentRevision & { atMs?: number }): number {
    const query = "DELETE FROM awaited WHERE id = ? AND revision <= ? AND at_ms <= ?";
    return this.#sql.exec(query, id, revision, atMs).rowsWritten;
  }

  /** Those that have been awaited since `atMs` or longer, the longest first. */
  since(atMs: number, limit: number): (FragmentRevision & { readonly atMs: number })[] {
    const query = "SELECT id, revision, at_ms FROM awaited WHERE at_ms <= ? ORDER BY at_ms LIMIT ?";
    const rows = this.#sql.exec(query, atMs, limit).toArray();
    return rows.map((row) => ({
      id: String(row["id"]),
      revision: Number(row["revision"]),
      atMs: Number(row["at_ms"]),
    }));
  }

  /** The time since which the oldest one has been awaited; null if there is none. */
  get oldestMs(): number | null {
    const { at_ms: atMs } = this.#sql.exec("SELECT min(at_ms) AS at_ms FROM awaited").one();
    return atMs == null ? null : Number(atMs);
  }
}
