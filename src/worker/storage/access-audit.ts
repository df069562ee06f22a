import type { AuditAction, AuditEntry, AuditPage, AuditQuery, AuditResult } from "../../protocol/audit.ts";
import {
  AUDIT_AGE_MS,
  MAX_AUDIT_ROWS,
  MAX_AUDIT_ROWS_SCANNED,
  MAX_REPEATED_ROWS_PER_MINUTE,
} from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { textOrNull } from "./nullable-column.ts";

/** The one that acted, and the address it called from. */
export interface AuditSource {
  readonly principal: string | null;
  /** The key behind the principal's token, as `key:ID`. */
  readonly via: string | null;
  readonly address: string | null;
}

/** An act and its result. No content and no secret belongs here. */
export interface AuditAct {
  readonly action: AuditAction;
  /** The id acted on. */
  readonly on?: string | null;
  /** A few words, at most 300 units. */
  readonly detail?: string | null;
  /** `done` unless given. */
  readonly result?: AuditResult;
}

export interface AuditRecord extends AuditSource, AuditAct {}

/** Repetitions of an act, as one row for each minute. */
export interface RepeatedRecord extends AuditRecord {
  /** The time of the first. */
  readonly timeMs: number;
  readonly count: number;
}

/**
 * The rows of one shelf are dropped for new ones of the same shelf only. So nobody can push the record of a key out of
 * the log by being refused a million times, or by deleting fragments or ending tokens that never were.
 */
type Shelf = keyof typeof MAX_AUDIT_ROWS;
const SHELVES_WHEN_DONE: Record<AuditAction, Shelf> = {
  key_made: "access",
  key_changed: "access",
  key_revoked: "access",
  token_minted: "tokens",
  token_revoked: "tokens",
  user_changed: "access",
  user_removed: "access",
  invitation_made: "access",
  invitation_used: "access",
  invitation_revoked: "access",
  signed_in: "access",
  signed_out: "access",
  session_ended: "access",
  fragment_deleted: "fragments",
  fragment_renamed: "fragments",
  catalogue_rebuilt: "fragments",
  refused: "refusals",
};

/** A part of the schema of an AccessObject. */
export const AUDIT_TABLES = `-- What was done in the workspace (access-audit.ts): in the order of time, the newest last.
   CREATE TABLE audit (
     id INTEGER PRIMARY KEY,
     shelf TEXT NOT NULL,
     time_ms INTEGER NOT NULL,
     action TEXT NOT NULL,
     principal TEXT,
     via TEXT,
     on_id TEXT,
     detail TEXT,
     address TEXT,
     result TEXT NOT NULL,
     count INTEGER NOT NULL
   );
   CREATE INDEX audit_by_shelf ON audit (shelf, id);`;

const MINUTE_MS = 60_000;
/** Rows dropped in one turn. */
const MAX_DROPPED = 10_000;
/** The sizes of the shelves are looked at after this many records, and each day. */
const RECORDS_PER_CHECK = 1_000;
const MAX_DETAIL_UNITS = 300;

/**
 * The audit log of a workspace. Rows are only added, and dropped when they are old; the count of a row grows within its
 * minute.
 */
export class AuditTable {
  readonly #sql: SqlStorage;
  /** The rows of this minute that stand for repetitions, by what they repeat. A cache: if it is lost, new rows begin. */
  #minute = { number: 0, rows: new Map<Shelf, Map<string, number>>() };
  #sinceCheck = 0;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** Adds one row. Call it in the transaction of what it records, where both are in this object. */
  add(record: AuditRecord, nowMs: number): void {
    this.#insert({ ...record, timeMs: nowMs, count: 1 });
  }

