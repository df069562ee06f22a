import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";

/**
 * What one row of the update log holds: updates to apply in order, and the past entries of their commits.
 *
 * The newest record takes further commits while it is small, so that the number of rows follows the amount of
 * text, not the number of commits. Its updates are merged when the unmerged ones outweigh the merged: a text
 * typed key by key costs little more than its characters, and each byte is merged a few times at most.
 */
export const RECORD_FORMAT = 1;

/** A record over this size is left alone and the next commit starts a new one. */
const MAX_OPEN_BYTES = 64 * 1024;
/** Unmerged bytes that are never worth a merge. */
const MIN_MERGE_BYTES = 2 * 1024;

export interface LogRecord {
  readonly updates: readonly Uint8Array[];
  /** Encoded, oldest first; see past-entry.ts. */
  readonly entries: readonly Uint8Array[];
  /** Bytes of the first update, which is the merged one. */
  readonly mergedBytes: number;
  readonly bytes: number;
}

export const EMPTY_RECORD: LogRecord = { updates: [], entries: [], mergedBytes: 0, bytes: 0 };

export function isOpen(record: LogRecord): boolean {
  return record.bytes <= MAX_OPEN_BYTES;
}

/** The record with one more commit. */
export function extendRecord(record: LogRecord, update: Uint8Array | null, entry: Uint8Array): LogRecord {
  const entries = [...record.entries, entry];
  if (update === null) return { ...record, entries, bytes: record.bytes + entry.length };
  const updates = [...record.updates, update];
  const bytes = record.bytes + update.length + entry.length;
  const unmerged = sum(updates) - record.mergedBytes;
  if (updates.length === 1) return { updates, entries, mergedBytes: update.length, bytes };
  if (unmerged <= Math.max(record.mergedBytes, MIN_MERGE_BYTES)) {
    return { updates, entries, mergedBytes: record.mergedBytes, bytes };
  }
  const merged = Y.mergeUpdates(updates);
  return { updates: [merged], entries, mergedBytes: merged.length, bytes: merged.length + sum(entries) };
}

/** Encoded: count of updates, each with its length; count of entries, each with its length. */
export function encodeRecord(record: LogRecord): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const list of [record.updates, record.entries]) {
    encoding.writeVarUint(encoder, list.length);
    for (const bytes of list) encoding.writeVarUint8Array(encoder, bytes);
  }
  return encoding.toUint8Array(encoder);
}

/** The parts are views of `bytes`. */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const decoder = decoding.createDecoder(bytes);
  const readList = () => {
    const list: Uint8Array[] = [];
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      list.push(decoding.readVarUint8Array(decoder));
    }
    return list;
  };
  const updates = readList();
  const entries = readList();
  return { updates, entries, mergedBytes: updates[0]?.length ?? 0, bytes: sum(updates) + sum(entries) };
}

function sum(list: readonly Uint8Array[]): number {
  let total = 0;
  for (const bytes of list) total += bytes.length;
  return total;
}
