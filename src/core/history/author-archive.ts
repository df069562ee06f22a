import { addedBytes, decodeRuns, encodeRuns } from "./author-chunk.ts";
import { type AuthorRun, mergeRuns } from "./author-runs.ts";

/**
 * The authors of the commits that have left the log: chunks of runs, each of a level. The newest runs are exact. As runs
 * pile up, the oldest of a level move to the next one, whose grain is coarser; the oldest of the last level are forgotten.
 * So the archive has at most 20 chunks, whatever the fragment's age:
 *
 *     exact: the last 32 KB or more, which is some 3,600 runs of one author, or 1,100 commits of 20 typists
 *     then by minute, hour, day and month, as much each: who wrote within it, but not which of its commits
 */
export interface AuthorChunk {
  readonly level: number;
  /** The first and the last revision in it. */
  readonly from: number;
  readonly to: number;
  readonly data: Uint8Array;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const GRAINS_MS = [0, MINUTE_MS, HOUR_MS, DAY_MS, 30 * DAY_MS];

/** Chunks of one level. */
export const MAX_CHUNKS = 4;
/** The newest chunk of a level is written again with more runs until it is larger than this. */
const OPEN_BYTES = 8 * 1024;
/** Larger only if a single run is. */
const MAX_CHUNK_BYTES = 16 * 1024;

/**
 * Adds runs that are newer than all those in the archive.
 *
 * @param chunks oldest first; those that do not change are in the result as they are
 */
export function archiveRuns(chunks: readonly AuthorChunk[], runs: readonly AuthorRun[]): AuthorChunk[] {
  let archive: AuthorChunk[] = [];
  let moving = runs;
  for (const level of GRAINS_MS.keys()) {
    const ofLevel = chunks.filter((chunk) => chunk.level === level);
    const filled = moving.length === 0 ? ofLevel : fill(ofLevel, moving, level);
    const over = filled.slice(0, Math.max(0, filled.length - MAX_CHUNKS));
    moving = over.flatMap(({ data }) => decodeRuns(data));
    archive = [...filled.slice(over.length), ...archive];
  }
  return archive;
}

/** The runs of chunks and, after them, of the log, that have one of these revisions. */
export function runsBetween(
  chunks: readonly AuthorChunk[],
  logged: readonly AuthorRun[],
  fromRevision: number,
  toRevision: number,
): AuthorRun[] {
  const overlaps = ({ from, to }: { readonly from: number; readonly to: number }) =>
    from <= toRevision && to >= fromRevision;
  const archived = chunks.filter(overlaps).flatMap(({ data }) => decodeRuns(data));
  return mergeRuns([...archived, ...logged]).filter(overlaps);
}

function fill(chunks: readonly AuthorChunk[], runs: readonly AuthorRun[], level: number): AuthorChunk[] {
  const newest = chunks.at(-1);
  const isOpen = newest !== undefined && newest.data.length <= OPEN_BYTES;
  const opened = isOpen ? decodeRuns(newest.data) : [];
  const merged = mergeRuns([...opened, ...runs], GRAINS_MS[level]);
  return [...(isOpen ? chunks.slice(0, -1) : chunks), ...cutRuns(merged).map((part) => chunkOf(part, level))];
}

/** At least one part. */
function cutRuns(runs: readonly AuthorRun[]): AuthorRun[][] {
  let part: AuthorRun[] = [];
  let names = new Set<string>();
  let bytes = 0;
  const parts = [part];
  for (const run of runs) {
    bytes += addedBytes(run, names);
    if (bytes > MAX_CHUNK_BYTES && part.length > 0) {
      part = [];
      parts.push(part);
      names = new Set();
      bytes = addedBytes(run, names);
    }
    part.push(run);
  }
  return parts;
}

function chunkOf(runs: readonly AuthorRun[], level: number): AuthorChunk {
  return { level, from: runs[0]?.from ?? 0, to: runs.at(-1)?.to ?? 0, data: encodeRuns(runs) };
}
