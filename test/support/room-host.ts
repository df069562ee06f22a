import { ANONYMOUS } from "../../src/core/fragment/principal.ts";
import { EMPTY_WRITE, type Write } from "../../src/core/fragment/write.ts";
import type { CompactionPolicy } from "../../src/core/history/compaction-policy.ts";
import type { UpdateLog } from "../../src/core/history/update-log.ts";
import { GappedPushes } from "../../src/core/room/gapped-pushes.ts";
import type { ExpandRequest } from "../../src/core/room/json-protocol.ts";
import { receive } from "../../src/core/room/receive.ts";
import { Room } from "../../src/core/room/room.ts";
import {
  isJson,
  type JsonRecord,
  type JsonSession,
  type Peer,
  type Session,
  type YjsRecord,
  type YjsSession,
} from "../../src/core/room/session.ts";
import { SeededRandom } from "./seeded-random.ts";

/**
 * What the Durable Object is to its room, without the platform: turns events into calls, and keeps the one timer,
 * on a clock that only the test moves.
 */
export class RoomHost {
  readonly room: Room;
  readonly log: UpdateLog;
  readonly #random: SeededRandom;
  /** Expansions that were asked for; nobody answers them here. */
  readonly expansions: ExpandRequest[] = [];
  #nowMs: number;
  #nextSession = 1;

  constructor(
    log: UpdateLog,
    options: { seed?: number; nowMs?: number; compaction?: CompactionPolicy } = {},
  ) {
    this.log = log;
    this.#nowMs = options.nowMs ?? 1_700_000_000_000;
    this.#random = new SeededRandom(options.seed ?? 1);
    const random32 = () => this.#random.below(2 ** 32);
    const { compaction } = options;
    this.room = new Room({
      id: "team/greeting",
      log,
      random32,
      ...(compaction === undefined ? {} : { compaction }),
    });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** One event, and what became due by it. */
  turn<T>(event: (nowMs: number) => T): T {
    const result = event(this.#nowMs);
    this.room.settle(this.#nowMs);
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

  /** Lets time pass until nothing is pending. */
  passUntilIdle(): void {
    for (let rings = 0; ; rings++) {
      const due = this.#dueAt();
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
      seenRevision: this.room.fragment.committed.revision,
      ownWrite: null,
      sentRevisions: [],
      ownTags: null,
      ...options,
    };
    const session: JsonSession = { record, peer, ownWrite: null };
    this.turn(() => this.room.join(session));
    return session;
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
    const session = {
      record,
      peer,
      isAskedForMore: false,
      gapped: new GappedPushes(),
      pushedSeq: -1,
      savedSeq: -1,
    };
    this.turn(() => this.room.join(session));
    return session;
  }

  receive(session: Session, frame: string | Uint8Array | object): void {
    if (!this.#isJoined(session)) return; // expelled; its close is on the way
    const data = typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame);
    this.turn((nowMs) =>
      receive(this.room, session, data, nowMs, (request) => this.expansions.push(request)),
    );
  }

  /** JSON frames that come in one turn, and so into one commit. */
  receiveTogether(...frames: readonly (readonly [session: JsonSession, frame: object])[]): void {
    this.turn((nowMs) => {
      for (const [session, frame] of frames)
        receive(this.room, session, JSON.stringify(frame), nowMs, (request) => this.expansions.push(request));
    });
  }

  submit(write: Partial<Write>): void {
    this.turn(() => this.room.submit({ ...emptyWrite(), ...write }));
  }

  leave(session: Session): void {
    this.turn((nowMs) => this.room.leave(session, nowMs));
  }

  #isJoined(session: Session): boolean {
    const { id } = session.record;
    return (isJson(session) ? this.room.json.get(id) : this.room.yjs.get(id)) === session;
  }

  #dueAt(): number | null {
    const due = this.room.dueAt(this.#nowMs);
    const expiry = this.room.presence.expiryAtMs;
    return due === null || expiry === null ? (due ?? expiry) : Math.min(due, expiry);
  }

  #ring(): void {
    const expiry = this.room.presence.expiryAtMs;
    const isExpiry = expiry !== null && expiry <= this.#nowMs;
    this.turn((nowMs) => {
      if (isExpiry) this.room.expirePresence(nowMs);
    });
  }

  #common() {
    return {
      id: `session-${this.#nextSession++}`,
      role: "editor",
      principal: ANONYMOUS,
      expiresAtMs: null,
      generation: this.room.fragment.generation,
      presence: null,
    } as const;
  }
}

function emptyWrite(): Write {
  return { ...EMPTY_WRITE, answer: () => undefined };
}
