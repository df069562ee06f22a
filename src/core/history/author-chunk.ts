import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { AuthorRun } from "./author-runs.ts";

/**
 * The stored form of a part of the author runs. Each chunk can be read by itself.
 *
 *     chunk = count name* run*
 *     run = gap length pause duration (count*4 + isExact*2 + isComplete) index*
 *
 * With lib0's varUint and varString; `pause` and `duration` are milliseconds, and `pause` is a varInt. A gap is counted from
 * the last revision before, a pause from the time of that; for the first run from 0. An index is that of a name.
 */
export const AUTHORS_FORMAT = 1;

export function encodeRuns(runs: readonly AuthorRun[]): Uint8Array {
  const indexes = new Map<string, number>();
  for (const { authors } of runs)
    for (const author of authors) if (!indexes.has(author)) indexes.set(author, indexes.size);
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, indexes.size);
  for (const name of indexes.keys()) encoding.writeVarString(encoder, name);
  let before = { to: 0, toMs: 0 };
  for (const run of runs) {
    encoding.writeVarUint(encoder, run.from - before.to);
    encoding.writeVarUint(encoder, run.to - run.from);
    encoding.writeVarInt(encoder, run.fromMs - before.toMs);
    encoding.writeVarUint(encoder, run.toMs - run.fromMs);
    const flags = (run.isExact ? 2 : 0) + (run.isComplete ? 1 : 0);
    encoding.writeVarUint(encoder, run.authors.length * 4 + flags);
    for (const author of run.authors) encoding.writeVarUint(encoder, indexes.get(author) ?? 0);
    before = run;
  }
  return encoding.toUint8Array(encoder);
}

export function decodeRuns(chunk: Uint8Array): AuthorRun[] {
  const decoder = decoding.createDecoder(chunk);
  const names: string[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--)
    names.push(decoding.readVarString(decoder));
  const runs: AuthorRun[] = [];
  let before = { to: 0, toMs: 0 };
  while (decoding.hasContent(decoder)) {
    const from = before.to + decoding.readVarUint(decoder);
    const to = from + decoding.readVarUint(decoder);
    const fromMs = before.toMs + decoding.readVarInt(decoder);
    const toMs = fromMs + decoding.readVarUint(decoder);
    const head = decoding.readVarUint(decoder);
    const authors: string[] = [];
    for (let left = Math.floor(head / 4); left > 0; left--) {
      const name = names[decoding.readVarUint(decoder)];
      if (name === undefined) throw new Error("A run names an author that the chunk does not have.");
      authors.push(name);
    }
    before = { to, toMs };
    runs.push({ from, to, fromMs, toMs, authors, isExact: head % 4 >= 2, isComplete: head % 2 === 1 });
  }
  return runs;
}

/** About the bytes that a run takes in a chunk whose other runs name these authors; adds its own to them. */
export function addedBytes(run: AuthorRun, names: Set<string>): number {
  let bytes = 16 + 2 * run.authors.length;
  for (const author of run.authors) {
    if (names.has(author)) continue;
    names.add(author);
    bytes += 1 + 3 * author.length;
  }
  return bytes;
}
