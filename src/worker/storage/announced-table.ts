export interface Announced {
  readonly id: string;
  readonly revision: number;
}

/**
 * Creations that fragments have announced, until they tell of them: what is asked for after a crash. And fragments that
 * are to be asked for another reason, until they could be.
 */
export class AnnouncedTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @returns the rows written */
  note({ id, revision }: Announced, nowMs: number): number {
    const query = "INSERT OR REPLACE INTO announced (id, revision, at_ms) VALUES (?, ?, ?)";
    return this.#sql.exec(query, id, revision, nowMs).rowsWritten;
  }

  /** These are asked later: they count as announced now. */
  putOff(ids: readonly string[], nowMs: number): void {
    // Without a WHERE, SQLite would take the ON for that of a join.
    const query = `INSERT INTO announced (id, revision, at_ms) SELECT value, 0, ? FROM json_each(?) WHERE true
      ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms`;
    this.#sql.exec(query, nowMs, JSON.stringify(ids));
  }

  /**
   * The fragment has told of a revision, or was asked.
   *
   * @returns the rows written
   */
  settle({ id, revision }: Announced): number {
    return this.#sql.exec("DELETE FROM announced WHERE id = ? AND revision <= ?", id, revision).rowsWritten;
  }

  /** Some of those that were announced by then, the first of them. */
  until(atMs: number, limit: number): Announced[] {
    const query = "SELECT id, revision FROM announced WHERE at_ms <= ? ORDER BY at_ms LIMIT ?";
    const rows = this.#sql.exec(query, atMs, limit).toArray();
    return rows.map((row) => ({ id: String(row["id"]), revision: Number(row["revision"]) }));
  }

  /** When the first of all was announced; null if there is none. */
  get oldestMs(): number | null {
    const { at_ms: atMs } = this.#sql.exec("SELECT min(at_ms) AS at_ms FROM announced").one();
    return atMs == null ? null : Number(atMs);
  }
}
