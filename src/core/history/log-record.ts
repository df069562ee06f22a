import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

/**
 * What one row of the update log holds: for each of its commits the update, empty if it had none, and the past
 * entry (past-entry.ts). The newest record takes further commits at its end while it is small, so that the number
 * of rows follows the amount of text, not the number of commits.
 *
 *     record = (length update, length entry)*
 */
export const RECORD_FORMAT = 1;

/** A record over this size is left alone and the next commit starts a new one. */
export const MAX_OPEN_BYTES = 32 * 1024;

export interface LoggedCommit {
  readonly update: Uint8Array | null;
  readonly entry: Uint8Array;
}

/** The record with more commits at its end. */
export function extendRecord(record: Uint8Array, commits: readonly LoggedCommit[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeUint8Array(encoder, record);
  for (const { update, entry } of commits) {
    encoding.writeVarUint8Array(encoder, update ?? new Uint8Array());
    encoding.writeVarUint8Array(encoder, entry);
  }
  return encoding.toUint8Array(encoder);
}

/** The parts are views of `record`. */
export function decodeRecord(record: Uint8Array): LoggedCommit[] {
  const decoder = decoding.createDecoder(record);
  const commits: LoggedCommit[] = [];
  while (decoding.hasContent(decoder)) {
    const update = decoding.readVarUint8Array(decoder);
    commits.push({ update: update.length === 0 ? null : update, entry: decoding.readVarUint8Array(decoder) });
  }
  return commits;
}
