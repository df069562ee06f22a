/** Tokens that were ended before they expired, until they would have expired by themselves. */
export class EndedTokenTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  has(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM ended_token WHERE id = ?", id).toArray().length > 0;
  }

  add(id: string, untilMs: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO ended_token (id, until_ms) VALUES (?, ?)", id, untilMs);
  }

  removeUntil(nowMs: number): void {
    this.#sql.exec("DELETE FROM ended_token WHERE until_ms <= ?", nowMs);
  }
}
