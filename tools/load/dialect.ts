/**
 * The protocols of the servers under load. Our server is loaded over its own subprotocol, in which `saved` says that an
 * edit is durable. With the other dialects, `npm run bench` puts the same load on servers that know only y-protocols:
 * plain, or with the document's name in front of each message, as in Hocuspocus.
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
  /** Whether the server tells a writer that its edit is durable. */
  readonly tellsSaved: boolean;
  /** The path of the fragment's socket, with its leading slash. */
  path(id: string): string;
  /** The first frame of each connection: the client has nothing, and asks for everything. */
  greeting(id: string): readonly Uint8Array[];
  encodeEdit(id: string, seq: number, update: Uint8Array): Uint8Array;
  /** The answer to a sync step 1. */
  encodeStep2(id: string, update: Uint8Array): Uint8Array;
  /** Null if the bytes are no frame. */
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

/** The dialect of a stock y-websocket provider. */
export function stockDialect(path: (id: string) => string): Dialect {
  return {
    ...OWN_DIALECT,
    subprotocols: [],
    tellsSaved: false,
    path,
    encodeEdit: (_, __, update) => encodeUpdate(update),
  };
}

/** Hocuspocus 4: all documents share one address, and each message begins with the name of its document. */
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
      // Tags from 2 on are those of Hocuspocus (authentication, status, close); a load test does not need them.
      return message[0] === 0 ? decodeYjsServerFrame(message) : { kind: "foreign" };
    } catch {
      return null; // lib0 throws at the end of the bytes
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
