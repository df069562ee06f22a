import type { Cap } from "../../protocol/access.ts";
import { numberOrNull, textOrNull } from "./nullable-column.ts";
import { readCap, writePrefixes } from "./stored-cap.ts";

/** A browser session as it is stored. The secrets of its cookie are not: only their hashes. */
export interface StoredSession extends Cap {
  readonly id: string;
  readonly userId: string;
  readonly hash: string;
  /** Of the secret before; null if there was none, or if it is good no longer. */
  readonly previousHash: string | null;
  readonly renewedAtMs: number;
  /** When the present secret was first shown; null if the browser may not have got it. */
  readonly confirmedAtMs: number | null;
  /** Such as "Firefox on Linux"; it helps a person to recognise the session. */
  readonly browser: string;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  readonly expiresAtMs: number;
}

/** The browser sessions of a workspace. One that has ended is deleted. */
export class SessionTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** Adds a session, or replaces it. */
  put(session: StoredSession): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO browser_session
         (id, user_id, hash, previous_hash, renewed_at_ms, confirmed_at_ms, role, prefixes, browser,
          created_at_ms, seen_at_ms, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      session.id,
      session.userId,
      session.hash,
      session.previousHash,
      session.renewedAtMs,
      session.confirmedAtMs,
      session.role,
      writePrefixes(session.prefixes),
      session.browser,
      session.createdAtMs,
      session.seenAtMs,
      session.expiresAtMs,
    );
  }

  byId(id: string): StoredSession | null {
    const [row] = this.#sql.exec("SELECT * FROM browser_session WHERE id = ?", id).toArray();
    return row === undefined ? null : readSession(row);
  }

  /** The sessions of a user, the newest first. */
  list(userId: string): StoredSession[] {
    const query = "SELECT * FROM browser_session WHERE user_id = ? ORDER BY created_at_ms DESC, id";
    return this.#sql.exec(query, userId).toArray().map(readSession);
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM browser_session WHERE id = ?", id);
  }

  /** Removes those that have ended by themselves: what was last seen until then, and what has expired. */
  removeEnded(seenUntilMs: number, nowMs: number): void {
    const query = "DELETE FROM browser_session WHERE seen_at_ms <= ? OR expires_at_ms <= ?";
    this.#sql.exec(query, seenUntilMs, nowMs);
  }
}

function readSession(row: Record<string, SqlStorageValue>): StoredSession {
  return {
    id: String(row["id"]),
    userId: String(row["user_id"]),
    hash: String(row["hash"]),
    previousHash: textOrNull(row, "previous_hash"),
    renewedAtMs: Number(row["renewed_at_ms"]),
    confirmedAtMs: numberOrNull(row, "confirmed_at_ms"),
    ...readCap(row),
    browser: String(row["browser"]),
    createdAtMs: Number(row["created_at_ms"]),
    seenAtMs: Number(row["seen_at_ms"]),
    expiresAtMs: Number(row["expires_at_ms"]),
  };
}
