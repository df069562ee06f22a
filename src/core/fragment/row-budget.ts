/**
 * The token bucket that paces commits. A token is one row written, the unit that the platform bills. In any minute, under
 * any load, a fragment writes at most 20 + 60 x 5.4 = 344 rows, plus what it owes at the end. Rows that the catalogue
 * writes for the fragment count too.
 *
 * While there are plenty of tokens, a commit is made at once. Otherwise all that comes in within a window is one commit.
 * One commit a window spends less than the window refills. The surplus pays for everything else, which waits for it, so
 * that no acknowledgement has to. Work that cannot wait and is not a commit (the start of a life, a text with a thousand
 * new inclusions in the catalogue) is owed, and paid back out of the surplus.
 *
 * Times are milliseconds, given by the caller.
 */
export class RowBudget {
  static readonly CAPACITY = 20;
  static readonly PER_SECOND = 5.4;
  static readonly COMMIT_WINDOW_MS = 220;
  /** With this many tokens or fewer, commits keep to their window. */
  static readonly RESERVE = 6;
  /** About what a compaction of a small log costs: snapshot out, snapshot in, past, authors, state. */
  static readonly COMPACTION = 5;
  #tokens = RowBudget.CAPACITY;
  #owed = 0;
  #atMs = Number.NEGATIVE_INFINITY;
  #committedMs = Number.NEGATIVE_INFINITY;

  /** When the next commit may be made: `nowMs` if at once. */
  dueAt(nowMs: number): number {
    this.#refill(nowMs);
    if (this.#tokens > RowBudget.RESERVE) return nowMs;
    const windowMs = Math.min(this.#committedMs, nowMs) + RowBudget.COMMIT_WINDOW_MS;
    return Math.max(nowMs, windowMs, nowMs + msUntil(1 - this.#tokens));
  }

  /** Whether a compaction can be paid for without delaying a commit. */
  canCompact(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens - this.#owed >= RowBudget.COMPACTION;
  }

  /**
   * When there will be this many tokens, if nothing is spent before: `nowMs` if there are now. A negative number allows
   * some to be owed.
   */
  affordableAt(rows: number, nowMs: number): number {
    this.#refill(nowMs);
    return nowMs + msUntil(Math.min(rows, RowBudget.CAPACITY) + this.#owed - this.#tokens);
  }

  /** A commit may take the bucket below zero; the next commit waits until it is refilled. */
  spendOnCommit(rows: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#committedMs = nowMs;
    this.#tokens -= rows;
  }

  /** Pays for anything else: takes the tokens that there are, and owes the rest. */
  spend(rows: number, nowMs: number): void {
    this.#refill(nowMs);
    const paid = Math.min(rows, Math.max(0, this.#tokens));
    this.#tokens -= paid;
    this.#owed += rows - paid;
  }

  #refill(nowMs: number): void {
    // The clock may be set back: then no time has passed.
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#tokens += (elapsedMs * RowBudget.PER_SECOND) / 1000;
    const repaid = Math.min(this.#owed, Math.max(0, this.#tokens - RowBudget.RESERVE));
    this.#owed -= repaid;
    this.#tokens = Math.min(RowBudget.CAPACITY, this.#tokens - repaid);
  }
}

function msUntil(missing: number): number {
  return Math.ceil((Math.max(0, missing) * 1000) / RowBudget.PER_SECOND);
}
