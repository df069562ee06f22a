import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

/**
 * One row of the update log: for each of its commits the update, empty if it had none, and the past entry
 * (past-entry.ts). While the newest record is small, further commits are added at its end, so the number of rows
 * grows with the amount of text and not with the number of commits.
 *
 *     record = (length update, length entry)*
 */
export const RECORD_FORMAT = 1;

/** The next commit starts a new record once the newest is larger than this. */
export const MAX_OPEN_BYTES = 32 * 1024;

export interface LoggedCommit {
  readonly update: Uint8Array | null;
  readonly entry: Uint8Array;
}

/** Returns the record with more commits at its end. */
export function extendRecord(record: Uint8Array, commits: readonly LoggedCommit[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeUint8Array(encoder, record);
  for (const { update, entry } of commits) {
    encoding.writeVarUint8Array(encoder, update ?? new Uint8Array());
    encoding.writeVarUint8Array(encoder, entry);
  }
  return encoding.toUint8Array(encoder);
}

/** Decodes a record. The arrays returned are views of `record`. */
export function decodeRecord(record: Uint8Array): LoggedCommit[] {
  const decoder = decoding.createDecoder(record);
  const commits: LoggedCommit[] = [];
  while (decoding.hasContent(decoder)) {
    const update = decoding.readVarUint8Array(decoder);
    commits.push({ update: update.length === 0 ? null : update, entry: decoding.readVarUint8Array(decoder) });
  }
  return commits;
}
