import * as v from "valibot";
import { ROLES, type Role } from "../../protocol/access.ts";
import { numberOrNull, textOrNull } from "./nullable-column.ts";

export interface StoredUser {
  readonly id: string;
  readonly name: string | null;
  /** The most that the user may do; null: whatever its credentials say. */
  readonly role: Role | null;
  readonly isBlocked: boolean;
  /** Credentials that were issued until then have ended. */
  readonly endedAtMs: number | null;
  /** The day since 1970; null if it was never seen. */
  readonly seenOn: number | null;
}

const RoleSchema = v.nullable(v.picklist(ROLES));

/** The users of a workspace: those that were seen, and those that an admin has put there. */
export class UserTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  get(id: string): StoredUser | null {
    const [row] = this.#sql.exec("SELECT * FROM access_user WHERE id = ?", id).toArray();
    return row === undefined ? null : readUser(row);
  }

  /** The users after this id, in order. */
  after(id: string, limit: number): StoredUser[] {
    const rows = this.#sql.exec("SELECT * FROM access_user WHERE id > ? ORDER BY id LIMIT ?", id, limit);
    return rows.toArray().map(readUser);
  }

  put({ id, name, role, isBlocked, endedAtMs, seenOn }: StoredUser): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO access_user (id, name, role, is_blocked, ended_at_ms, seen_on)
       VALUES (?, ?, ?, ?, ?, ?)`,
      id,
      name,
      role,
      isBlocked ? 1 : 0,
      endedAtMs,
      seenOn,
    );
  }

  /** Writes at most once a day, unless the name is another one. */
  noteSeen(id: string, name: string | null, day: number): void {
    const known = this.get(id);
    const isNoted = known?.seenOn != null && known.seenOn >= day;
    if (isNoted && (name === null || name === known.name)) return;
    const user = known ?? { id, name: null, role: null, isBlocked: false, endedAtMs: null };
    this.put({ ...user, name: name ?? user.name, seenOn: day });
  }

  /** Forgets the users that nobody has said anything about and that were not seen since this day. */
  removeUnseen(day: number): void {
    const query = "DELETE FROM access_user WHERE seen_on < ? AND role IS NULL AND is_blocked = 0";
    this.#sql.exec(query, day);
  }
}

function readUser(row: Record<string, SqlStorageValue>): StoredUser {
  return {
    id: String(row["id"]),
    name: textOrNull(row, "name"),
    role: v.parse(RoleSchema, row["role"]),
    isBlocked: row["is_blocked"] === 1,
    endedAtMs: numberOrNull(row, "ended_at_ms"),
    seenOn: numberOrNull(row, "seen_on"),
  };
}
