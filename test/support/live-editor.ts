import * as Y from "yjs";
import type { Access } from "../../src/protocol/access.ts";
import {
  encodeAwareness,
  encodePush,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
} from "../../src/protocol/yjs-frames.ts";
import type { Connection, DelayedRoom } from "./delayed-room.ts";
import { decodeServerFrame, type YjsServerFrame } from "./yjs-client.ts";

export interface EditorOptions {
  /** `stock`: as y-websocket 3.1 speaks. `own`: with pushes. `raw`: as `stock`, and without awareness. */
  readonly kind: "stock" | "own" | "raw";
  readonly delayMs?: () => number;
  readonly access?: Access;
  /** That of another provider of the same page. */
  readonly doc?: Y.Doc;
}

const RECONNECT_MS = 200;

/**
 * An honest Yjs editor on a connection that takes time. It answers a sync step 1, reconnects after each close that is not
 * final, and begins with a new document when its client id was taken.
 */
export class LiveEditor {
  readonly name: string;
  doc: Y.Doc;
  readonly closeCodes: number[] = [];
  readonly notices: string[] = [];
  /** Texts whose push was answered by `saved`. */
  readonly saved = new Set<string>();
  /** Everybody's last state. */
  readonly states = new Map<number, { clock: number; state: unknown }>();
  hasGivenUp = false;
  readonly #room: DelayedRoom;
  readonly #options: EditorOptions;
  #connection: Connection;
  #clock = 0;
  #seq = 0;
  #unsaved: { readonly seq: number; readonly update: Uint8Array; readonly text: string }[] = [];
  #listen: (update: Uint8Array, origin: unknown) => void = () => undefined;

  constructor(room: DelayedRoom, name: string, options: EditorOptions) {
    this.name = name;
    this.#room = room;
    this.#options = options;
    this.doc = options.doc ?? new Y.Doc();
    this.#watch();
    this.#connection = this.#connect();
  }

  get text(): string {
    return this.doc.getText("content").toString();
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** Texts that were typed and whose push is not answered. */
  get unsaved(): readonly string[] {
    return this.#unsaved.map(({ text }) => text);
  }

  type(text: string, at = this.doc.getText("content").length): void {
    this.#typing = text;
    this.doc.transact(() => this.doc.getText("content").insert(at, text));
    this.#typing = "";
  }
  #typing = "";

  /** Shows its state, as every 15 s. */
  show(): void {
    this.#connection.toServer(
      encodeAwareness([{ client: this.doc.clientID, clock: ++this.#clock, state: this.#state }]),
    );
  }

  send(frame: Uint8Array): void {
    this.#connection.toServer(frame);
  }

  /** Loses its connection, and comes back. */
  reconnect({ isHalfOpen = false, afterMs = RECONNECT_MS } = {}): void {
    this.#connection.drop(isHalfOpen);
    this.#room.after(afterMs, () => this.#reconnectNow());
  }

  leave(isHalfOpen = false): void {
    this.hasGivenUp = true;
    this.#connection.drop(isHalfOpen);
  }

  get #state(): string {
    return JSON.stringify({ user: { name: this.name } });
  }

  get #isOwn(): boolean {
    return this.#options.kind === "own";
  }

  #reconnectNow(): void {
    if (this.hasGivenUp || this.#connection.isOpen) return;
    this.#connection = this.#connect();
  }

  #connect(): Connection {
    const { kind, delayMs = () => 0, access } = this.#options;
    const protocol = kind === "own" ? "own" : "stock";
    const connection = this.#room.connect(
      { protocol, delayMs, ...(access === undefined ? {} : { access }) },
      {
        hear: (frame) => {
          if (typeof frame !== "string") this.#hear(decodeServerFrame(frame));
        },
        closed: (code) => this.#closed(code),
      },
    );
    connection.toServer(encodeSyncStep1(Y.encodeStateVector(this.doc)));
    if (kind !== "raw") {
      const entry = { client: this.doc.clientID, clock: this.#clock, state: this.#state };
      connection.toServer(encodeAwareness([entry]));
    }
    const last = this.#unsaved.at(-1);
    if (last !== undefined) {
      const update = Y.mergeUpdates(this.#unsaved.map((one) => one.update));
      connection.toServer(encodePush(last.seq, update));
    }
    return connection;
  }

  #closed(code: number): void {
    this.closeCodes.push(code);
    if (code >= 4400 && code < 4500) this.hasGivenUp = true;
    else {
      if (code === 4509 && this.#isOwn) this.#beginAnew();
      this.#room.after(RECONNECT_MS, () => this.#reconnectNow());
    }
  }

  /** A new document, with a new client id; what is not saved is made again in it, once it has the text. */
  #beginAnew(): void {
    const lost = this.#unsaved.map(({ text }) => text);
    this.#unsaved = [];
    this.doc.off("update", this.#listen);
    this.doc = new Y.Doc();
    this.#clock = 0;
    this.#watch();
    const { doc } = this;
    doc.once("update", () =>
      this.#room.after(0, () => {
        for (const text of lost) if (!this.text.includes(text)) this.type(text);
      }),
    );
  }

  #watch(): void {
    this.#listen = (update, origin) => {
      if (origin === this) return;
      if (this.#isOwn) {
        const seq = ++this.#seq;
        this.#unsaved.push({ seq, update, text: this.#typing });
        this.#connection.toServer(encodePush(seq, update));
      } else this.#connection.toServer(encodeUpdate(update));
    };
    this.doc.on("update", this.#listen);
  }

  #hear(frame: YjsServerFrame): void {
    switch (frame.kind) {
      case "step1":
        this.send(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)));
        break;
      case "step2":
      case "update":
        Y.applyUpdate(this.doc, frame.update, this);
        break;
      case "saved":
        for (const { seq, text } of this.#unsaved) if (seq <= frame.seq) this.saved.add(text);
        this.#unsaved = this.#unsaved.filter(({ seq }) => seq > frame.seq);
        break;
      case "awareness":
        this.#hearAwareness(frame.states);
        break;
      case "notice":
        this.notices.push(frame.code);
        break;
      case "access":
        break;
      default:
        frame satisfies never;
    }
  }

  /** Stock providers send everybody's changed state on, and do not let others take away their own. */
  #hearAwareness(states: ReadonlyMap<number, { clock: number; state: unknown }>): void {
    const changed: { client: number; clock: number; state: string }[] = [];
    for (const [client, { clock, state }] of states) {
      const isOwn = client === this.doc.clientID;
      const isOwnGone = isOwn && state === null;
      const known = isOwn ? this.#clock : (this.states.get(client)?.clock ?? -1);
      if (clock <= known && !isOwnGone) continue;
      if (isOwnGone) this.#clock = Math.max(this.#clock, clock) + 1;
      else this.states.set(client, { clock, state });
      const shown = isOwnGone ? this.#state : JSON.stringify(state);
      changed.push({ client, clock: isOwnGone ? this.#clock : clock, state: shown });
    }
    if (this.#options.kind === "stock" && changed.length > 0) this.send(encodeAwareness(changed));
  }
}
