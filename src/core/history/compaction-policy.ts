import { MAX_PAST_BYTES } from "../../protocol/limits.ts";
import type { LogSize } from "./update-log.ts";

/**
 * Chooses the past that a compaction keeps: the entries from `keepSinceMs` on, and of those the newest that fit into
 * half of the budget, so that the next commit does not ask for a compaction again.
 *
 * @param entries oldest first
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

/** The log is replaced by a snapshot when it outweighs the last one, has many rows, or holds too much past. */
export interface CompactionPolicy {
  readonly maxRows: number;
  /** A log of fewer bytes is cheap to read, whatever the size of the snapshot. */
  readonly minUpdateBytes: number;
  /** A compaction is due after this number of commits in any case; for tests of compaction itself. */
  readonly maxCommits: number;
}

export const COMPACTION_POLICY: CompactionPolicy = {
  maxRows: 200,
  minUpdateBytes: 4 * 1024,
  maxCommits: Number.POSITIVE_INFINITY,
};

/** @param maxCommits commits after which a compaction is due in any case; ignored unless above 0 */
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

/** Whether the compaction cannot wait until the row budget allows it: the log is long, or the past too large. */
export function isCompactionUrgent(size: LogSize, policy: CompactionPolicy): boolean {
  return size.rows > policy.maxRows || size.pastBytes > MAX_PAST_BYTES || size.commits >= policy.maxCommits;
}
