import { DurableObject } from "cloudflare:workers";
import { type Access, roleFault } from "../../protocol/access.ts";
import type { AuditPage, AuditQuery } from "../../protocol/audit.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { type AuditRecord, AuditTable, type RepeatedRecord } from "../storage/access-audit.ts";
import { ACCESS_SCHEMA } from "../storage/access-schema.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { migrate, newestVersion, schemaVersion } from "../storage/migrations.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What one workspace knows of those who may come in, and its audit log. An object that is only asked stores nothing. */
export class AccessObject extends DurableObject<Env> {
  readonly #audit: AuditTable;
  readonly #alarms: AlarmTable<"audit">;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#audit = new AuditTable(ctx.storage);
    this.#alarms = new AlarmTable(ctx.storage);
    if (this.#version > 0) this.#open();
  }

  /** Adds an entry to the audit log. */
  record(record: AuditRecord): void {
    const nowMs = Date.now();
    this.#open();
    this.#audit.add(record, nowMs);
    this.#alarms.ensure("audit", nowMs + DAY_MS);
  }

  /** Adds repetitions to the audit log, each to the entry of its minute. */
  recordRepeated(records: readonly RepeatedRecord[]): void {
    this.#open();
    this.#audit.addRepeated(records);
    this.#alarms.ensure("audit", Date.now() + DAY_MS);
  }

  /** A page of the audit log. It names ids of all fragments, so an access to some of them is not enough. */
  auditLog(access: Access, query: AuditQuery): Result<AuditPage> {
    const fault = roleFault(access, "admin");
    if (fault !== null) return refused(fault);
    if (access.prefixes !== null)
      return refused(refusal("forbidden", "The audit log is for those who may read every fragment."));
    if (this.#version === 0) return done({ entries: [], next_cursor: null });
    return done(this.#audit.page(query));
  }

  override alarm(): void {
    const nowMs = Date.now();
    for (const kind of this.#alarms.rung(nowMs)) {
      if (kind !== "audit") continue;
      this.#alarms.ensure("audit", nowMs + (this.#audit.prune(nowMs) ? DAY_MS : 0));
    }
  }

  get #version(): number {
    return schemaVersion(this.ctx.storage.sql);
  }

  /** Makes the tables, or brings them up to date. */
  #open(): void {
    const version = this.#version;
    if (version < newestVersion(ACCESS_SCHEMA))
      this.ctx.storage.transactionSync(() => migrate(this.ctx.storage.sql, ACCESS_SCHEMA, version));
  }
}
