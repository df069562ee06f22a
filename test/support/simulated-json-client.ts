import type { JsonSession, Peer } from "../../src/core/room/session.ts";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { applyChanges } from "./apply-changes.ts";
import type { RoomHost } from "./room-host.ts";
import { parseJson } from "./scripted-peer.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedWire } from "./simulated-wire.ts";
import { bordersOf, type TokenLedger, tokensOf } from "./token-ledger.ts";
import type { VersionBook } from "./version-book.ts";

/**
 * - `old`: whole texts without a base, on an old path; takes no text in while an own one is under way
 * - `eager`: as `old`, but takes each text in at once, its own under way or not, and types on; takes nothing out, since
 *   what it took out may be meant by a text that it has not heard of
 * - `stale`: as `old`, but mostly goes on with its own text and leaves the others' unread
 * - `text`: whole texts with a base, several under way
 * - `edit`: changes with a base, several under way
 * - `changes`: as `edit`, and gets changes instead of texts
 */
export const JSON_KINDS = ["old", "eager", "stale", "text", "edit", "changes"] as const;
export type JsonKind = (typeof JSON_KINDS)[number];

interface Pending {
  readonly requestId: string;
  readonly frame: object;
  readonly inserted: string | null;
  readonly removed: string | null;
  readonly textSent: string;
}

/** An honest JSON editor as somebody else would write it: it believes what the protocol promises, and checks it. */
export class SimulatedJsonClient {
  readonly name: string;
  readonly kind: JsonKind;
  readonly #ledger: TokenLedger;
  readonly #book: VersionBook;
  readonly #own = new Set<string>();
  #wire = new SimulatedWire();
  #session: JsonSession | null = null;
  /** The last text that the server told. */
  #heard = { version: 0, text: "" };
  /** The text that the user sees when nothing of its own is under way. */
  #known = { version: 0, text: "" };
  #pending: Pending[] = [];
  #requests = 0;
  /** A text of its own was acknowledged since it connected: only then can an old client take out what it wrote before. */
  #hasWritten = false;
  /** Texts that a stale one has left unread. */
  #unread = 0;

  constructor(name: string, kind: JsonKind, ledger: TokenLedger, book: VersionBook) {
    this.name = name;
    this.kind = kind;
    this.#ledger = ledger;
    this.#book = book;
  }

  get wire(): SimulatedWire {
    return this.#wire;
  }

  get session(): JsonSession | null {
    return this.#session;
  }

  get heard(): { readonly version: number; readonly text: string } {
    return this.#heard;
  }

  get isIdle(): boolean {
    return this.#pending.length === 0;
  }

  /** On an old path. */
  get isOld(): boolean {
    return this.kind === "old" || this.kind === "eager" || this.kind === "stale";
  }

