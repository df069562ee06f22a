import { DurableObject } from "cloudflare:workers";
import { type Access, roleFault } from "../../protocol/access.ts";
import type { AuditPage, AuditQuery } from "../../protocol/audit.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { type AuditRecord, AuditTable, type RepeatedRecord } from "../storage/access-audit.ts";
import { EndedTokenTable } from "../storage/access-ended-tokens.ts";
import { KeyTable } from "../storage/access-keys.ts";
import { SocketNotes } from "../storage/access-notes.ts";
import { ACCESS_SCHEMA } from "../storage/access-schema.ts";
import { UserTable } from "../storage/access-users.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { migrate, schemaVersion } from "../storage/migrations.ts";
import { Admission } from "./admission.ts";
import type { Proof } from "./proof.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * What one workspace knows of those who may come in, and its audit log. It is called only for a workspace that exists
 * (directory-object.ts), or that an open server gives to everybody.
 */
export class AccessObject extends DurableObject<Env> {
  readonly #admission: Admission;
  readonly #notes: SocketNotes;
  readonly #audit: AuditTable;
  readonly #alarms: AlarmTable<"audit">;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    storage.transactionSync(() => migrate(storage.sql, ACCESS_SCHEMA, schemaVersion(storage.sql)));
    this.#notes = new SocketNotes(storage);
    this.#admission = new Admission({
      keys: new KeyTable(storage),
      users: new UserTable(storage),
      endedTokens: new EndedTokenTable(storage),
    });
    this.#audit = new AuditTable(storage);
    this.#alarms = new AlarmTable(storage);
  }

  /**
   * What the proof is worth now.
   *
   * @param fragment a socket is about to join it: it is told when something changes that the access stands on
   */
  admit(proof: Proof, fragment: string | null): Result<Access> {
    const admitted = this.#admission.admit(proof, Date.now());
    if (admitted.ok && fragment !== null) this.#notes.add(admitted.value.grants, fragment, Date.now());
    return admitted;
  }

  /** Adds an entry to the audit log. */
  record(record: AuditRecord): void {
    const nowMs = Date.now();
    this.#audit.add(record, nowMs);
    this.#alarms.ensure("audit", nowMs + DAY_MS);
  }

  /** Adds repetitions to the audit log, each to the entry of its minute. */
  recordRepeated(records: readonly RepeatedRecord[]): void {
    this.#audit.addRepeated(records);
    this.#alarms.ensure("audit", Date.now() + DAY_MS);
  }

  /** A page of the audit log. It names ids of all fragments, so an access to some of them is not enough. */
  auditLog(access: Access, query: AuditQuery): Result<AuditPage> {
    const fault = roleFault(access, "admin");
    if (fault !== null) return refused(fault);
    if (access.prefixes !== null)
      return refused(refusal("forbidden", "The audit log is for those who may read every fragment."));
    return done(this.#audit.page(query));
  }

  override alarm(): void {
    const nowMs = Date.now();
    for (const kind of this.#alarms.rung(nowMs)) {
      if (kind !== "audit") continue;
      this.#alarms.ensure("audit", nowMs + (this.#audit.prune(nowMs) ? DAY_MS : 0));
    }
  }
}
