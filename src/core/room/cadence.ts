/**
 * The room's two cadences and the smaller ones. Windows are functions of counts, never of measured time: on
 * Workers the clock stands still while code runs. Times are milliseconds, given by the caller.
 */

/** A send to one idle socket costs the server tens of microseconds: the window grows with the peers. */
const TEXT_MS_PER_PEER = 0.1;
const MAX_TEXT_WINDOW_MS = 25;
/** Large pending updates leave no faster than this, over all peers together (100 MB/s). */
const TEXT_BYTES_PER_MS = 100_000;
const MAX_BULK_WINDOW_MS = 200;

export function textWindowMs(peers: number, pendingBytes: number): number {
  const bulkMs = Math.min((pendingBytes * peers) / TEXT_BYTES_PER_MS, MAX_BULK_WINDOW_MS);
  return Math.min(peers * TEXT_MS_PER_PEER, MAX_TEXT_WINDOW_MS) + bulkMs;
}

/** Cursors are worth less than text: slower from the start, and slower still in a full room. */
export function presenceWindowMs(peers: number): number {
  return 100 + 2 * peers;
}

/** Full texts to JSON peers leave no faster than this, over all of them together (20 MB/s). */
const FULL_TEXT_BYTES_PER_MS = 20_000;
const MAX_FULL_TEXT_WINDOW_MS = 5_000;

export function fullTextWindowMs(bytes: number, peers: number): number {
  return Math.min((bytes * peers) / FULL_TEXT_BYTES_PER_MS, MAX_FULL_TEXT_WINDOW_MS);
}

/**
 * The token bucket that paces commits. A token is one row written, the unit that the platform bills: at most
 * 20 + 60 x 5.4 = 344 rows in any minute, whatever the load, what the catalogue writes for the fragment among them.
 *
 * While there are plenty, a commit is made at once; else all that comes in within a window is one commit. At a
 * commit a window fewer tokens go than come back: what is left over pays for compaction and for the catalogue, which
 * wait for it, so that no acknowledgement waits for them.
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
  #atMs = Number.NEGATIVE_INFINITY;
  #committedMs = Number.NEGATIVE_INFINITY;

  /** When the next commit may be made: `nowMs` if at once. */
  dueAt(nowMs: number): number {
    this.#refill(nowMs);
    if (this.#tokens > RowBudget.RESERVE) return nowMs;
    const windowMs = Math.min(this.#committedMs, nowMs) + RowBudget.COMMIT_WINDOW_MS;
    const tokenMs = nowMs + Math.ceil((Math.max(0, 1 - this.#tokens) * 1000) / RowBudget.PER_SECOND);
    return Math.max(nowMs, windowMs, tokenMs);
  }

  /** Whether a compaction can be paid for without delaying a commit. */
  canCompact(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= RowBudget.COMPACTION;
  }

  /** When there will be so many tokens, if nothing is spent before: `nowMs` if there are. */
  affordableAt(rows: number, nowMs: number): number {
    this.#refill(nowMs);
    return (
      nowMs +
      Math.ceil(
        (Math.max(0, Math.min(rows, RowBudget.CAPACITY) - this.#tokens) * 1000) / RowBudget.PER_SECOND,
      )
    );
  }

  spendOnCommit(rows: number, nowMs: number): void {
    this.#committedMs = nowMs;
    this.spend(rows, nowMs);
  }

  /** What must be written at once may take the bucket below nothing; later commits wait for it. */
  spend(rows: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= rows;
  }

  #refill(nowMs: number): void {
    // The clock may be set back: then time simply begins anew.
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(RowBudget.CAPACITY, this.#tokens + (elapsedMs * RowBudget.PER_SECOND) / 1000);
    this.#atMs = nowMs;
  }
}