  /** @param gate what stands between the room and the wire */
  connect(host: RoomHost, gate: (peer: Peer) => Peer): void {
    this.#wire = new SimulatedWire();
    this.#heard = { version: 0, text: "" };
    if (this.isOld) this.#forget();
    this.#hasWritten = false;
    this.#session = host.joinJson(gate(this.#wire), {
      isOldClient: this.isOld,
      wantsChanges: this.kind === "changes",
      clientName: this.isOld ? null : this.name,
    });
    for (const { frame } of this.#pending) this.#send(frame);
  }

  /** The room has slept: the same connection has another session object. */
  resume(session: JsonSession): void {
    this.#session = session;
  }

  disconnect(): void {
    this.#session = null;
  }

  /** Puts a token in, or takes one of its own out. */
  edit(random: SeededRandom): void {
    if (this.#heard.version === 0 || this.#pending.length >= 3) return;
    const isEager = this.kind === "eager";
    const text = (isEager ? undefined : this.#pending.at(-1)?.textSent) ?? this.#known.text;
    const removable = tokensOf(text).filter((token) => this.#own.has(token) && this.#ledger.isSettled(token));
    const canRemove = !isEager && (this.#hasWritten || !this.isOld);
    if (canRemove && removable.length > 0 && random.chance(0.2)) {
      const token = random.pick(removable);
      this.#ledger.removing(token);
      const from = text.indexOf(token);
      this.#write(text, { from, to: from + token.length, insert: "" }, null, token);
    } else {
      const token = this.#ledger.make();
      this.#own.add(token);
      const at = random.pick(bordersOf(text));
      this.#write(text, { from: at, to: at, insert: token }, token, null);
    }
  }

  /** Takes one frame in. */
  hear(random: SeededRandom): void {
    const raw = this.#wire.toClient.shift();
    if (raw === undefined) return;
    const frame = parseJson(raw);
    switch (frame.action) {
      case "initial":
        this.#told(frame.version, frame.content);
        break;
      case "update":
        this.#hearUpdate(frame, random);
        break;
      case "update_status":
        this.#hearStatus(frame);
        break;
      case "error":
        this.#hearError(frame);
        break;
      default:
        throw new Error(`${this.name} did not ask for ${raw.toString()}`);
    }
  }

  /** Takes in what a stale one left unread. */
  catchUp(): void {
    if (this.#pending.length === 0 && this.#heard.version > this.#known.version) this.#known = this.#heard;
    this.#unread = 0;
  }

  #write(
    text: string,
    change: { from: number; to: number; insert: string },
    inserted: string | null,
    removed: string | null,
  ): void {
    const textSent = text.slice(0, change.from) + change.insert + text.slice(change.to);
    const requestId = `${this.name}-${++this.#requests}`;
    const last = this.#pending.at(-1);
    const base =
      last === undefined ? { base_version: this.#known.version } : { base_request_id: last.requestId };
    const frame = this.isOld
      ? { action: "update", content: textSent }
      : this.kind === "text"
        ? { action: "update", content: textSent, request_id: requestId, ...base }
        : { action: "edit", changes: [change], request_id: requestId, ...base };
    this.#pending.push({ requestId, frame, inserted, removed, textSent });
    if (this.kind === "eager") this.#known = { version: this.#known.version, text: textSent };
    this.#send(frame);
  }

  #send(frame: object): void {
    this.#wire.toServer.push(JSON.stringify(frame));
  }

  #hearUpdate(frame: Extract<ServerFrame, { action: "update" }>, random: SeededRandom): void {
    let text: string;
    if ("content" in frame) text = frame.content;
    else {
      if (frame.base_version !== this.#heard.version) {
        throw new Error(
          `${this.name} was told changes of ${frame.base_version}, but has ${this.#heard.version}`,
        );
      }
      text = applyChanges(this.#heard.text, frame.changes);
    }
    if (this.kind === "stale" && this.#pending.length === 0 && this.#unread < 5 && random.chance(0.8)) {
      this.#unread++;
      this.#book.note(frame.version, text, this.name);
      this.#heard = { version: frame.version, text };
    } else this.#told(frame.version, text);
  }

  #hearStatus(frame: Extract<ServerFrame, { action: "update_status" }>): void {
    const done = this.#pending.shift();
    if (done === undefined) throw new Error(`${this.name} asked for nothing`);
    this.#hasWritten = true;
    if (!this.isOld && frame.request_id !== done.requestId) throw new Error("Answers came out of order.");
    if (done.inserted !== null) this.#ledger.acknowledge(done.inserted);
    if (done.removed !== null) this.#ledger.acknowledgeRemoval(done.removed);
    if (this.isOld) {
      // A merged text follows as `update`. Until then it sees its own.
      if (this.#pending.length === 0 && this.kind !== "eager")
        this.#known = { version: frame.version, text: done.textSent };
      this.#unread = 0;
      return;
    }
    if (frame.more === true) return; // the status of a later write tells of the text
    const text = frame.content ?? applyChanges(done.textSent, frame.changes ?? []);
    if (frame.version >= this.#heard.version) this.#told(frame.version, text);
    else {
      this.#book.note(frame.version, text, this.name);
      if (this.#pending.length === 0) this.#known = this.#heard;
    }
  }

  #hearError(frame: Extract<ServerFrame, { action: "error" }>): void {
    const at = this.#pending.findIndex(({ requestId }) => requestId === frame.request_id);
    if (frame.code !== "stale_base" || at === -1 || frame.version === undefined) {
      throw new Error(`${this.name} was refused: ${JSON.stringify(frame)}`);
    }
    this.#pending.splice(at, 1);
    // An earlier error has brought the text of this version.
    const text = frame.content ?? this.#heard.text;
    this.#told(frame.version, text);
  }

  #told(version: number, text: string): void {
    if (version < this.#heard.version) throw new Error(`${this.name} was told of an older version`);
    this.#book.note(version, text, this.name);
    this.#heard = { version, text };
    if (this.#pending.length > 0 && this.kind !== "eager") return;
    this.#known = this.#heard;
    this.#unread = 0;
  }

  /** Old clients cannot ask again: a write that was under way may have been made or not. */
  #forget(): void {
    this.#pending = [];
  }
}
