import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { SharedMetadata } from "../text/shared-metadata.ts";
import type { TextChange } from "../text/text-change.ts";
import { decodeChange, encodeChange } from "./change-record.ts";

/** An answer that a commit gave. A repeated request gets it again and is not applied again. */
export interface Answer {
  /** The name that the client gave itself, or the id of its session. */
  readonly client: string;
  /** `UNNAMED`: the request had no id, and is kept only for the text that it sent. */
  readonly requestId: string;
  /** A digest of the request, if another request under the same id must be refused. */
  readonly fingerprint?: string | undefined;
  /** From the committed text back to the text that the client sent; usually empty. */
  readonly toSent: TextChange;
}

/** What the history says of a commit for as long as it lasts. */
export type Authorship = Pick<PastEntry, "revision" | "timeMs" | "authors">;

/** No client can give a request this id. */
export const UNNAMED = "";

/** One past commit, as far as edits with an older base need it. */
export interface PastEntry {
  readonly revision: number;
  readonly timeMs: number;
  /** The ids of the principals that wrote in it, each once. */
  readonly authors: readonly string[];
  /** From the text of this revision back to that of the revision before. */
  readonly undo: TextChange;
  /** Null where the commit changed no metadata. */
  readonly metadataBefore: SharedMetadata | null;
  readonly answers: readonly Answer[];
}

/**
 * entry = revision time (count author*) undo (0 | 1 metadataJson) count (client requestId toSent)* fingerprint*
 * with lib0's varUint and varString. The time is in milliseconds since 1970. There is either no fingerprint at all, or
 * one for each answer, empty for an answer that has none.
 */
export function encodePastEntry(entry: PastEntry): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, entry.revision);
  encoding.writeVarUint(encoder, entry.timeMs);
  encoding.writeVarUint(encoder, entry.authors.length);
  for (const author of entry.authors) encoding.writeVarString(encoder, author);
  encodeChange(encoder, entry.undo);
  encoding.writeVarUint(encoder, entry.metadataBefore === null ? 0 : 1);
  if (entry.metadataBefore !== null) encoding.writeVarString(encoder, JSON.stringify(entry.metadataBefore));
  encoding.writeVarUint(encoder, entry.answers.length);
  for (const answer of entry.answers) {
    encoding.writeVarString(encoder, answer.client);
    encoding.writeVarString(encoder, answer.requestId);
    encodeChange(encoder, answer.toSent);
  }
  if (entry.answers.some(({ fingerprint }) => fingerprint !== undefined)) {
    for (const { fingerprint = "" } of entry.answers) encoding.writeVarString(encoder, fingerprint);
  }
  return encoding.toUint8Array(encoder);
}

export function decodePastEntry(bytes: Uint8Array): PastEntry {
  const decoder = decoding.createDecoder(bytes);
  const authorship = readAuthorship(decoder);
  const undo = decodeChange(decoder);
  // We wrote this JSON ourselves, under the row's checksum.
  const metadataBefore =
    decoding.readVarUint(decoder) === 1
      ? (JSON.parse(decoding.readVarString(decoder)) as SharedMetadata)
      : null;
  const answers = times(decoder, () => ({
    client: decoding.readVarString(decoder),
    requestId: decoding.readVarString(decoder),
    toSent: decodeChange(decoder),
  }));
  const withFingerprints = decoding.hasContent(decoder)
    ? answers.map((answer) => ({ ...answer, fingerprint: decoding.readVarString(decoder) || undefined }))
    : answers;
  return { ...authorship, undo, metadataBefore, answers: withFingerprints };
}

/** The beginning of an entry. */
export function decodeAuthorship(entry: Uint8Array): Authorship {
  return readAuthorship(decoding.createDecoder(entry));
}

function readAuthorship(decoder: decoding.Decoder): Authorship {
  const revision = decoding.readVarUint(decoder);
  const timeMs = decoding.readVarUint(decoder);
  return { revision, timeMs, authors: times(decoder, () => decoding.readVarString(decoder)) };
}

function times<T>(decoder: decoding.Decoder, read: () => T): T[] {
  const list: T[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--) list.push(read());
  return list;
}
