import { type Access, adminOfAllFault } from "../../../protocol/access.ts";
import type { AuditPage, AuditQuery } from "../../../protocol/audit.ts";
import { done, type Result, refused } from "../../../protocol/errors.ts";
import type { AuditRecord, AuditTable, RepeatedRecord } from "../../storage/access-audit.ts";
import { DAY_MS } from "./days.ts";

/** The audit log of a workspace: who may read it, and when old entries go. */
export class AuditLog {
  readonly #table: AuditTable;
  readonly #pruneAt: (timeMs: number) => void;

  /** @param pruneAt has `prune` called at this time, or earlier */
  constructor(table: AuditTable, pruneAt: (timeMs: number) => void) {
    this.#table = table;
    this.#pruneAt = pruneAt;
  }

  add(record: AuditRecord): void {
    const nowMs = Date.now();
    this.#table.add(record, nowMs);
    this.#pruneAt(nowMs + DAY_MS);
  }

  /** Adds repetitions, each to the entry of its minute. */
  addRepeated(records: readonly RepeatedRecord[]): void {
    this.#table.addRepeated(records);
    this.#pruneAt(Date.now() + DAY_MS);
  }

  page(access: Access, query: AuditQuery): Result<AuditPage> {
    const fault = adminOfAllFault(access);
    return fault === null ? done(this.#table.page(query)) : refused(fault);
  }

  prune(nowMs: number): void {
    const isDone = this.#table.prune(nowMs);
    this.#pruneAt(isDone ? nowMs + DAY_MS : nowMs);
  }
}
