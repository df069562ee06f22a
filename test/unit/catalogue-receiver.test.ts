import { describe, expect, test } from "vitest";
import { CatalogueReceiver } from "../../src/core/feed/catalogue-receiver.ts";
import {
  type CatalogueMessage,
  type CatalogueUpdate,
  revisionOf,
} from "../../src/core/feed/catalogue-update.ts";
import { type Delivery, Outbox } from "../../src/core/feed/outbox.ts";
import type { YjsSession } from "../../src/core/room/session.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

interface Sent extends CatalogueMessage {
  readonly atMs: number;
}

/** A room with its outbox, and a catalogue that takes what comes, fails, or does not answer. */
class FedRoom {
  readonly host: RoomHost;
  readonly receiver: CatalogueReceiver;
  readonly outbox: Outbox;
  readonly sent: Sent[] = [];
  answer: "takes" | "fails" | "waits" = "takes";
  /** What a message with the text costs there. */
  textRows = 4;
  /** And one with the open sessions. */
  sessionsRows = 0;
  readonly #startMs: number;
  #waiting: (() => void) | null = null;

  constructor(log = new MemoryUpdateLog()) {
    this.host = new RoomHost(log);
    this.receiver = new CatalogueReceiver(this.host.room, "team/greeting");
    this.outbox = new Outbox(this.host.room);
    this.outbox.add(this.receiver, (message, delivery) => this.#send(message, delivery));
    this.#startMs = this.host.nowMs;
  }

  /** What a Durable Object does in each turn. */
  run(): void {
    this.outbox.run(this.host.nowMs);
  }

  /** Lets time pass, millisecond by millisecond. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left--) {
      this.host.pass(1);
      this.run();
    }
  }

  /** The message that the catalogue has not answered arrives. */
  takeWaiting(): void {
    this.answer = "takes";
    this.#waiting?.();
    this.#waiting = null;
  }

  #send(message: CatalogueMessage, delivery: Delivery): void {
    const { nowMs } = this.host;
    this.sent.push({ ...message, atMs: nowMs - this.#startMs });
    const { kind } = message.update ?? {};
    const rows = kind === "text" ? this.textRows : kind === "deleted" ? 2 : 0;
    const sessionsRows = message.openSessions === null ? 0 : this.sessionsRows;
    const arrive = () => delivery.arrived(rows + sessionsRows, this.host.nowMs);
    if (this.answer === "takes") arrive();
    else if (this.answer === "fails") delivery.failed(nowMs);
    else this.#waiting = arrive;
  }

  write(content: string): void {
    this.host.submit({ content: { kind: "text", text: content } });
    this.run();
  }

  /** How much time lay between two messages with the text. */
  textGaps(): number[] {
    const times = this.sent.filter(({ update }) => update?.kind === "text").map(({ atMs }) => atMs);
    return times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0));
  }

  /** What went out, as `kind revision @ time`. */
  story(): string[] {
    return this.sent.flatMap(({ update, atMs }) =>
      update === null ? [] : [`${describeUpdate(update)} @${atMs}`],
    );
  }
}

function describeUpdate(update: CatalogueUpdate): string {
  return `${update.kind} ${revisionOf(update).revision}`;
}

