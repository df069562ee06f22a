/** A grant that was lowered or ended a short time ago. */
export interface ChangedGrant {
  readonly grant: string;
  /** How many times the fragments were told. */
  readonly rounds: number;
  /** When they are told again. */
  readonly atMs: number;
}

/** The grants whose fragments must be told again, for the sockets that were joining when the grant was changed. */
export class ChangedGrants {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  put({ grant, rounds, atMs }: ChangedGrant): void {
    const query = "INSERT OR REPLACE INTO changed_grant (grant_id, rounds, at_ms) VALUES (?, ?, ?)";
    this.#sql.exec(query, grant, rounds, atMs);
  }

  due(nowMs: number): ChangedGrant[] {
    const rows = this.#sql.exec("SELECT * FROM changed_grant WHERE at_ms <= ?", nowMs).toArray();
    return rows.map((row) => ({
      grant: String(row["grant_id"]),
      rounds: Number(row["rounds"]),
      atMs: Number(row["at_ms"]),
    }));
  }

  /** When the next one is due; null if none is. */
  nextMs(): number | null {
    const next = this.#sql.exec("SELECT min(at_ms) AS next FROM changed_grant").one()["next"];
    return next === null ? null : Number(next);
  }

  /** Unless it was changed again meanwhile, and has another number of rounds. */
  remove({ grant, rounds }: Pick<ChangedGrant, "grant" | "rounds">): void {
    this.#sql.exec("DELETE FROM changed_grant WHERE grant_id = ? AND rounds = ?", grant, rounds);
  }
}
