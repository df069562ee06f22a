/**
 * A Yjs socket for load tests: a document in sync, with callbacks for the answers to its pushes. It keeps nothing else,
 * so that a long run measures the server and not the memory of its clients.
 */
import * as decoding from "lib0/decoding";
import type WebSocket from "ws";
import * as Y from "yjs";
import { encodePush, encodeSyncStep1, encodeSyncStep2, SUBPROTOCOL } from "../../src/protocol/yjs-frames.ts";
import { closed, makeSocket } from "../support/live-socket.ts";

export interface SyncSocketEvents {
  readonly onSaved?: (seq: number, revision: number) => void;
  /** A sync step 2 was applied: the document has everything that the server had when it was asked. */
  readonly onSynced?: () => void;
  readonly onNotice?: (code: string, message: string) => void;
}

export class SyncSocket {
  readonly socket: WebSocket;
  /** The close code. Never rejects. */
  readonly closed: Promise<number>;
  readonly #doc: Y.Doc;
  readonly #events: SyncSocketEvents;

  constructor(serverUrl: string, path: string, doc: Y.Doc, events: SyncSocketEvents = {}) {
    this.#doc = doc;
    this.#events = events;
    this.socket = makeSocket(serverUrl, path, [SUBPROTOCOL]);
    this.closed = closed(this.socket);
    this.socket.on("open", () => this.socket.send(encodeSyncStep1(Y.encodeStateVector(doc))));
    // makeSocket asks for ArrayBuffers.
    this.socket.on("message", (data) => this.#receive(new Uint8Array(data as ArrayBuffer)));
  }

  push(seq: number, update: Uint8Array): void {
    this.socket.send(encodePush(seq, update));
  }

  #receive(bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes);
    const tag = decoding.readVarUint(decoder);
    if (tag === 0) {
      const kind = decoding.readVarUint(decoder);
      this.#receiveSync(kind, decoding.readVarUint8Array(decoder));
    } else if (tag === 101) {
      const seq = decoding.readVarUint(decoder);
      this.#events.onSaved?.(seq, decoding.readVarUint(decoder));
    } else if (tag === 102) {
      const code = decoding.readVarString(decoder);
      this.#events.onNotice?.(code, decoding.readVarString(decoder));
    }
  }

  #receiveSync(kind: number, bytes: Uint8Array): void {
    if (kind === 0) {
      this.socket.send(encodeSyncStep2(Y.encodeStateAsUpdate(this.#doc, bytes)));
      return;
    }
    Y.applyUpdate(this.#doc, bytes, this);
    if (kind === 1) this.#events.onSynced?.();
  }
}

/** A new document with everything that the server gives a newcomer. */
export async function readFreshDocument(serverUrl: string, path: string): Promise<Y.Doc> {
  const doc = new Y.Doc();
  const synced = Promise.withResolvers<void>();
  const reader = new SyncSocket(serverUrl, path, doc, { onSynced: synced.resolve });
  const failed = reader.closed.then((code) => {
    throw new Error(`${path} was closed with ${code} before it was in sync`);
  });
  await Promise.race([synced.promise, failed]);
  reader.socket.close();
  await failed.catch(() => undefined); // closed by us
  return doc;
}
