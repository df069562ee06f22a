import * as Y from "yjs";
import type { Peer, YjsSession } from "../../src/core/room/session.ts";
import { encodePush, encodeSyncStep1, encodeSyncStep2, encodeUpdate } from "../../src/protocol/yjs-frames.ts";
import type { RoomHost } from "./room-host.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedWire } from "./simulated-wire.ts";
import { bordersOf, type TokenLedger, tokensOf } from "./token-ledger.ts";
import { updateOf } from "./update-of.ts";
import { decodeServerFrame } from "./yjs-client.ts";

/** `stock`: as y-websocket's provider speaks; `push`: with our own frames, so that it knows which of its edits are durable. */
export const YJS_KINDS = ["stock", "push"] as const;
export type YjsKind = (typeof YJS_KINDS)[number];

interface Pushed {
  readonly seq: number;
  readonly update: Uint8Array;
  readonly inserted: string | null;
  readonly removed: string | null;
}

/** An honest Yjs editor. Its document outlives its connections and the server's lives. */
export class SimulatedYjsClient {
  readonly name: string;
  readonly kind: YjsKind;
  readonly doc = new Y.Doc();
  readonly #ledger: TokenLedger;
  readonly #own = new Set<string>();
  #wire = new SimulatedWire();
  #session: YjsSession | null = null;
  #unsaved: Pushed[] = [];
  #seq = 0;

  constructor(name: string, kind: YjsKind, clientId: number, ledger: TokenLedger) {
    this.name = name;
    this.kind = kind;
    this.doc.clientID = clientId;
    this.#ledger = ledger;
  }

  get wire(): SimulatedWire {
    return this.#wire;
  }

  get session(): YjsSession | null {
    return this.#session;
  }

  get text(): string {
    return this.doc.getText("content").toString();
  }

  get isIdle(): boolean {
    return this.#unsaved.length === 0;
  }

  connect(host: RoomHost, gate: (peer: Peer) => Peer): void {
    this.#wire = new SimulatedWire();
    this.#session = host.joinYjs(gate(this.#wire), { isOwnClient: this.kind === "push" });
    this.#wire.toServer.push(encodeSyncStep1(Y.encodeStateVector(this.doc)));
    this.#pushAgain();
  }

  /** The room has slept: the same connection has another session object. */
  resume(session: YjsSession): void {
    this.#session = session;
  }

  disconnect(): void {
    this.#session = null;
  }

  edit(random: SeededRandom): void {
    const shown = this.text;
    const removable = tokensOf(shown).filter((token) => this.#own.has(token) && this.#mayRemove(token));
    if (removable.length > 0 && random.chance(0.2)) {
      const token = random.pick(removable);
      this.#ledger.removing(token);
      this.#changed((text) => text.delete(shown.indexOf(token), token.length), null, token);
    } else {
      const token = this.#ledger.make();
      this.#own.add(token);
      this.#changed((text) => text.insert(random.pick(bordersOf(shown)), token), token, null);
    }
  }

  hear(): void {
    const bytes = this.#wire.toClient.shift();
    if (bytes === undefined) return;
    if (typeof bytes === "string") throw new Error("A text frame on a Yjs socket.");
    const frame = decodeServerFrame(bytes);
    switch (frame.kind) {
      case "step1":
        this.#wire.toServer.push(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)));
        break;
      case "step2":
      case "update":
        Y.applyUpdate(this.doc, frame.update, "server");
        break;
      case "saved":
        this.#hearSaved(frame.seq);
        break;
      case "awareness":
        break;
      case "access":
        break; // in this world everybody may write, for ever
      case "notice":
        throw new Error(`${this.name} was noticed: ${frame.code} ${frame.message}`);
      default:
        frame satisfies never;
    }
  }

  /** A stock client is never told which edits are durable, so it removes nothing. */
  #mayRemove(token: string): boolean {
    return this.kind === "push" && this.#ledger.isSettled(token);
  }

  #changed(change: (text: Y.Text) => void, inserted: string | null, removed: string | null): void {
    const update = updateOf(this.doc, change);
    if (this.kind === "push") this.#unsaved.push({ seq: ++this.#seq, update, inserted, removed });
    if (this.#session === null) return;
    this.#wire.toServer.push(this.kind === "push" ? encodePush(this.#seq, update) : encodeUpdate(update));
  }

  /** `saved` speaks of the pushes of one connection: what the last one left unsaved goes before all others. */
  #pushAgain(): void {
    const last = this.#unsaved.at(-1);
    if (last === undefined) return;
    const update = Y.mergeUpdates(this.#unsaved.map((pushed) => pushed.update));
    this.#wire.toServer.push(encodePush(last.seq, update));
  }

  #hearSaved(seq: number): void {
    for (const pushed of this.#unsaved) {
      if (pushed.seq > seq) continue;
      if (pushed.inserted !== null) this.#ledger.acknowledge(pushed.inserted);
      if (pushed.removed !== null) this.#ledger.acknowledgeRemoval(pushed.removed);
    }
    this.#unsaved = this.#unsaved.filter((pushed) => pushed.seq > seq);
  }
}
