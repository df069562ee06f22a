import * as Y from "yjs";
import type { CompactionPolicy } from "../../src/core/history/compaction-policy.ts";
import { isJson, openSession, type Session } from "../../src/core/room/session.ts";
import { applyChange } from "../../src/core/text/text-change.ts";
import { MAX_REMEMBERED_TEXTS } from "../../src/protocol/limits.ts";
import { GatedPlatform } from "./gated-platform.ts";
import { RoomHost } from "./room-host.ts";
import { SeededRandom } from "./seeded-random.ts";
import { JSON_KINDS, type JsonKind, SimulatedJsonClient } from "./simulated-json-client.ts";
import { SimulatedYjsClient, YJS_KINDS, type YjsKind } from "./simulated-yjs-client.ts";
import { TokenLedger } from "./token-ledger.ts";
import { VersionBook } from "./version-book.ts";

type Client = SimulatedJsonClient | SimulatedYjsClient;

export interface WorldOptions {
  readonly seed: number;
  readonly clients?: readonly (JsonKind | YjsKind)[];
  readonly writeDelayMs?: number;
  readonly compaction?: CompactionPolicy;
}

/**
 * A room, its platform and its editors, moved by one seed: every step is one thing that happens. The object hibernates
 * in between, and is killed when the test says so.
 */
