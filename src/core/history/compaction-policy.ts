import { MAX_PAST_BYTES } from "../../protocol/limits.ts";
import type { LogSize } from "./update-log.ts";

/**
 * The past that a compaction keeps, of entries oldest first: those from `keepSinceMs` on, and of them the newest
 * that fit half of the budget, so that the next commit does not ask for a compaction again.
 */
export function keptPast<T>(
  entries: readonly T[],
  bytesOf: (entry: T) => number,
  timeOf: (entry: T) => number,
  keepSinceMs: number,
): T[] {
  let first = entries.length;
  for (let bytes = 0; first > 0; first--) {
    const entry = entries[first - 1] as T; // 0 < first <= length
    bytes += bytesOf(entry);
    if (bytes > MAX_PAST_BYTES / 2 || timeOf(entry) < keepSinceMs) break;
  }
  return entries.slice(first);
}

/** When the log is put into a snapshot: it outweighs it, has many rows, or holds more past than is kept. */
export interface CompactionPolicy {
  readonly maxRows: number;
  /** A log smaller than this is cheap to read whatever the snapshot's size. */
  readonly minUpdateBytes: number;
  /** Compacts after so many commits in any case: for tests of compaction itself. */
  readonly maxCommits: number;
}

export const COMPACTION_POLICY: CompactionPolicy = {
  maxRows: 200,
  minUpdateBytes: 4 * 1024,
  maxCommits: Number.POSITIVE_INFINITY,
};

/** @param maxCommits compacts after so many in any case; not a number above 0: when it is worth it */
export function compactionPolicy(maxCommits: number): CompactionPolicy {
  return maxCommits > 0 ? { ...COMPACTION_POLICY, maxCommits } : COMPACTION_POLICY;
}

export function isCompactionDue(size: LogSize, policy: CompactionPolicy): boolean {
  return (
    size.rows > policy.maxRows ||
    size.updateBytes > Math.max(size.snapshotBytes, policy.minUpdateBytes) ||
    size.pastBytes > MAX_PAST_BYTES ||
    size.commits >= policy.maxCommits
  );
}

/** When it cannot wait until it is paid for: the log would get long, or the past too large. */
export function isCompactionUrgent(size: LogSize, policy: CompactionPolicy): boolean {
  return size.rows > policy.maxRows || size.pastBytes > MAX_PAST_BYTES || size.commits >= policy.maxCommits;
}
