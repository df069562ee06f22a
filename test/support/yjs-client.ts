import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import type { ClientSocket, Closed } from "./client-socket.ts";
import { Inbox } from "./inbox.ts";
import { updateOf } from "./update-of.ts";

/** A frame of the Yjs socket as this client reads it: its own reading of the grammar, apart from the server's. */
export type YjsServerFrame =
  | { readonly kind: "step1"; readonly stateVector: Uint8Array }
  | { readonly kind: "step2"; readonly update: Uint8Array }
  | { readonly kind: "update"; readonly update: Uint8Array }
  | { readonly kind: "awareness"; readonly states: ReadonlyMap<number, AwarenessState> }
  | { readonly kind: "saved"; readonly seq: number; readonly revision: number }
  | { readonly kind: "notice"; readonly code: string; readonly message: string }
  | { readonly kind: "access"; readonly role: string; readonly expiresAtMs: number };

export interface AwarenessState {
  readonly clock: number;
  /** Null: it left. */
  readonly state: unknown;
}

type KindOf<K extends YjsServerFrame["kind"]> = Extract<YjsServerFrame, { kind: K }>;

/**
 * A Yjs client that does what the test says, and two things by itself, as every provider does: it applies what it
 * gets, and answers a sync step 1 with a step 2 (unless it is told not to).
 */
export class YjsClient {
  readonly doc = new Y.Doc();
  readonly #socket: ClientSocket;
  readonly inbox: Inbox<YjsServerFrame>;
  answersStep1 = true;
  /** Of its last push. */
  #seq = 0;

  constructor(socket: ClientSocket, name = "the Yjs client") {
    this.#socket = socket;
    this.inbox = new Inbox(name);
    socket.addEventListener("message", ({ data }) => {
      if (!(data instanceof ArrayBuffer)) throw new Error(`${name} got a frame that is no ArrayBuffer`);
      const frame = decodeServerFrame(new Uint8Array(data));
      if (frame.kind === "step1" && this.answersStep1) {
        this.sendSync(1, Y.encodeStateAsUpdate(this.doc, frame.stateVector));
      } else if (frame.kind === "step2" || frame.kind === "update")
        Y.applyUpdate(this.doc, frame.update, this);
      this.inbox.receive(frame);
    });
    socket.addEventListener("close", (closed) => this.inbox.close(closed));
  }

  get text(): string {
    return this.doc.getText("content").toString();
  }

  next<K extends YjsServerFrame["kind"]>(kind: K): Promise<KindOf<K>> {
    return this.inbox.next(kind, (frame) => frame.kind === kind) as Promise<KindOf<K>>;
  }

  /** The first awareness frame that tells of this client. */
  nextAwareness(client: number): Promise<KindOf<"awareness">> {
    const tells = (frame: YjsServerFrame) => frame.kind === "awareness" && frame.states.has(client);
    return this.inbox.next(`awareness of ${client}`, tells) as Promise<KindOf<"awareness">>;
  }

  /** The first `saved` that answers this push. */
  saved(seq: number): Promise<KindOf<"saved">> {
    const answers = (frame: YjsServerFrame) => frame.kind === "saved" && frame.seq >= seq;
    return this.inbox.next(`saved(${seq})`, answers) as Promise<KindOf<"saved">>;
  }

  /** Asks for everything that it lacks and waits for it. This is also a barrier: all frames sent before have arrived. */
  async sync(): Promise<void> {
    this.sendSync(0, Y.encodeStateVector(this.doc));
    await this.next("step2");
  }

  /** Changes the document; returns what the change made, as an update. */
  edit(change: (text: Y.Text, doc: Y.Doc) => void): Uint8Array {
    return updateOf(this.doc, change);
  }

  /** Changes the document and pushes the change; returns the number of the push. */
  type(change: (text: Y.Text, doc: Y.Doc) => void): number {
    this.push(this.#seq + 1, this.edit(change));
    return this.#seq;
  }

  /** As `type`; settles when the change is durable. */
  typeSaved(change: (text: Y.Text, doc: Y.Doc) => void): Promise<KindOf<"saved">> {
    return this.saved(this.type(change));
  }

  /** @param kind 0: step 1, 1: step 2, 2: update */
  sendSync(kind: 0 | 1 | 2, bytes: Uint8Array): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint(encoder, kind);
    encoding.writeVarUint8Array(encoder, bytes);
    this.#socket.send(encoding.toUint8Array(encoder));
  }

  sendUpdate(update: Uint8Array): void {
    this.sendSync(2, update);
  }

  push(seq: number, update: Uint8Array): void {
    this.#seq = seq;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 100);
    encoding.writeVarUint(encoder, seq);
    encoding.writeVarUint8Array(encoder, update);
    this.#socket.send(encoding.toUint8Array(encoder));
  }

  sendAwareness(entries: readonly { client: number; clock: number; state: unknown }[]): void {
    const body = encoding.createEncoder();
    encoding.writeVarUint(body, entries.length);
    for (const { client, clock, state } of entries) {
      encoding.writeVarUint(body, client);
      encoding.writeVarUint(body, clock);
      encoding.writeVarString(body, JSON.stringify(state));
    }
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 1);
    encoding.writeVarUint8Array(encoder, encoding.toUint8Array(body));
    this.#socket.send(encoding.toUint8Array(encoder));
  }

  queryAwareness(): void {
    this.#socket.send(new Uint8Array([3]));
  }

  renew(token: string): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 103);
    encoding.writeVarString(encoder, token);
    this.#socket.send(encoding.toUint8Array(encoder));
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  closed(): Promise<Closed> {
    return this.inbox.closed();
  }

  close(): void {
    this.answersStep1 = false; // frames that are under way still come
    this.#socket.close(1000, "done");
  }
}

export function decodeServerFrame(bytes: Uint8Array): YjsServerFrame {
  const decoder = decoding.createDecoder(bytes);
  const frame = decodeTagged(decoder);
  if (decoding.hasContent(decoder)) throw new Error("bytes behind the end of a frame");
  return frame;
}

function decodeTagged(decoder: decoding.Decoder): YjsServerFrame {
  const tag = decoding.readVarUint(decoder);
  switch (tag) {
    case 0: {
      const kind = decoding.readVarUint(decoder);
      const bytes = decoding.readVarUint8Array(decoder).slice();
      if (kind === 0) return { kind: "step1", stateVector: bytes };
      if (kind === 1) return { kind: "step2", update: bytes };
      if (kind === 2) return { kind: "update", update: bytes };
      throw new Error(`no sync message is of kind ${kind}`);
    }
    case 1:
      return { kind: "awareness", states: decodeStates(decoding.readVarUint8Array(decoder)) };
    case 101:
      return { kind: "saved", seq: decoding.readVarUint(decoder), revision: decoding.readVarUint(decoder) };
    case 102:
      return {
        kind: "notice",
        code: decoding.readVarString(decoder),
        message: decoding.readVarString(decoder),
      };
    case 104: {
      const role = decoding.readVarString(decoder);
      return { kind: "access", role, expiresAtMs: decoding.readVarUint(decoder) };
    }
    default:
      throw new Error(`the server sends no frame with tag ${tag}`);
  }
}

function decodeStates(bytes: Uint8Array): Map<number, AwarenessState> {
  const decoder = decoding.createDecoder(bytes);
  const states = new Map<number, AwarenessState>();
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const client = decoding.readVarUint(decoder);
    const clock = decoding.readVarUint(decoder);
    states.set(client, { clock, state: JSON.parse(decoding.readVarString(decoder)) as unknown });
  }
  return states;
}
