import type { Cap } from "../../protocol/access.ts";
import { numberOrNull } from "./nullable-column.ts";
import { readCap, writePrefixes } from "./stored-cap.ts";

/** A key as it is stored. Its text is not. */
export interface StoredKey extends Cap {
  /** Counts the keys of the workspace; lists are in this order. */
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** The id of a principal. */
  readonly createdBy: string;
  readonly expiresAtMs: number | null;
  /** The day since 1970; null if it was never used. */
  readonly usedOn: number | null;
}

export type NewKey = Omit<StoredKey, "number" | "usedOn"> & { readonly hash: string };

/** The keys of a workspace. One that is revoked is deleted. */
export class KeyTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  add(key: NewKey): void {
    this.#sql.exec(
      `INSERT INTO access_key (id, hash, name, role, prefixes, created_at_ms, created_by, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      key.id,
      key.hash,
      key.name,
      key.role,
      writePrefixes(key.prefixes),
      key.createdAtMs,
      key.createdBy,
      key.expiresAtMs,
    );
  }

  byHash(hash: string): StoredKey | null {
    return this.#one("SELECT * FROM access_key WHERE hash = ?", hash);
  }

  byId(id: string): StoredKey | null {
    return this.#one("SELECT * FROM access_key WHERE id = ?", id);
  }

  /** The keys after this number, in order. */
  after(number: number, limit: number): StoredKey[] {
    const rows = this.#sql.exec(
      "SELECT * FROM access_key WHERE number > ? ORDER BY number LIMIT ?",
      number,
      limit,
    );
    return rows.toArray().map(readKey);
  }

  count(): number {
    return Number(this.#sql.exec("SELECT count(*) AS count FROM access_key").one()["count"]);
  }

  change(id: string, { name, role, prefixes }: Pick<StoredKey, "name" | "role" | "prefixes">): void {
    const query = "UPDATE access_key SET name = ?, role = ?, prefixes = ? WHERE id = ?";
    this.#sql.exec(query, name, role, writePrefixes(prefixes), id);
  }

  /** Writes at most once a day. */
  noteUse({ id, usedOn }: StoredKey, day: number): void {
    if (usedOn === null || usedOn < day)
      this.#sql.exec("UPDATE access_key SET used_on = ? WHERE id = ?", day, id);
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM access_key WHERE id = ?", id);
  }

  removeExpired(nowMs: number): void {
    this.#sql.exec("DELETE FROM access_key WHERE expires_at_ms <= ?", nowMs);
  }

  #one(query: string, binding: string): StoredKey | null {
    const [row] = this.#sql.exec(query, binding).toArray();
    return row === undefined ? null : readKey(row);
  }
}

function readKey(row: Record<string, SqlStorageValue>): StoredKey {
  return {
    number: Number(row["number"]),
    id: String(row["id"]),
    name: String(row["name"]),
    ...readCap(row),
    createdAtMs: Number(row["created_at_ms"]),
    createdBy: String(row["created_by"]),
    expiresAtMs: numberOrNull(row, "expires_at_ms"),
    usedOn: numberOrNull(row, "used_on"),
  };
}
