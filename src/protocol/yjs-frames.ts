import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

/**
 * The Yjs socket's frames: y-protocols' sync and awareness messages, and from tag 100 our own, which only
 * sessions of the subprotocol get. `varUint`, `varUint8Array`, `varString` are lib0's.
 *
 *     sync      = 0 (0 stateVector | 1 update | 2 update)
 *     awareness = 1 bytes(count (client clock json)*)
 *     query     = 3
 *     push      = 100 seq update          client
 *     saved     = 101 seq revision        server
 *     notice    = 102 code message        server
 *     renewal   = 103 token               client
 *     access    = 104 role expiresAt      server
 */
export const SUBPROTOCOL = "prompt-manager.v1";

const TAG = {
  sync: 0,
  awareness: 1,
  queryAwareness: 3,
  push: 100,
  saved: 101,
  notice: 102,
  renewal: 103,
  access: 104,
} as const;
const SYNC = { step1: 0, step2: 1, update: 2 } as const;

export type YjsClientFrame =
  | { readonly kind: "step1"; readonly stateVector: Uint8Array }
  | { readonly kind: "step2" | "update"; readonly update: Uint8Array }
  | { readonly kind: "push"; readonly seq: number; readonly update: Uint8Array }
  | { readonly kind: "awareness"; readonly entries: AwarenessEntry[] }
  | { readonly kind: "queryAwareness" }
  | { readonly kind: "renewal"; readonly token: string }
  /** A message type of an extension that we do not speak; stock peers ignore those too. */
  | { readonly kind: "foreign" };

export type YjsServerFrame =
  | { readonly kind: "step1"; readonly stateVector: Uint8Array }
  | { readonly kind: "step2" | "update"; readonly update: Uint8Array }
  | { readonly kind: "awareness"; readonly entries: AwarenessEntry[] }
  | { readonly kind: "saved"; readonly seq: number; readonly revision: number }
  | { readonly kind: "notice"; readonly code: string; readonly message: string }
  /** What the session may do, and until when (null: until it leaves). */
  | { readonly kind: "access"; readonly role: string; readonly expiresAtMs: number | null }
  | { readonly kind: "foreign" };

/** One client's awareness: `state` is its JSON, the text `null` when it left. */
export interface AwarenessEntry {
  readonly client: number;
  readonly clock: number;
  readonly state: string;
}

/** Decodes one frame of a client; null when the bytes are no frame. The parts are views of `bytes`. */
export function decodeYjsFrame(bytes: Uint8Array): YjsClientFrame | null {
  return decodeFrame(bytes, (tag, decoder) => {
    switch (tag) {
      case TAG.sync:
        return decodeSync(decoder);
      case TAG.awareness:
        return { kind: "awareness", entries: decodeAwareness(decoding.readVarUint8Array(decoder)) };
      case TAG.queryAwareness:
        // If more bytes follow, this is the length of a name: other protocols begin their frames with one.
        return { kind: decoding.hasContent(decoder) ? "foreign" : "queryAwareness" };
      case TAG.push: {
        const seq = decoding.readVarUint(decoder);
        return { kind: "push", seq, update: decoding.readVarUint8Array(decoder) };
      }
      case TAG.renewal:
        return { kind: "renewal", token: decoding.readVarString(decoder) };
      default:
        return { kind: "foreign" };
    }
  });
}

/** The same for a frame of the server. */
export function decodeYjsServerFrame(bytes: Uint8Array): YjsServerFrame | null {
  return decodeFrame(bytes, (tag, decoder) => {
    switch (tag) {
      case TAG.sync:
        return decodeSync(decoder);
      case TAG.awareness:
        return { kind: "awareness", entries: decodeAwareness(decoding.readVarUint8Array(decoder)) };
      case TAG.saved: {
        const seq = decoding.readVarUint(decoder);
        return { kind: "saved", seq, revision: decoding.readVarUint(decoder) };
      }
      case TAG.notice: {
        const code = decoding.readVarString(decoder);
        return { kind: "notice", code, message: decoding.readVarString(decoder) };
      }
      case TAG.access: {
        const role = decoding.readVarString(decoder);
        const expiresAtMs = decoding.readVarUint(decoder);
        return { kind: "access", role, expiresAtMs: expiresAtMs === 0 ? null : expiresAtMs };
      }
      default:
        return { kind: "foreign" };
    }
  });
}

