/** A grant that was lowered or ended a short time ago, and how far its fragments were told. */
export interface ChangedGrant {
  readonly grant: string;
  /** How many times all fragments were told. */
  readonly rounds: number;
  /** In this round, all fragments up to this id were told; "" at its beginning. */
  readonly after: string;
  /** In this round, a fragment could not be told. */
  readonly hasFailed: boolean;
  /** When the telling goes on. */
  readonly atMs: number;
}

/** The grants whose fragments must still be told, or told again for the sockets that were joining meanwhile. */
export class ChangedGrants {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  put({ grant, rounds, after, hasFailed, atMs }: ChangedGrant): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO changed_grant (grant_id, rounds, after_fragment, has_failed, at_ms)
       VALUES (?, ?, ?, ?, ?)`,
      grant,
      rounds,
      after,
      hasFailed ? 1 : 0,
      atMs,
    );
  }

  /** Puts `next` in the place of `known`, or nothing; unless the grant was changed again meanwhile. */
  replace(known: ChangedGrant, next: ChangedGrant | null): void {
    const { rowsWritten } = this.#sql.exec(
      "DELETE FROM changed_grant WHERE grant_id = ? AND rounds = ? AND after_fragment = ? AND at_ms = ?",
      known.grant,
      known.rounds,
      known.after,
      known.atMs,
    );
    if (rowsWritten > 0 && next !== null) this.put(next);
  }

  due(nowMs: number): ChangedGrant[] {
    const rows = this.#sql
      .exec("SELECT * FROM changed_grant WHERE at_ms <= ? ORDER BY at_ms", nowMs)
      .toArray();
    return rows.map((row) => ({
      grant: String(row["grant_id"]),
      rounds: Number(row["rounds"]),
      after: String(row["after_fragment"]),
      hasFailed: row["has_failed"] === 1,
      atMs: Number(row["at_ms"]),
    }));
  }

  /** When the next one is due; null if none is. */
  nextMs(): number | null {
    const next = this.#sql.exec("SELECT min(at_ms) AS next FROM changed_grant").one()["next"];
    return next === null ? null : Number(next);
  }
}
