/**
 * How long the room collects before it sends: text, cursors, whole texts (row-budget.ts has the commits). Windows are
 * functions of counts, never of measured time: on Workers the clock stands still while code runs. Times are milliseconds,
 * given by the caller.
 */

/**
 * A frame to one socket costs the server 25 to 50 microseconds, nearly all of it in native code. The window grows with
 * the peers, without a cap, so that at most 10,000 frames leave in a second: half of what one core can send. With a cap a
 * room of a thousand falls behind for ever.
 */
const TEXT_MS_PER_PEER = 0.1;
/** Large pending updates leave no faster than this, over all peers together (100 MB/s). */
const TEXT_BYTES_PER_MS = 100_000;
const MAX_BULK_WINDOW_MS = 200;

export function textWindowMs(peers: number, pendingBytes: number): number {
  const bulkMs = Math.min((pendingBytes * peers) / TEXT_BYTES_PER_MS, MAX_BULK_WINDOW_MS);
  return peers * TEXT_MS_PER_PEER + bulkMs;
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

/** Null means never. */
export function earlier(oneMs: number | null, otherMs: number | null): number | null {
  return oneMs === null || otherMs === null ? (oneMs ?? otherMs) : Math.min(oneMs, otherMs);
}

export function isDue(atMs: number | null, nowMs: number): boolean {
  return atMs !== null && nowMs >= atMs;
}
