/**
 * The token bucket that paces commits. A token is one row written, the unit that the platform bills: at most
 * 20 + 60 x 5.4 = 344 rows in any minute, whatever the load, and what is owed at its end; what the catalogue writes for
 * the fragment is among them.
 *
 * While there are plenty, a commit is made at once; else all that comes in within a window is one commit. At a
 * commit a window fewer tokens go than come back: what is left over pays for everything else, which waits for it, so
 * that no acknowledgement waits for them. What cannot wait and is not a commit (a life that begins, a text with a thousand
 * new inclusions in the catalogue) is owed, and paid back out of what commits leave over.
 *
 * Times are milliseconds, given by the caller.
 */
export class RowBudget {
  static readonly CAPACITY = 20;
  static readonly PER_SECOND = 5.4;
  static readonly COMMIT_WINDOW_MS = 220;
  /** From here down commits keep to their window. */
  static readonly RESERVE = 6;
  /** About what a compaction of a small log costs: snapshot out, snapshot in, past, state. */
  static readonly COMPACTION = 4;
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
   * When there will be so many tokens, if nothing is spent before: `nowMs` if there are. Less than none where some may be
   * owed.
   */
  affordableAt(rows: number, nowMs: number): number {
    this.#refill(nowMs);
    return nowMs + msUntil(Math.min(rows, RowBudget.CAPACITY) + this.#owed - this.#tokens);
  }

  /** A commit may take the bucket below nothing; the next one waits for it. */
  spendOnCommit(rows: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#committedMs = nowMs;
    this.#tokens -= rows;
  }

  /** Anything else takes what there is, and the rest is owed. */
  spend(rows: number, nowMs: number): void {
    this.#refill(nowMs);
    const paid = Math.min(rows, Math.max(0, this.#tokens));
    this.#tokens -= paid;
    this.#owed += rows - paid;
  }

  #refill(nowMs: number): void {
    // The clock may be set back: then time simply begins anew.
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
