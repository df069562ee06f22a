import { EMPTY_WRITE, type Write } from "../../src/core/fragment/write.ts";
import type { CompactionPolicy } from "../../src/core/history/compaction-policy.ts";
import type { UpdateLog } from "../../src/core/history/update-log.ts";
import type { Effect } from "../../src/core/room/effects.ts";
import { Room } from "../../src/core/room/room.ts";
import {
  type JsonRecord,
  type JsonSession,
  openSession,
  type Peer,
  type Session,
  type YjsRecord,
  type YjsSession,
} from "../../src/core/room/session.ts";
import { KNOWS_NOTHING } from "../../src/core/room/session-knowledge.ts";
import { OPEN_ACCESS } from "./open-access.ts";
import { SeededRandom } from "./seeded-random.ts";

/**
 * What the Durable Object is to its room, without the platform: turns events into calls, and keeps the one timer,
 * on a clock that only the test moves.
 */
export class RoomHost {
  readonly room: Room;
  readonly log: UpdateLog;
  readonly #random: SeededRandom;
  /** Work that sessions asked for; nobody does it here. */
  readonly effects: Effect[] = [];
  #nowMs: number;

  /** @param options.sessions those whose connections outlived the last room */
  constructor(
    log: UpdateLog,
    options: {
      seed?: number;
      nowMs?: number;
      compaction?: CompactionPolicy;
      sessions?: readonly Session[];
      /** The server is closed. */
      isLimited?: boolean;
    } = {},
  ) {
    this.log = log;
    this.#nowMs = options.nowMs ?? 1_700_000_000_000;
    this.#random = new SeededRandom(options.seed ?? 1);
    const random32 = () => this.#random.below(2 ** 32);
    const { compaction, sessions = [], isLimited = false } = options;
    const ports = {
      id: "team/greeting",
      log,
      random32,
      isLimited,
      ...(compaction === undefined ? {} : { compaction }),
    };
    this.room = new Room(ports, sessions);
    this.turn((nowMs) => this.room.expelForgotten(nowMs));
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** One event, and what became due by it. */
  turn<T>(event: (nowMs: number) => T): T {
    const result = event(this.#nowMs);
    this.room.run(this.#nowMs);
    return result;
  }

  /** Moves the clock on and rings the room whenever it wants to be called. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let due = this.#dueAt(); due !== null && due <= endMs; due = this.#dueAt()) {
      this.#nowMs = Math.max(this.#nowMs, due);
      this.#ring();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass until nothing is pending. Accesses that end later are not waited for. */
  passUntilIdle(): void {
    for (let rings = 0; ; rings++) {
      const due = this.#pendingAt();
      if (due === null) return;
      if (rings > 10_000) throw new Error("The room never comes to rest.");
      this.#nowMs = Math.max(this.#nowMs, due);
      this.#ring();
    }
  }

  create(content = ""): void {
    this.turn((nowMs) =>
      this.room.create({ ...emptyWrite(), content: { kind: "text", text: content } }, false, nowMs),
    );
  }

  joinJson(peer: Peer, options: Partial<JsonRecord> = {}): JsonSession {
    const record: JsonRecord = {
      ...this.#common(),
      protocol: "json",
      clientId: this.#random.below(2 ** 32),
      presenceClock: 0,
      isOldClient: false,
      wantsChanges: false,
      clientName: null,
      knowledge: { ...KNOWS_NOTHING },
      ...options,
    };
    return this.#join(openSession(record, peer));
  }

  joinYjs(peer: Peer, options: Partial<YjsRecord> = {}): YjsSession {
    const record: YjsRecord = {
      ...this.#common(),
      protocol: "yjs",
      clientId: null,
      presenceClock: -1,
      isOwnClient: true,
      isBehind: false,
      ...options,
    };
    return this.#join(openSession(record, peer));
  }

  #join<S extends Session>(session: S): S {
    this.turn(() => this.room.join(session));
    return session;
  }

  receive(session: Session, frame: string | Uint8Array | object): void {
    const data = typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame);
    this.turn((nowMs) => this.#receive(session, data, nowMs));
  }

  /** JSON frames that come in one turn, and so into one commit. */
  receiveTogether(...frames: readonly (readonly [session: JsonSession, frame: object])[]): void {
    this.turn((nowMs) => {
      for (const [session, frame] of frames) this.#receive(session, JSON.stringify(frame), nowMs);
    });
  }

  submit(write: Partial<Write>): void {
    this.turn(() => this.room.submit({ ...emptyWrite(), ...write }));
  }

  leave(session: Session): void {
    this.turn((nowMs) => this.room.leave(session, nowMs));
  }

  #receive(session: Session, message: string | Uint8Array, nowMs: number): void {
    const effect = this.room.receive(session, message, nowMs);
    if (effect !== null) this.effects.push(effect);
  }

  #dueAt(): number | null {
    return earlier(this.#pendingAt(), this.room.accessDueAtMs);
  }

  #pendingAt(): number | null {
    return earlier(this.room.dueAt(this.#nowMs), this.room.presenceExpiryAtMs);
  }

  #ring(): void {
    const expiry = this.room.presenceExpiryAtMs;
    const isExpiry = expiry !== null && expiry <= this.#nowMs;
    this.turn((nowMs) => {
      if (isExpiry) this.room.expirePresence(nowMs);
    });
  }

  #common() {
    return {
      id: `session-${this.#random.below(2 ** 32)}`,
      access: OPEN_ACCESS,
      isToldOfEnd: false,
      presence: null,
    } as const;
  }
}

/** Null means never. */
function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function emptyWrite(): Write {
  return { ...EMPTY_WRITE, answer: () => undefined };
}
