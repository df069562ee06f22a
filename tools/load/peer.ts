/** One socket of a load test: a reader, or a writer, which also reads the edits of others. */
import * as Y from "yjs";
import { LastingSocket } from "./lasting-socket.ts";
import type { LoadTarget } from "./load-target.ts";
import type { LoadedFragment } from "./loaded-fragment.ts";
import { Receipts } from "./receipts.ts";
import { encodeToken } from "./token.ts";

interface Push {
  readonly seq: number;
  readonly update: Uint8Array;
}

const EMPTY_UPDATE = Y.encodeStateAsUpdate(new Y.Doc());

export class Peer {
  readonly fragment: LoadedFragment;
  /** Null for a reader. */
  readonly #writer: number | null;
  readonly #socket: LastingSocket;
  /** One for each writer. */
  readonly #receipts: readonly Receipts[];
  /** Holds only what this peer wrote. The edits of others are read, but not applied. */
  readonly #doc = new Y.Doc();
  #update: Uint8Array = EMPTY_UPDATE;
  /** Pushes without a `saved`, to be repeated on the next connection. */
  #unsaved: Push[] = [];

  /** @param headers of the requests that open its socket */
  constructor(
    fragment: LoadedFragment,
    { origin, headers = {} }: Pick<LoadTarget, "origin" | "headers">,
    writer: number | null,
  ) {
    this.fragment = fragment;
    this.#writer = writer;
    this.#receipts = Array.from({ length: fragment.writers }, () => new Receipts());
    this.#doc.on("update", (update: Uint8Array) => {
      this.#update = update;
    });
    const { dialect, meter, id } = fragment;
    const url = `${origin.replace(/^http/, "ws")}${dialect.path(id)}`;
    this.#socket = new LastingSocket(
      { url, subprotocols: dialect.subprotocols, headers },
      {
        opened: () => this.#greet(),
        received: (frame) => this.#receive(frame),
        dropped: () => undefined,
        reopened: () => meter.reconnected(),
        attemptFailed: () => meter.attemptFailed(),
        refused: (reason) => meter.error(reason),
      },
    );
  }

  /** The number of edits of others that arrived. */
  get received(): number {
    return this.#receipts.reduce((sum, receipts) => sum + receipts.count, 0);
  }

  open(): Promise<void> {
    return this.#socket.open();
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  /** Makes one edit, after its earlier ones. @param dueMs when the edit was due */
  write(dueMs: number): void {
    if (this.#writer === null) throw new Error("a reader does not write");
    const { dialect, id, meter } = this.fragment;
    const token = this.fragment.edited(this.#writer, dueMs);
    const text = this.#doc.getText("content");
    text.insert(text.length, encodeToken(token));
    if (dialect.tellsSaved) this.#unsaved.push({ seq: token.seq, update: this.#update });
    this.#send(dialect.encodeEdit(id, token.seq, this.#update));
    meter.edited(performance.now() - dueMs);
  }

  #greet(): void {
    const { dialect, id } = this.fragment;
    for (const { seq, update } of this.#unsaved) this.#send(dialect.encodeEdit(id, seq, update));
    for (const frame of dialect.greeting(id)) this.#send(frame);
  }

  #receive(frame: Buffer): void {
    const nowMs = performance.now();
    const { fragment } = this;
    fragment.meter.frameIn(frame.length);
    const arrival = fragment.read(frame);
    switch (arrival.kind) {
      case "tokens":
        for (const token of arrival.tokens) {
          if (token.writer === this.#writer) continue;
          const dueMs = fragment.dueMs(token);
          if (dueMs === undefined) fragment.meter.error("text arrived that nobody wrote");
          else if (this.#receipts[token.writer]?.add(token.seq)) fragment.meter.received(nowMs - dueMs);
        }
        break;
      case "asked": {
        const { dialect, id } = fragment;
        this.#send(dialect.encodeStep2(id, Y.encodeStateAsUpdate(this.#doc, arrival.stateVector)));
        break;
      }
      case "saved":
        this.#saved(arrival.seq, nowMs);
        break;
      case "refused":
        fragment.meter.error(arrival.message);
        break;
      case "other":
        break;
    }
  }

  #saved(upTo: number, nowMs: number): void {
    let saved = 0;
    for (const { seq } of this.#unsaved) {
      if (seq > upTo) break;
      saved++;
      const dueMs = this.fragment.dueMs({ writer: this.#writer ?? 0, seq });
      if (dueMs !== undefined) this.fragment.meter.saved(nowMs - dueMs);
    }
    this.#unsaved.splice(0, saved);
  }

  #send(frame: Uint8Array): void {
    if (this.#socket.send(frame)) this.fragment.meter.frameOut(frame.length);
  }
}
