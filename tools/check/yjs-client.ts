import type WebSocket from "ws";
import * as Y from "yjs";
import {
  type AwarenessEntry,
  decodeYjsServerFrame,
  encodeAwareness,
  encodePush,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  SUBPROTOCOL,
  type YjsServerFrame,
} from "../../src/protocol/yjs-frames.ts";
import type { Deadline } from "./deadline.ts";
import { CheckFailure, show } from "./expect.ts";
import { type Closed, Inbox } from "./inbox.ts";
import type { SocketAddress } from "./server.ts";
import { makeSocket, opened, receiveInto } from "./socket.ts";

type KindOf<K extends YjsServerFrame["kind"]> = Extract<YjsServerFrame, { readonly kind: K }>;

export interface YjsClientOptions {
  /** Offers our subprotocol. Without it the client looks like a stock provider. */
  readonly isOwnClient: boolean;
  /** The document to start with. */
  readonly doc?: Y.Doc | undefined;
}

/**
 * A Yjs client that does what the check says. Like every provider, it also applies what it receives, and answers a sync
 * step 1 with a step 2, unless told not to.
 */
export class YjsClient {
  readonly name: string;
  readonly doc: Y.Doc;
  readonly inbox: Inbox<YjsServerFrame>;
  answersStep1 = true;
  readonly #socket: WebSocket;
  readonly #deadline: Deadline;
  #clock = 0;

  private constructor(
    address: SocketAddress,
    name: string,
    deadline: Deadline,
    { isOwnClient, doc = new Y.Doc() }: YjsClientOptions,
  ) {
    this.name = name;
    this.doc = doc;
    this.inbox = new Inbox(name, deadline);
    this.#deadline = deadline;
    this.#socket = makeSocket(address, isOwnClient ? [SUBPROTOCOL] : []);
    receiveInto(this.inbox, this.#socket, (data) => this.#receive(data));
  }

  static async open(
    address: SocketAddress,
    name: string,
    deadline: Deadline,
    options: YjsClientOptions,
  ): Promise<YjsClient> {
    const client = new YjsClient(address, name, deadline, options);
    await opened(client.#socket, name, deadline);
    return client;
  }

  /** The subprotocol that the server agreed to; empty without one. */
  get subprotocol(): string {
    return this.#socket.protocol;
  }

  get text(): string {
    return this.doc.getText("content").toString();
  }

  next<K extends YjsServerFrame["kind"]>(kind: K): Promise<KindOf<K>> {
    return this.inbox.next(`"${kind}"`, (frame): frame is KindOf<K> => frame.kind === kind);
  }

  /** The first `saved` that covers this push. */
  saved(seq: number): Promise<KindOf<"saved">> {
    const covers = (frame: YjsServerFrame): frame is KindOf<"saved"> =>
      frame.kind === "saved" && frame.seq >= seq;
    return this.inbox.next(`"saved" for push ${seq}`, covers);
  }

  /** The first awareness entry of this client. */
  async awarenessOf(clientId: number): Promise<AwarenessEntry> {
    const tells = (frame: YjsServerFrame): frame is KindOf<"awareness"> =>
      frame.kind === "awareness" && frame.entries.some(({ client }) => client === clientId);
    const { entries } = await this.inbox.next(`awareness of client ${clientId}`, tells);
    const entry = entries.find(({ client }) => client === clientId);
    if (entry === undefined) throw new CheckFailure(`${this.name} got no entry of client ${clientId}`);
    return entry;
  }

  /**
   * Asks for everything that the document lacks, and waits for it. Afterwards the server has handled everything that
   * this socket sent before, and everything that the server had sent has arrived.
   */
  async sync(): Promise<void> {
    this.sendRaw(encodeSyncStep1(Y.encodeStateVector(this.doc)));
    await this.next("step2");
  }

  /** Settles when the document is as wanted. */
  until(what: string, isSo: (doc: Y.Doc) => boolean): Promise<void> {
    return this.#deadline.until(
      () => isSo(this.doc),
      watchDocument(this.doc),
      () => `${this.name} waited for ${what} and has the text ${show(this.text)}`,
    );
  }

  hasText(text: string): Promise<void> {
    return this.until(`the text ${show(text)}`, () => this.text === text);
  }

  /** Changes the document, and returns the update without sending it. */
  edit(change: (text: Y.Text, doc: Y.Doc) => void): Uint8Array {
    const updates: Uint8Array[] = [];
    const take = (update: Uint8Array) => updates.push(update);
    this.doc.on("update", take);
    this.doc.transact(() => change(this.doc.getText("content"), this.doc));
    this.doc.off("update", take);
    return Y.mergeUpdates(updates);
  }

  /** Changes the document and sends it, as a stock provider does. */
  type(change: (text: Y.Text, doc: Y.Doc) => void): void {
    this.sendRaw(encodeUpdate(this.edit(change)));
  }

  /** Changes the document and pushes it. */
  push(seq: number, change: (text: Y.Text, doc: Y.Doc) => void): void {
    this.pushUpdate(seq, this.edit(change));
  }

  pushUpdate(seq: number, update: Uint8Array): void {
    this.sendRaw(encodePush(seq, update));
  }

  /** Shows a presence state; null removes it. */
  show(state: object | null): void {
    this.sendAwareness([{ client: this.doc.clientID, clock: ++this.#clock, state: JSON.stringify(state) }]);
  }

  sendAwareness(entries: readonly AwarenessEntry[]): void {
    this.sendRaw(encodeAwareness(entries));
  }

  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  closed(): Promise<Closed> {
    return this.inbox.closed();
  }

  drop(): void {
    this.answersStep1 = false; // frames under way may still arrive
    this.#socket.terminate();
  }

  #receive(data: string | Uint8Array): void {
    const frame = typeof data === "string" ? null : decodeYjsServerFrame(data);
    if (frame === null) {
      const shown = typeof data === "string" ? data : [...data.subarray(0, 40)];
      this.inbox.refuse(`something that is not a frame of the Yjs socket: ${show(shown)}`);
      return;
    }
    try {
      if (frame.kind === "step1" && this.answersStep1) {
        this.sendRaw(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)));
      } else if (frame.kind === "step2" || frame.kind === "update") {
        Y.applyUpdate(this.doc, frame.update, this);
      }
      this.inbox.receive(frame);
    } catch (error) {
      this.inbox.refuse(`a "${frame.kind}" that Yjs cannot apply: ${error}`);
    }
  }
}

/** For `Deadline.until`: calls `look` after each change of a document. */
export function watchDocument(doc: Y.Doc): (look: () => void) => () => void {
  return (look) => {
    doc.on("update", look);
    return () => doc.off("update", look);
  };
}