describe("the catalogue as a receiver", () => {
  test("[CAT-1] the catalogue is told at once of a new fragment, with its text", () => {
    const room = new FedRoom();
    room.host.create("first");
    room.run();
    expect(room.story()).toEqual(["text 1 @0"]);
    expect(room.sent[0]?.update).toMatchObject({ text: "first", entry: { id: "team/greeting", size: 5 } });
    room.pass(60_000);
    expect(room.story()).toEqual(["text 1 @0"]);
  });

  test("[CAT-2] a text that writes very many rows waits until its fragment owes at most a minute's rows", () => {
    const room = new FedRoom();
    room.textRows = 1_000;
    room.host.create("first");
    room.run();
    const texts = () => room.story().filter((line) => line.startsWith("text"));
    for (let second = 0; second < 240; second++) {
      room.write(`at ${second}`);
      room.pass(1_000);
    }
    // 1,000 are owed: 700 of them are paid back, at 5.4 a second less what the commits take.
    expect(texts()).toHaveLength(2);
    room.pass(240_000);
    expect(texts().at(-1)).toMatch(/^text 241 /u);
  });

  test("[CAT-2] the catalogue is told of the text every 9.5 s at the latest, when people come and go all the time", () => {
    const room = new FedRoom();
    room.sessionsRows = 1;
    room.host.create("first");
    room.run();
    let guest: YjsSession | null = null;
    for (let tenth = 0; tenth < 6_000; tenth++) {
      room.write(`at ${tenth}`);
      if (tenth % 5 === 0 && guest !== null) {
        room.host.leave(guest);
        guest = null;
      } else if (tenth % 5 === 0) guest = room.host.joinYjs(new ScriptedPeer());
      room.pass(100);
    }
    const gaps = room.textGaps();
    expect(gaps.length).toBeGreaterThan(60);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(9_500);
  });

  test("[CAT-3] a creation is noted with the revision that it will have, in the next life too", () => {
    const { host, receiver } = new FedRoom(new MemoryUpdateLog(null));
    expect(receiver.nextCreation()).toEqual({ id: "team/greeting", revision: 1 });
    host.create("first");
    host.submit({ content: { kind: "text", text: "second" } });
    host.passUntilIdle();
    host.turn((nowMs) => host.room.remove(null, "user:ann", nowMs));
    const { revision } = receiver.nextCreation();
    host.create("again");
    expect(host.room.committed.revision).toBe(revision);
  });

  test("[COMMIT-4] the rows that the note of a creation costs are the fragment's own", () => {
    const { host, outbox } = new FedRoom();
    const before = host.room.affordableAt(20, host.nowMs);
    outbox.spend(5, host.nowMs);
    expect(host.room.affordableAt(20, host.nowMs)).toBeGreaterThan(before);
  });

  test("[CAT-2] the catalogue is told list fields within a second, and the text when the fragment is quiet", () => {
    const room = new FedRoom();
    room.host.create("first");
    room.run();
    room.pass(100);
    room.write("second");
    room.pass(100);
    room.write("third");
    room.pass(5_000);
    expect(room.story()).toEqual(["text 1 @0", "entry 3 @500", "text 3 @2200"]);
  });

  test("[CAT-2] the catalogue is told the text within ten seconds and list fields within one, while somebody types and rows are short", () => {
    const room = new FedRoom();
    room.host.create("");
    room.run();
    for (let n = 0; n < 700; n++) {
      room.pass(50);
      room.write(`text ${n}`);
    }
    const gaps = room.textGaps();
    expect(gaps).toHaveLength(4);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(9_500);
    const times = room.sent.map(({ atMs }) => atMs);
    const longest = Math.max(...times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0)));
    expect(longest).toBeLessThan(1_000);
  });

  test("[CAT-3] one delivery is under way at a time, and what happened meanwhile follows it", () => {
    const room = new FedRoom();
    room.answer = "waits";
    room.host.create("first");
    room.run();
    room.write("second");
    room.pass(30_000);
    expect(room.story()).toEqual(["text 1 @0"]);
    room.takeWaiting();
    room.pass(3_000);
    expect(room.story().at(-1)).toMatch(/^text 2/);
  });

  test("[CAT-3] a delivery that failed is tried again, later each time, and nothing is left out", () => {
    const room = new FedRoom();
    room.answer = "fails";
    room.host.create("first");
    room.run();
    room.pass(120_000);
    const gaps = room.sent.slice(1).map(({ atMs }, at) => atMs - (room.sent[at]?.atMs ?? 0));
    expect(gaps.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    room.answer = "takes";
    room.pass(31_000);
    expect(room.story().at(-1)).toMatch(/^text 1/);
    expect(room.outbox.dueAt(room.host.nowMs)).toBeNull();
  });

  test("[CAT-3] storage knows which messages were not delivered, and confirmed ones are not sent again", () => {
    const log = new MemoryUpdateLog();
    const first = new FedRoom(log);
    first.answer = "waits";
    first.host.create("text");
    first.run();
    const second = new FedRoom(new MemoryUpdateLog(log.stored));
    expect(second.outbox.isUnconfirmed).toBe(true);
    second.run();
    expect(second.story()).toEqual(["text 1 @0"]);
    second.outbox.confirm(false, second.host.nowMs);
    expect(second.outbox.isUnconfirmed).toBe(false);
    const third = new FedRoom(new MemoryUpdateLog((second.host.log as MemoryUpdateLog).stored));
    third.pass(20_000);
    expect(third.story()).toEqual([]);
  });

  test("[CAT-1] the catalogue is told at once of a deletion, and of the creation that follows", () => {
    const room = new FedRoom();
    room.host.create("first");
    room.run();
    room.pass(10);
    room.host.turn((nowMs) => room.host.room.remove(null, "user:ann", nowMs));
    room.run();
    room.pass(10);
    room.host.create("again");
    room.run();
    room.pass(1_000);
    expect(room.story()).toEqual(["text 1 @0", "deleted 2 @10", expect.stringMatching(/^text 3/)]);
  });

  test("[CAT-8] the catalogue is told of the open sessions by name when they change, and not when only a cursor moves", () => {
    const room = new FedRoom();
    room.host.create("text");
    room.run();
    room.pass(1_000);
    const session = room.host.joinJson(new ScriptedPeer());
    room.pass(1_000);
    room.host.receive(session, { action: "presence", state: { name: "Ada", color: "#abc", cursor: 1 } });
    room.pass(1_000);
    for (let cursor = 2; cursor < 4; cursor++) {
      room.host.receive(session, { action: "presence", state: { name: "Ada", color: "#abc", cursor } });
      room.pass(1_000);
    }
    room.host.leave(session);
    room.pass(1_000);
    const told = room.sent.flatMap(({ openSessions }) => openSessions ?? []);
    expect(told).toEqual([
      { sessions: 1, editors: [] },
      { sessions: 1, editors: [{ session: session.record.id, name: "Ada", color: "#abc" }] },
      { sessions: 0, editors: [] },
    ]);
  });

  test("[CAT-3] a room at rest has no delivery due, so that it hibernates", () => {
    const room = new FedRoom();
    room.host.create("text");
    room.run();
    room.pass(1_000);
    expect(room.outbox.dueAt(room.host.nowMs)).toBeNull();
  });
});
