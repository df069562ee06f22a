/** A note is renewed once it is this old, so that a socket that reconnects again and again writes little. */
const RENEWED_AFTER_MS = 60 * 60 * 1000;

/** Where sockets may be open that stand on a grant. A socket that closes does not take its note back. */
export class SocketNotes {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  add(grants: readonly string[], fragment: string, nowMs: number): void {
    for (const grant of grants) {
      const query = `INSERT INTO socket_note (grant_id, fragment, at_ms) VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms WHERE at_ms < ?`;
      this.#sql.exec(query, grant, fragment, nowMs, nowMs - RENEWED_AFTER_MS);
    }
  }

  /** The fragments of a grant after this id, in order. */
  fragments(grant: string, after: string, limit: number): string[] {
    const query =
      "SELECT fragment FROM socket_note WHERE grant_id = ? AND fragment > ? ORDER BY fragment LIMIT ?";
    const rows = this.#sql.exec(query, grant, after, limit).toArray();
    return rows.map((row) => String(row["fragment"]));
  }

  removeBefore(timeMs: number): void {
    this.#sql.exec("DELETE FROM socket_note WHERE at_ms < ?", timeMs);
  }
}
