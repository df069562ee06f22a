import type { Access } from "../../src/protocol/access.ts";
import {
  encodeAwareness,
  encodePush,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
} from "../../src/protocol/yjs-frames.ts";
import type { Connection, DelayedRoom } from "./delayed-room.ts";
import {
  type RawBlock,
  type RawPlace,
  rawAny,
  rawDeleted,
  rawFormat,
  rawGc,
  rawSkip,
  rawString,
  rawUpdate,
} from "./raw-update.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { decodeServerFrame } from "./yjs-client.ts";

/** What a forger writes as somebody else; nobody else writes it. */
export const FORGED_TEXT = "#";

/** What it writes in its own name. */
export const FORGERS_OWN_TEXT = "~";

/** Somebody whom a forger knows: its client id, and about what clock it has. */
export interface Target {
  readonly clientId: number;
  readonly clock: number;
}

export interface ForgerOptions {
  readonly random: SeededRandom;
  readonly delayMs: () => number;
  readonly access: Access;
  /** All that may be forged at this moment. */
  targets(): readonly Target[];
}

/**
 * A client that tries to write and to be seen as others. It never gives up. It deletes nothing.
 */
export class Forger {
  closes = 0;
  readonly #room: DelayedRoom;
  readonly #options: ForgerOptions;
  readonly #clientId: number;
  #connection: Connection;
  #clock = 0;

  constructor(room: DelayedRoom, options: ForgerOptions) {
    this.#room = room;
    this.#options = options;
    this.#clientId = options.random.below(2 ** 31);
    this.#connection = this.#connect();
  }

  act(): void {
    const { random } = this.#options;
    const target = random.pick(this.#options.targets());
    const kind = random.below(12);
    if (kind < 3) this.#send(encodeUpdate(this.#forged(target)));
    else if (kind < 5) this.#send(encodePush(random.below(100), this.#forged(target)));
    else if (kind < 7) this.#send(encodeSyncStep2(this.#forged(target)));
    else if (kind === 7) this.#send(encodeSyncStep1(Uint8Array.of(0)));
    else if (kind < 10) this.#claim(target);
    else if (kind === 10) this.#send(encodeAwareness([{ client: this.#clientId, clock: 1, state: "{}" }]));
    else this.#connection.drop(random.chance(0.3));
    if (!this.#connection.isOpen) this.#reconnect();
  }

  #claim({ clientId }: Target): void {
    const { random } = this.#options;
    const state = random.chance(0.3) ? "null" : '{"user":{"name":"#"}}';
    const clock = random.pick([0, 1, 2, 5, 50, 1_000]);
    this.#send(encodeAwareness([{ client: clientId, clock, state }]));
  }

  #forged({ clientId, clock }: Target): Uint8Array {
    const { random } = this.#options;
    const at = Math.max(0, clock + random.pick([-3, -1, 0, 0, 0, 0, 1, 4]));
    const structs = Array.from({ length: 1 + random.below(2) }, () => this.#struct([clientId, at - 1]));
    const blocks: RawBlock[] = [{ client: clientId, clock: at, structs }];
    if (random.chance(0.3)) {
      // Its own, and on top of the forged one.
      const place: RawPlace = random.chance(0.5) ? { origin: [clientId, at] } : {};
      blocks.push({
        client: this.#clientId,
        clock: this.#clock,
        structs: [rawString(FORGERS_OWN_TEXT, place)],
      });
      if (random.chance(0.7)) this.#clock++;
    }
    if (random.chance(0.5)) blocks.reverse();
    // Never of anything that is there: every editor may delete that.
    return rawUpdate(blocks, random.chance(0.2) ? [[clientId, at + 10_000, 1 + random.below(3)]] : []);
  }

  #struct(left: readonly [number, number]): Uint8Array {
    const { random } = this.#options;
    const place: RawPlace = left[1] >= 0 && random.chance(0.5) ? { origin: left } : {};
    switch (random.below(9)) {
      case 0:
        return rawGc(random.pick([1, 5, 1_000, 2 ** 31 - 1_000]));
      case 1:
        return rawDeleted(random.pick([1, 5, 1_000, 2 ** 31 - 1_000]), place);
      case 2:
        return rawSkip(1 + random.below(3));
      case 3:
        return rawFormat("bold", true, place);
      case 4:
        return rawAny(FORGED_TEXT, { root: "metadata", key: "description" });
      default:
        return rawString(FORGED_TEXT.repeat(1 + random.below(12)), place);
    }
  }

  #send(frame: Uint8Array): void {
    this.#connection.toServer(frame);
  }

  #connect(): Connection {
    const { delayMs, access, random, targets } = this.#options;
    const connection = this.#room.connect(
      { protocol: random.chance(0.5) ? "own" : "stock", delayMs, access },
      {
        hear: (frame) => {
          if (typeof frame === "string" || decodeServerFrame(frame).kind !== "step1") return;
          const answer = random.chance(0.5) ? Uint8Array.of(0, 0) : this.#forged(random.pick(targets()));
          connection.toServer(encodeSyncStep2(answer));
        },
        closed: () => {
          this.closes++;
        },
      },
    );
    if (random.chance(0.5)) connection.toServer(encodeSyncStep1(Uint8Array.of(0)));
    return connection;
  }

  #reconnect(): void {
    this.#connection = this.#connect();
  }
}
