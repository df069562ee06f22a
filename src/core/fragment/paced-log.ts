import { REBASE_HORIZON_MS } from "../../protocol/limits.ts";
import {
  COMPACTION_POLICY,
  type CompactionPolicy,
  isCompactionDue,
  isCompactionUrgent,
} from "../history/compaction-policy.ts";
import type { Commit, NewLife, UpdateLog } from "../history/update-log.ts";
import { RowBudget } from "./row-budget.ts";

/** The update log as a room writes to it: every row is paid for from the budget that paces the commits. */
export class PacedLog {
  readonly #log: UpdateLog;
  readonly #policy: CompactionPolicy;
  readonly #budget = new RowBudget();

  constructor(log: UpdateLog, policy: CompactionPolicy = COMPACTION_POLICY) {
    this.#log = log;
    this.#policy = policy;
  }

  /** When the next commit may be made: `nowMs` if at once. */
  dueAt(nowMs: number): number {
    return this.#budget.dueAt(nowMs);
  }

  /** When something that can wait and costs so many rows may be done: `nowMs` if at once. */
  affordableAt(rows: number, nowMs: number): number {
    return this.#budget.affordableAt(rows, nowMs);
  }

  /** Pays for rows that were written for this fragment elsewhere. */
  spend(rows: number, nowMs: number): void {
    this.#budget.spend(rows, nowMs);
  }

  markDelivered(revision: number, nowMs: number): void {
    const { rowsWritten } = this.#log;
    this.#log.markDelivered(revision);
    this.#budget.spend(this.#log.rowsWritten - rowsWritten, nowMs);
  }

  create(first: Commit, life: NewLife, nowMs: number): void {
    const rowsWritten = this.#log.rowsWritten;
    this.#log.create(first, life);
    this.#budget.spend(this.#log.rowsWritten - rowsWritten, nowMs);
  }

  append(commit: Commit, nowMs: number): void {
    const { rowsWritten } = this.#log;
    const { rows } = this.#log.size;
    this.#log.append(commit);
    // A new row is paid for twice: compaction will delete it.
    const newRows = this.#log.size.rows - rows;
    this.#budget.spendOnCommit(this.#log.rowsWritten - rowsWritten + newRows, nowMs);
  }

  /** @param snapshot gives everything committed, and nothing else */
  compactIfDue(snapshot: () => Uint8Array, nowMs: number): void {
    const { size, rowsWritten } = this.#log;
    if (!isCompactionDue(size, this.#policy)) return;
    if (!this.#budget.canCompact(nowMs) && !isCompactionUrgent(size, this.#policy)) return;
    this.#log.compact(snapshot(), nowMs - REBASE_HORIZON_MS);
    this.#budget.spend(Math.max(0, this.#log.rowsWritten - rowsWritten - size.rows), nowMs);
  }
}
