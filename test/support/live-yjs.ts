/**
 * The Yjs socket from the outside, frame by frame: a document that is kept in sync, own pushes and what answers
 * them. The stock provider has its own tests; this client is for what that one does not show.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import WebSocket from "ws";
import * as Y from "yjs";
import {
  type AwarenessEntry,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  SUBPROTOCOL,
} from "../../src/protocol/yjs-frames.ts";
import { type ClosedSocket, closedBy, within } from "./live-socket.ts";

export interface LiveYjsEvents {
  readonly onSaved?: (seq: number, revision: number) => void;
  readonly onNotice?: (code: string, message: string) => void;
  readonly onAwareness?: (entries: AwarenessEntry[]) => void;
  /** After an update of somebody else was applied. */
  readonly onUpdate?: () => void;
}

export class LiveYjs {
  readonly doc: Y.Doc;
  readonly socket: WebSocket;
  readonly closed: Promise<ClosedSocket>;
  /** Settles with the first sync step 2. */
  readonly synced: Promise<void>;
  readonly #events: LiveYjsEvents;
  #onSynced: () => void = () => undefined;

  /** @param isOwnClient offers our subprotocol */
  constructor(
    url: string,
    { doc = new Y.Doc(), isOwnClient = true, ...events }: { doc?: Y.Doc; isOwnClient?: boolean } & LiveYjsEvents = {},
  ) {
    this.doc = doc;
    this.#events = events;
    this.socket = new WebSocket(url, isOwnClient ? [SUBPROTOCOL] : [], { perMessageDeflate: false });
    this.closed = closedBy(this.socket);
    this.synced = new Promise((settle) => {
      this.#onSynced = settle;
    });
    this.socket.on("open", () => this.socket.send(encodeSyncStep1(Y.encodeStateVector(this.doc))));
    // ws gives a Buffer for each message unless it is told otherwise.
    this.socket.on("message", (data) => this.#receive(data as Buffer));
  }

  get text(): Y.Text {
    return this.doc.getText("content");
  }

  push(seq: number, update: Uint8Array): void {
    this.socket.send(encodePush(seq, update));
  }

  /** Applies `edit` to the document and gives the update that it made. */
  edit(edit: (text: Y.Text) => void): Uint8Array {
    const before = Y.encodeStateVector(this.doc);
    this.doc.transact(() => edit(this.text), this);
    return Y.encodeStateAsUpdate(this.doc, before);
  }

  showPresence(clock: number, state: object | null): void {
    const entry = { client: this.doc.clientID, clock, state: JSON.stringify(state) };
    this.socket.send(encodeAwareness([entry]));
  }

  /** Settles when the document holds a text for which `isIt` holds. */
  untilText(isIt: (text: string) => boolean, timeoutMs = 10_000): Promise<void> {
    const found = new Promise<void>((settle) => {
      const look = () => {
        if (!isIt(this.text.toString())) return;
        this.doc.off("update", look);
        settle();
      };
      this.doc.on("update", look);
      look();
    });
    return within(timeoutMs, "a text in the document", found);
  }

  close(): Promise<ClosedSocket> {
    this.socket.close();
    return this.closed;
  }

  #receive(bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes);
    const tag = decoding.readVarUint(decoder);
    if (tag === 0) this.#receiveSync(decoding.readVarUint(decoder), decoding.readVarUint8Array(decoder));
    else if (tag === 1) this.#events.onAwareness?.(readAwareness(decoding.readVarUint8Array(decoder)));
    else if (tag === 101) {
      const seq = decoding.readVarUint(decoder);
      this.#events.onSaved?.(seq, decoding.readVarUint(decoder));
    } else if (tag === 102) {
      const code = decoding.readVarString(decoder);
      this.#events.onNotice?.(code, decoding.readVarString(decoder));
    } else throw new Error(`a frame with the unknown tag ${tag}`);
  }

  #receiveSync(kind: number, bytes: Uint8Array): void {
    if (kind === 0) {
      this.socket.send(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, bytes)));
      return;
    }
    Y.applyUpdate(this.doc, bytes, this);
    if (kind === 1) this.#onSynced();
    this.#events.onUpdate?.();
  }
}

/** push = 100 seq update */
export function encodePush(seq: number, update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, 100);
  encoding.writeVarUint(encoder, seq);
  encoding.writeVarUint8Array(encoder, update);
  return encoding.toUint8Array(encoder);
}

function readAwareness(bytes: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(bytes);
  const entries: AwarenessEntry[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const client = decoding.readVarUint(decoder);
    const clock = decoding.readVarUint(decoder);
    entries.push({ client, clock, state: decoding.readVarString(decoder) });
  }
  return entries;
}
