import { REBASE_HORIZON_MS } from "../../protocol/limits.ts";
import {
  COMPACTION_POLICY,
  type CompactionPolicy,
  isCompactionDue,
  isCompactionUrgent,
} from "../history/compaction-policy.ts";
import type { Commit, NewLife, UpdateLog } from "../history/update-log.ts";
import { RowBudget } from "./row-budget.ts";

/** Bytes of log and snapshot. Compacting more than this takes about as long as the commit before it. */
const LONG_COMPACTION_BYTES = 128 * 1024;

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

  /** When work that can wait and costs this many rows may be done: `nowMs` if at once. */
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

  renewServerClientId(serverClientId: number, nowMs: number): void {
    const { rowsWritten } = this.#log;
    this.#log.renewServerClientId(serverClientId);
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

  /** Whether a compaction is due, and either affordable or urgent. */
  isCompactionDue(nowMs: number): boolean {
    const { size } = this.#log;
    if (!isCompactionDue(size, this.#policy)) return false;
    return this.#budget.canCompact(nowMs) || isCompactionUrgent(size, this.#policy);
  }

  /** Whether a compaction takes so long that it should have a turn of its own. */
  get isCompactionLong(): boolean {
    const { updateBytes, snapshotBytes } = this.#log.size;
    return updateBytes + snapshotBytes > LONG_COMPACTION_BYTES;
  }

  /** @param snapshot everything committed, and nothing else */
  compact(snapshot: Uint8Array, nowMs: number): void {
    const { size, rowsWritten } = this.#log;
    this.#log.compact(snapshot, nowMs - REBASE_HORIZON_MS);
    this.#budget.spend(Math.max(0, this.#log.rowsWritten - rowsWritten - size.rows), nowMs);
  }
}