export class SimulatedWorld {
  readonly random: SeededRandom;
  readonly ledger = new TokenLedger();
  readonly book = new VersionBook();
  readonly clients: readonly Client[];
  readonly steps: string[] = [];
  readonly #platform: GatedPlatform;
  readonly #options: WorldOptions;
  #host: RoomHost;
  #sleeps = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    this.#platform = new GatedPlatform(options.writeDelayMs);
    this.#host = this.#open(1_700_000_000_000);
    this.#host.create();
    this.#host.pass(options.writeDelayMs ?? 0);
    this.#platform.passTo(this.#host.nowMs);
    this.#platform.confirmAll();
    const kinds = options.clients ?? this.#randomKinds();
    this.clients = kinds.map((kind, index) => {
      const name = String.fromCharCode(97 + index);
      return isYjsKind(kind)
        ? new SimulatedYjsClient(name, kind, 1_000 + index, this.ledger)
        : new SimulatedJsonClient(name, kind, this.ledger, this.book);
    });
    for (const client of this.clients) this.#connect(client);
  }

  get host(): RoomHost {
    return this.#host;
  }

  step(disconnects = true): void {
    const { random } = this;
    const client = random.pick(this.clients);
    const kind = random.below(21);
    if (kind < 6) this.#log(`${client.name} edits`, () => client.edit(random));
    else if (kind < 11) this.#deliver(client, 1 + random.below(3));
    else if (kind < 15) this.#hear(client, 1 + random.below(4));
    else if (kind < 17) this.#pass(random.pick([0, 1, 5, 20, 60, 200]));
    else if (kind < 19) this.#log("storage confirms", () => this.#platform.confirm());
    else if (kind < 20) this.#sleep();
    else if (disconnects && random.chance(0.3)) this.#reconnect(client);
    for (const { name, wire, session } of this.clients) {
      if (session !== null && wire.closed !== null)
        throw new Error(`${name} was closed: ${wire.closed.reason}`);
    }
    for (const one of this.clients) if (isOld(one)) this.#keepWithinReach(one);
  }

  /** The object dies, with all that is not confirmed, and every connection; the clients come again. */
  kill(): void {
    this.#log("the object is killed", () => this.#platform.kill());
    this.#host = this.#open(this.#host.nowMs + 1_000);
    for (const client of this.clients) {
      client.disconnect();
      this.#connect(client);
    }
  }

  /** How often the object has hibernated. */
  get sleeps(): number {
    return this.#sleeps;
  }

  /** The clients and the last steps, for the message of a failure. */
  get story(): string {
    const clients = this.clients.map(({ name, kind }) => `${name}: ${kind}`).join(", ");
    return `${clients}; after ${this.steps.length} steps, the last: ${this.steps.slice(-30).join("; ")}`;
  }

  /** Everything on its way arrives, and everything pending is done. */
  drain(): void {
    for (let rounds = 0; ; rounds++) {
      if (rounds > 1_000) throw new Error("The room and its clients never come to rest.");
      this.#host.passUntilIdle();
      this.#host.pass(this.#options.writeDelayMs ?? 0);
      this.#platform.passTo(this.#host.nowMs);
      this.#platform.confirmAll();
      let isQuiet = true;
      for (const client of this.clients) {
        const { toClient, toServer } = client.wire;
        if (toClient.length + toServer.length > 0) isQuiet = false;
        this.#deliver(client, toServer.length);
        this.#hear(client, toClient.length);
      }
      if (isQuiet && this.#host.room.dueAt(this.#host.nowMs) === null) return;
    }
  }

  /** What a fresh reader of the log finds wrong: tokens, and versions that were shown as something else. */
  faults(): string[] {
    const { room, log } = this.#host;
    const { content, revision } = room.committed;
    const faults = this.ledger.faultsOf(content);
    const shown = new Map([...this.book.versions].map(([version, { text }]) => [version, text]));
    for (const version of shown.keys()) {
      if (version > revision) faults.push(`version ${version} was shown, but the log ends with ${revision}`);
    }
    let text = content;
    let expected = revision;
    for (const entry of log.past().reverse()) {
      if (entry.revision !== expected) faults.push(`revision ${expected} is not in the log`);
      const told = shown.get(entry.revision) ?? text;
      if (told !== text) faults.push(`version ${entry.revision} was shown as ${told}, and is ${text}`);
      text = applyChange(entry.undo, text);
      expected = entry.revision - 1;
    }
    return faults;
  }

  /** What is not the same everywhere after `drain`. */
  differences(): string[] {
    const { room } = this.#host;
    const { content, revision } = room.committed;
    const server = new Y.Doc();
    Y.applyUpdate(server, room.snapshot());
    const differences: string[] = [];
    for (const client of this.clients) {
      const text = client instanceof SimulatedYjsClient ? client.text : client.heard.text;
      // A stale or old one may see its own text, which nobody merged anything into.
      if (text !== content && !isOld(client)) differences.push(`${client.name} has ${text}, not ${content}`);
      if (client instanceof SimulatedYjsClient) {
        const isSame = Y.equalSnapshots(Y.snapshot(client.doc), Y.snapshot(server));
        if (!isSame) differences.push(`${client.name} has another state`);
      } else if (!client.isOld && client.heard.version !== revision) {
        differences.push(`${client.name} has heard of ${client.heard.version}, not of ${revision}`);
      }
      if (!client.isIdle) differences.push(`${client.name} waits for an answer`);
    }
    return differences;
  }

  /**
   * The object hibernates once nothing is pending. Connections and the frames on them stay. The clock stands still:
   * the room takes a frame for read after five seconds, and clients here may be slower than that.
   */
  #sleep(): void {
    this.#log("the object hibernates", () => {
      this.#host.passUntilIdle();
      this.#host.pass(this.#options.writeDelayMs ?? 0);
      this.#platform.passTo(this.#host.nowMs);
      this.#platform.confirmAll();
      this.#platform.hibernate();
      this.#sleeps++;
      const sessions = new Map<Client, Session>();
      for (const client of this.clients) {
        const { wire } = client;
        if (wire.closed === null) sessions.set(client, openSession(wire.recall(), this.#platform.gate(wire)));
      }
      this.#host = this.#open(this.#host.nowMs, [...sessions.values()]);
      for (const [client, session] of sessions) {
        if (client instanceof SimulatedYjsClient) {
          if (!isJson(session)) client.resume(session);
        } else if (isJson(session)) client.resume(session);
      }
    });
    // Pushes with a gap live in memory only: the room ends their sessions when it wakes, and the clients push anew.
    for (const client of this.clients) {
      if (client.wire.closed === null) continue;
      client.disconnect();
      this.#connect(client);
    }
  }

  #open(nowMs: number, sessions: readonly Session[] = []): RoomHost {
    const { compaction, seed } = this.#options;
    const log = this.#platform.openLog(() => this.#host.nowMs);
    // Each life has its own random numbers.
    const life = { seed: seed * 1_000 + this.steps.length, nowMs, sessions };
    return new RoomHost(log, { ...life, ...(compaction === undefined ? {} : { compaction }) });
  }

  #connect(client: Client): void {
    client.connect(this.#host, (peer) => this.#platform.gate(peer));
  }

  #reconnect(client: Client): void {
    this.#log(`${client.name} reconnects`, () => {
      const { session } = client;
      if (session === null) throw new Error("Every client is connected.");
      client.disconnect();
      // The server hears of it before the new connection, or takes the client id over from the old one.
      this.#host.leave(session);
      this.#connect(client);
    });
  }

  #deliver(client: Client, count: number): void {
    for (; count > 0; count--) {
      const { session, wire } = client;
      const frame = session === null ? undefined : wire.toServer.shift();
      if (session === null || frame === undefined) return;
      this.#log(`the room receives from ${client.name}`, () => this.#host.receive(session, frame));
    }
  }

  #hear(client: Client, count: number): void {
    for (; count > 0 && client.wire.toClient.length > 0; count--) {
      this.#log(`${client.name} hears`, () => client.hear(this.random));
    }
  }

  /** A client that names no base may build on one of the last texts that it was sent. None lags further behind. */
  #keepWithinReach(client: SimulatedJsonClient): void {
    if ((client.session?.record.knowledge.sentRevisions.length ?? 0) < MAX_REMEMBERED_TEXTS - 1) return;
    this.#platform.confirmAll();
    this.#deliver(client, client.wire.toServer.length);
    this.#platform.confirmAll();
    this.#hear(client, client.wire.toClient.length);
    client.catchUp();
  }

  #pass(ms: number): void {
    this.#log(`${ms} ms pass`, () => this.#host.pass(ms));
    this.#platform.passTo(this.#host.nowMs);
  }

  #log(what: string, step: () => void): void {
    this.steps.push(what);
    try {
      step();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${message}\n${this.story}`, { cause: error });
    }
  }

  #randomKinds(): (JsonKind | YjsKind)[] {
    const count = 2 + this.random.below(5);
    return Array.from({ length: count }, () => this.random.pick([...JSON_KINDS, ...YJS_KINDS, ...YJS_KINDS]));
  }
}

function isYjsKind(kind: JsonKind | YjsKind): kind is YjsKind {
  return (YJS_KINDS as readonly string[]).includes(kind);
}

function isOld(client: Client): client is SimulatedJsonClient {
  return client instanceof SimulatedJsonClient && client.isOld;
}