  /** Adds repetitions to the rows of their minute. Where too many rows have begun in it, one row counts all others. */
  addRepeated(records: readonly RepeatedRecord[]): void {
    for (const record of records) {
      const minute = Math.floor(record.timeMs / MINUTE_MS);
      if (minute > this.#minute.number) this.#minute = { number: minute, rows: new Map() };
      const rows = this.#rowsOfMinute(shelfOf(record));
      const isFull = rows.size >= MAX_REPEATED_ROWS_PER_MINUTE && !rows.has(keyOf(record));
      const kept = isFull ? asOther(record) : record;
      const known = rows.get(keyOf(kept));
      if (known === undefined) rows.set(keyOf(kept), this.#insert(kept));
      else this.#sql.exec("UPDATE audit SET count = count + ? WHERE id = ?", kept.count, known);
    }
  }

  /** The newest entries first. Looks at a bounded number of rows, so a page may be short, or empty, and not the last. */
  page({ principal, action, id, since, cursor, limit }: AuditQuery): AuditPage {
    const newest = Number(this.#sql.exec("SELECT coalesce(max(id), 0) AS id FROM audit").one()["id"]);
    const before = cursor === undefined ? newest + 1 : Math.min(Number(cursor), newest + 1);
    const from = before - MAX_AUDIT_ROWS_SCANNED;
    const rows = this.#sql
      .exec(
        `SELECT * FROM audit WHERE id < ?1 AND id >= ?2 AND (?3 IS NULL OR principal = ?3)
           AND (?4 IS NULL OR action = ?4) AND (?5 IS NULL OR on_id = ?5) AND time_ms >= ?6
         ORDER BY id DESC LIMIT ?7`,
        before,
        from,
        principal ?? null,
        action ?? null,
        id ?? null,
        since === undefined ? 0 : Date.parse(since),
        limit + 1,
      )
      .toArray();
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const next = rows.length > limit && last !== undefined ? Number(last["id"]) : from;
    const rest = this.#sql.exec("SELECT 1 FROM audit WHERE id < ? LIMIT 1", next).toArray();
    return { entries: shown.map(entryOf), next_cursor: rest.length === 0 ? null : String(next) };
  }

  /**
   * Drops what is older than 90 days, or over the bound of its shelf. Call it each day.
   *
   * @returns false if more is left to drop
   */
  prune(nowMs: number): boolean {
    const oldest = this.#sql.exec("SELECT id, time_ms FROM audit ORDER BY id LIMIT ?", MAX_DROPPED).toArray();
    const young = oldest.findIndex((row) => Number(row["time_ms"]) >= nowMs - AUDIT_AGE_MS);
    const end = young === -1 ? oldest.at(-1)?.["id"] : oldest[young - 1]?.["id"];
    if (end !== undefined) this.#sql.exec("DELETE FROM audit WHERE id <= ?", end);
    this.#trimShelves();
    return young !== -1 || oldest.length < MAX_DROPPED;
  }

  #rowsOfMinute(shelf: Shelf): Map<string, number> {
    const rows = this.#minute.rows.get(shelf) ?? new Map<string, number>();
    this.#minute.rows.set(shelf, rows);
    return rows;
  }

  #insert(record: RepeatedRecord): number {
    const { action, timeMs, principal, via, on, detail, address, result, count } = record;
    const [row] = this.#sql
      .exec(
        `INSERT INTO audit (shelf, time_ms, action, principal, via, on_id, detail, address, result, count)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
        shelfOf(record),
        timeMs,
        action,
        principal,
        via,
        on ?? null,
        detail?.slice(0, MAX_DETAIL_UNITS).toWellFormed() ?? null,
        address,
        result ?? "done",
        count,
      )
      .toArray();
    if (++this.#sinceCheck >= RECORDS_PER_CHECK) this.#trimShelves();
    return Number(row?.["id"]);
  }

  #trimShelves(): void {
    this.#sinceCheck = 0;
    for (const [shelf, maxRows] of Object.entries(MAX_AUDIT_ROWS)) {
      this.#sql.exec(
        `DELETE FROM audit WHERE id IN (
           SELECT id FROM audit WHERE shelf = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3)`,
        shelf,
        MAX_DROPPED,
        maxRows,
      );
    }
  }
}

/** An act that failed goes to the refusals, whatever it was. */
function shelfOf({ action, result = "done" }: AuditRecord): Shelf {
  return result === "done" ? SHELVES_WHEN_DONE[action] : "refusals";
}

/** One record for all those that would begin too many rows. */
export function asOther<R extends AuditRecord>(record: R): R {
  return { ...record, principal: null, via: null, address: null, on: null, detail: "others" };
}

/** Repetitions differ in no part of this. The id is that of the first. */
export function keyOf({ action, principal, via, detail, address, result, on }: AuditRecord): string {
  // A minted token is for a user, and that is what it acts on.
  const user = action === "token_minted" ? on : null;
  return JSON.stringify([action, principal, via, detail ?? null, address, result ?? "done", user]);
}

function entryOf(row: Record<string, SqlStorageValue>): AuditEntry {
  return {
    time: timestamp(Number(row["time_ms"])),
    action: String(row["action"]) as AuditAction, // AuditTable wrote it, and the result
    principal: textOrNull(row, "principal"),
    via: textOrNull(row, "via"),
    id: textOrNull(row, "on_id"),
    detail: textOrNull(row, "detail"),
    address: textOrNull(row, "address"),
    result: String(row["result"]) as AuditResult,
    count: Number(row["count"]),
  };
}