function decodeFrame<F>(
  bytes: Uint8Array,
  decodeTagged: (tag: number, decoder: decoding.Decoder) => F | null,
): F | null {
  try {
    const decoder = decoding.createDecoder(bytes);
    return decodeTagged(decoding.readVarUint(decoder), decoder);
  } catch {
    return null; // lib0 throws on the end of the bytes and on numbers out of range: no frame
  }
}

type SyncFrame = Extract<YjsServerFrame, { readonly kind: "step1" | "step2" | "update" }>;

function decodeSync(decoder: decoding.Decoder): SyncFrame | null {
  switch (decoding.readVarUint(decoder)) {
    case SYNC.step1:
      return { kind: "step1", stateVector: decoding.readVarUint8Array(decoder) };
    case SYNC.step2:
      return { kind: "step2", update: decoding.readVarUint8Array(decoder) };
    case SYNC.update:
      return { kind: "update", update: decoding.readVarUint8Array(decoder) };
    default:
      return null;
  }
}

function decodeAwareness(bytes: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(bytes);
  const entries: AwarenessEntry[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const client = decoding.readVarUint(decoder);
    const clock = decoding.readVarUint(decoder);
    entries.push({ client, clock, state: decoding.readVarString(decoder) });
  }
  return entries;
}

function encodeFrame(tag: number, writeParts: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, tag);
  writeParts(encoder);
  return encoding.toUint8Array(encoder);
}

function encodeSync(kind: number, bytes: Uint8Array): Uint8Array {
  return encodeFrame(TAG.sync, (encoder) => {
    encoding.writeVarUint(encoder, kind);
    encoding.writeVarUint8Array(encoder, bytes);
  });
}

export function encodeSyncStep1(stateVector: Uint8Array): Uint8Array {
  return encodeSync(SYNC.step1, stateVector);
}

export function encodeSyncStep2(update: Uint8Array): Uint8Array {
  return encodeSync(SYNC.step2, update);
}

export function encodeUpdate(update: Uint8Array): Uint8Array {
  return encodeSync(SYNC.update, update);
}

export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array {
  const body = encoding.createEncoder();
  encoding.writeVarUint(body, entries.length);
  for (const entry of entries) {
    encoding.writeVarUint(body, entry.client);
    encoding.writeVarUint(body, entry.clock);
    encoding.writeVarString(body, entry.state);
  }
  return encodeFrame(TAG.awareness, (encoder) => {
    encoding.writeVarUint8Array(encoder, encoding.toUint8Array(body));
  });
}

export function encodeQueryAwareness(): Uint8Array {
  return Uint8Array.of(TAG.queryAwareness);
}

export function encodePush(seq: number, update: Uint8Array): Uint8Array {
  return encodeFrame(TAG.push, (encoder) => {
    encoding.writeVarUint(encoder, seq);
    encoding.writeVarUint8Array(encoder, update);
  });
}

export function encodeSaved(seq: number, revision: number): Uint8Array {
  return encodeFrame(TAG.saved, (encoder) => {
    encoding.writeVarUint(encoder, seq);
    encoding.writeVarUint(encoder, revision);
  });
}

export function encodeNotice(code: string, message: string): Uint8Array {
  return encodeFrame(TAG.notice, (encoder) => {
    encoding.writeVarString(encoder, code);
    encoding.writeVarString(encoder, message);
  });
}

export function encodeRenewal(token: string): Uint8Array {
  return encodeFrame(TAG.renewal, (encoder) => encoding.writeVarString(encoder, token));
}

export function encodeAccess(role: string, expiresAtMs: number | null): Uint8Array {
  return encodeFrame(TAG.access, (encoder) => {
    encoding.writeVarString(encoder, role);
    encoding.writeVarUint(encoder, expiresAtMs ?? 0);
  });
}
