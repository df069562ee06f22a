import { openSession, type Peer, type Session, type SessionRecord } from "../../src/core/room/session.ts";
import type { Access } from "../../src/protocol/access.ts";
import { MemoryUpdateLog } from "./memory-update-log.ts";
import { OPEN_ACCESS } from "./open-access.ts";
import { RoomHost } from "./room-host.ts";

type Frame = string | Uint8Array;

/** How one end of a connection is told. */
export interface ConnectionEvents {
  hear(frame: Frame): void;
  closed(code: number): void;
}

export interface ConnectionOptions {
  readonly protocol: "stock" | "own" | "json";
  /** One way, in milliseconds; asked for each frame. Frames never overtake each other. */
  delayMs(): number;
  readonly access?: Access;
}

interface Event {
  readonly atMs: number;
  run(): void;
}

/** A room, and connections to it that take time, on one clock that the test moves. */
export class DelayedRoom {
  readonly #log = new MemoryUpdateLog();
  #host = new RoomHost(this.#log);
  readonly #connections = new Set<Connection>();
  /** In the order in which they happen. */
  readonly #events: Event[] = [];
  #sleeps = 0;

  constructor(content = "") {
    this.#host.create(content);
    this.pass(60_000); // the creation is paid
  }

  get host(): RoomHost {
    return this.#host;
  }

  get nowMs(): number {
    return this.#host.nowMs;
  }

  /** As committed. */
  get text(): string {
    return this.#host.room.committed.content;
  }

  get sleeps(): number {
    return this.#sleeps;
  }

  after(ms: number, run: () => void): void {
    const atMs = this.nowMs + ms;
    const after = this.#events.findLastIndex((event) => event.atMs <= atMs);
    this.#events.splice(after + 1, 0, { atMs, run });
  }

  /** Lets time pass, and all happen that is due meanwhile. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const dueMs = Math.max(this.nowMs, this.#host.room.dueAt(this.nowMs) ?? Number.POSITIVE_INFINITY);
      const next = this.#next(Math.min(endMs, dueMs));
      if (next !== null) {
        this.#host.pass(Math.max(0, next.atMs - this.nowMs));
        next.run();
      } else if (dueMs <= endMs) this.#host.pass(dueMs - this.nowMs);
      else break;
    }
    this.#host.pass(endMs - this.nowMs);
  }

  /** Takes the first event until then. */
  #next(endMs: number): Event | null {
    const [first] = this.#events;
    if (first === undefined || first.atMs > endMs) return null;
    this.#events.shift();
    return first;
  }

  connect(options: ConnectionOptions, events: ConnectionEvents): Connection {
    const connection = new Connection(this, options, events);
    this.#connections.add(connection);
    return connection;
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** The object leaves memory, if it may; the sockets stay. */
  hibernate(): void {
    const { room } = this.#host;
    if (room.dueAt(this.nowMs) !== null) return;
    this.#sleeps++;
    const sessions: Session[] = [];
    for (const connection of this.#connections) sessions.push(connection.wake());
    this.#host = new RoomHost(this.#log, { nowMs: this.nowMs, seed: 1_000 + this.#sleeps, sessions });
  }
}

/** One socket. */
export class Connection implements Peer {
  readonly #room: DelayedRoom;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  #session: Session;
  #record: SessionRecord | null = null;
  /** When the last frame of each direction arrives. */
  #toServerMs = 0;
  #toClientMs = 0;
  #isOpenHere = true;
  #isOpenThere = true;

  constructor(room: DelayedRoom, options: ConnectionOptions, events: ConnectionEvents) {
    this.#room = room;
    this.#options = options;
    this.#events = events;
    const { protocol, access = OPEN_ACCESS } = options;
    this.#session =
      protocol === "json"
        ? room.host.joinJson(this, { access })
        : room.host.joinYjs(this, { access, isOwnClient: protocol === "own" });
  }

  /** Whether the client may send. */
  get isOpen(): boolean {
    return this.#isOpenHere;
  }

  /** Whether the server has not closed it, nor heard that it is closed. */
  get isOpenThere(): boolean {
    return this.#isOpenThere;
  }

  /** The record as it would come back after hibernation. */
  get remembered(): SessionRecord | null {
    return structuredClone(this.#record);
  }

  get session(): Session {
    return this.#session;
  }

  /** The client sends a frame. */
  toServer(frame: Frame | object): void {
    if (!this.#isOpenHere) return;
    const bytes = typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame);
    this.#arrives("server", () => {
      if (this.#isOpenThere) this.#room.host.receive(this.#session, bytes);
    });
  }

  /** The client's end goes. @param isHalfOpen the server never hears of it */
  drop(isHalfOpen = false): void {
    this.#isOpenHere = false;
    if (isHalfOpen) return;
    this.#arrives("server", () => {
      if (!this.#isOpenThere) return;
      this.#isOpenThere = false;
      this.#room.forget(this);
      this.#room.host.leave(this.#session);
    });
  }

  send(frame: Frame): void {
    if (!this.#isOpenThere) throw new Error("The room writes to a socket that it has closed.");
    const copy = typeof frame === "string" ? frame : frame.slice();
    this.#arrives("client", () => {
      if (this.#isOpenHere) this.#events.hear(copy);
    });
  }

  close(code: number): void {
    this.#isOpenThere = false;
    this.#room.forget(this);
    this.#arrives("client", () => {
      if (!this.#isOpenHere) return;
      this.#isOpenHere = false;
      this.#events.closed(code);
    });
  }

  remember(record: SessionRecord): void {
    this.#record = structuredClone(record);
  }

  /** The session after a sleep of the room. */
  wake(): Session {
    if (this.#record === null) throw new Error("The room has left no record with this connection.");
    this.#session = openSession(structuredClone(this.#record), this);
    return this.#session;
  }

  #arrives(where: "server" | "client", run: () => void): void {
    const arrivesMs = this.#room.nowMs + this.#options.delayMs();
    if (where === "server") this.#toServerMs = Math.max(this.#toServerMs, arrivesMs);
    else this.#toClientMs = Math.max(this.#toClientMs, arrivesMs);
    const atMs = where === "server" ? this.#toServerMs : this.#toClientMs;
    this.#room.after(atMs - this.#room.nowMs, run);
  }
}
