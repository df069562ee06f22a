import * as v from "valibot";
import type { Cap } from "../../protocol/access.ts";
import { readCap, writePrefixes } from "./stored-cap.ts";

const STATES = ["open", "used", "withdrawn"] as const;

/** An invitation as it is stored. Its text is not. */
export interface StoredInvitation extends Cap {
  readonly id: string;
  readonly user: { readonly id: string; readonly name: string };
  readonly createdAtMs: number;
  /** The id of a principal. */
  readonly createdBy: string;
  /** The keys and users that its maker stood on: it ends with each of them. */
  readonly makerGrants: readonly string[];
  readonly expiresAtMs: number;
  readonly state: (typeof STATES)[number];
}

export type NewInvitation = Omit<StoredInvitation, "state"> & { readonly hash: string };

const StateSchema = v.picklist(STATES);
const GrantsSchema = v.array(v.string());

/**
 * The invitations of a workspace. One that is used or withdrawn stays until some time after its end, so that a person
 * with the link is told what has happened to it.
 */
export class InvitationTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  add(invitation: NewInvitation): void {
    const { id, hash, user, role, prefixes, createdAtMs, createdBy, makerGrants, expiresAtMs } = invitation;
    this.#sql.exec(
      `INSERT INTO invitation
         (id, hash, user_id, user_name, role, prefixes, created_at_ms, created_by, maker_grants, expires_at_ms, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')`,
      id,
      hash,
      user.id,
      user.name,
      role,
      writePrefixes(prefixes),
      createdAtMs,
      createdBy,
      JSON.stringify(makerGrants),
      expiresAtMs,
    );
  }

  byHash(hash: string): StoredInvitation | null {
    const [row] = this.#sql.exec("SELECT * FROM invitation WHERE hash = ?", hash).toArray();
    return row === undefined ? null : readInvitation(row);
  }

  /** Those that can be used, the oldest first. */
  open(nowMs: number): StoredInvitation[] {
    const query =
      "SELECT * FROM invitation WHERE state = 'open' AND expires_at_ms > ? ORDER BY created_at_ms, id";
    return this.#sql.exec(query, nowMs).toArray().map(readInvitation);
  }

  /** @returns whether it was open */
  close(id: string, state: "used" | "withdrawn", nowMs: number): boolean {
    const query = "UPDATE invitation SET state = ? WHERE id = ? AND state = 'open' AND expires_at_ms > ?";
    return this.#sql.exec(query, state, id, nowMs).rowsWritten > 0;
  }

  removeExpiredBefore(timeMs: number): void {
    this.#sql.exec("DELETE FROM invitation WHERE expires_at_ms < ?", timeMs);
  }
}

function readInvitation(row: Record<string, SqlStorageValue>): StoredInvitation {
  return {
    id: String(row["id"]),
    user: { id: String(row["user_id"]), name: String(row["user_name"]) },
    ...readCap(row),
    createdAtMs: Number(row["created_at_ms"]),
    createdBy: String(row["created_by"]),
    makerGrants: v.parse(GrantsSchema, JSON.parse(String(row["maker_grants"]))),
    expiresAtMs: Number(row["expires_at_ms"]),
    state: v.parse(StateSchema, row["state"]),
  };
}
