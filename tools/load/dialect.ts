/**
 * How a server is spoken to. Ours is loaded over the own subprotocol, where a `saved` says that an edit is durable. The
 * other dialects let `npm run bench` put the same load on servers that know y-protocols only: plain, and with the
 * document's name before each message, as Hocuspocus has it.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import {
  decodeYjsServerFrame,
  encodePush,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  SUBPROTOCOL,
  type YjsServerFrame,
} from "../../src/protocol/yjs-frames.ts";

export interface Dialect {
  readonly subprotocols: readonly string[];
  /** Is an edit's writer told when it is durable? */
  readonly tellsSaved: boolean;
  /** Of the fragment's socket, with its leading slash. */
  path(id: string): string;
  /** What a client says first on each connection: it has nothing, and asks for everything. */
  greeting(id: string): readonly Uint8Array[];
  encodeEdit(id: string, seq: number, update: Uint8Array): Uint8Array;
  /** The answer to a sync step 1. */
  encodeStep2(id: string, update: Uint8Array): Uint8Array;
  /** Null for what is no frame. */
  decode(frame: Uint8Array): YjsServerFrame | null;
}

const NOTHING = Y.encodeStateVector(new Y.Doc());

export const OWN_DIALECT: Dialect = {
  subprotocols: [SUBPROTOCOL],
  tellsSaved: true,
  path: (id) => `/v1/sync/${id}`,
  greeting: () => [encodeSyncStep1(NOTHING)],
  encodeEdit: (_, seq, update) => encodePush(seq, update),
  encodeStep2: (_, update) => encodeSyncStep2(update),
  decode: decodeYjsServerFrame,
};

/** What a stock y-websocket provider speaks. */
export function stockDialect(path: (id: string) => string): Dialect {
  return {
    ...OWN_DIALECT,
    subprotocols: [],
    tellsSaved: false,
    path,
    encodeEdit: (_, __, update) => encodeUpdate(update),
  };
}

/** Hocuspocus 4: all documents share one address, and each message begins with the name of its own. */
export const HOCUSPOCUS_DIALECT: Dialect = {
  subprotocols: [],
  tellsSaved: false,
  path: () => "/",
  greeting: (id) => [named(id, encodeAuthentication()), named(id, encodeSyncStep1(NOTHING))],
  encodeEdit: (id, _, update) => named(id, encodeUpdate(update)),
  encodeStep2: (id, update) => named(id, encodeSyncStep2(update)),
  decode(frame) {
    try {
      const decoder = decoding.createDecoder(frame);
      decoding.readVarString(decoder);
      const message = frame.subarray(decoder.pos);
      // Tags from 2 on are its own: authentication, status, close and others that a load test needs not.
      return message[0] === 0 ? decodeYjsServerFrame(message) : { kind: "foreign" };
    } catch {
      return null; // lib0 throws on the end of the bytes
    }
  },
};

function named(id: string, message: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarString(encoder, id);
  encoding.writeUint8Array(encoder, message);
  return encoding.toUint8Array(encoder);
}

/** Any token, and the version of the provider's protocol. */
function encodeAuthentication(): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 2);
  encoding.writeVarUint(encoder, 0);
  encoding.writeVarString(encoder, "token");
  encoding.writeVarString(encoder, "4.7.0");
  return encoding.toUint8Array(encoder);
}
