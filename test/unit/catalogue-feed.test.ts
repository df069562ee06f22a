import { describe, expect, test } from "vitest";
import { CatalogueFeed, type Delivery } from "../../src/core/feed/catalogue-feed.ts";
import type { Parcel } from "../../src/core/feed/parcel.ts";
import type { YjsSession } from "../../src/core/room/session.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

interface Sent extends Delivery {
  readonly atMs: number;
}

/** A room with its feed, and a catalogue that takes what comes, fails, or does not answer. */
class FedRoom {
  readonly host: RoomHost;
  readonly feed: CatalogueFeed;
  readonly sent: Sent[] = [];
  answer: "takes" | "fails" | "waits" = "takes";
  /** What a delivery with text costs there. */
  textRows = 4;
  /** And one that says who is there. */
  editingRows = 0;
  readonly #startMs: number;

  constructor(log = new MemoryUpdateLog()) {
    this.host = new RoomHost(log);
    this.feed = new CatalogueFeed(this.host.room, "team/greeting");
    this.#startMs = this.host.nowMs;
  }

  /** Lets time pass, millisecond by millisecond, and does each millisecond what a Durable Object does. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left--) {
      this.host.pass(1);
      this.run();
    }
  }

  run(): void {
    const { nowMs } = this.host;
    const delivery = this.feed.take(nowMs);
    if (delivery === null) return;
    this.sent.push({ ...delivery, atMs: nowMs - this.#startMs });
    const rows =
      delivery.parcel?.kind === "text" ? this.textRows : delivery.parcel?.kind === "deleted" ? 2 : 0;
    const editingRows = delivery.editing === null ? 0 : this.editingRows;
    if (this.answer === "takes") this.feed.arrived(rows + editingRows, nowMs);
    else if (this.answer === "fails") this.feed.failed(nowMs);
  }

  write(content: string): void {
    this.host.submit({ content: { kind: "text", text: content } });
    this.run();
  }

  /** What went out, as `kind revision @ time`. */
  story(): string[] {
    return this.sent.flatMap(({ parcel, atMs }) =>
      parcel === null ? [] : [`${describeParcel(parcel)} @${atMs}`],
    );
  }
}

function describeParcel(parcel: Parcel): string {
  return `${parcel.kind} ${parcel.kind === "deleted" ? parcel.revision : parcel.entry.revision}`;
}

describe("the catalogue's feed", () => {
  test("[CAT-1] a new fragment is told at once, with its text", () => {
    const room = new FedRoom();
    room.host.create("first");
    room.run();
    expect(room.story()).toEqual(["text 1 @0"]);
    expect(room.sent[0]?.parcel).toMatchObject({ text: "first", entry: { id: "team/greeting", size: 5 } });
    room.pass(60_000);
    expect(room.story()).toEqual(["text 1 @0"]);
  });

  test("[CAT-2] a text that writes very many rows waits until a minute's rows are owed, at most", () => {
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

  test("[CAT-2] the text is told every ten seconds, when people come and go all the time", () => {
    const room = new FedRoom();
    room.editingRows = 1;
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
    const times = room.sent.filter(({ parcel }) => parcel?.kind === "text").map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0));
    expect(times.length).toBeGreaterThan(60);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
  });

  test("[CAT-3] a creation is announced with the revision that it will have, in the next life too", () => {
    const { host, feed } = new FedRoom(new MemoryUpdateLog(null));
    expect(feed.announcement()).toEqual({ id: "team/greeting", revision: 1 });
    host.create("first");
    host.submit({ content: { kind: "text", text: "second" } });
    host.passUntilIdle();
    host.turn((nowMs) => host.room.remove(null, nowMs));
    const { revision } = feed.announcement();
    host.create("again");
    expect(host.room.fragment.alive.revision).toBe(revision);
  });

  test("[COMMIT-4] the rows that an announcement costs are the fragment's own", () => {
    const { host, feed } = new FedRoom();
    const before = host.room.fragment.log.affordableAt(20, host.nowMs);
    feed.announced(5, host.nowMs);
    expect(host.room.fragment.log.affordableAt(20, host.nowMs)).toBeGreaterThan(before);
  });

  test("[CAT-2] list fields are told within a second, the text when the fragment is quiet", () => {
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

  test("[CAT-2] the text is told within ten seconds, and list fields within one, while somebody types on and rows are short", () => {
    const room = new FedRoom();
    room.host.create("");
    room.run();
    for (let n = 0; n < 700; n++) {
      room.pass(50);
      room.write(`text ${n}`);
    }
    const texts = room.sent.filter(({ parcel }) => parcel?.kind === "text");
    const gaps = texts.slice(1).map(({ atMs }, at) => atMs - (texts[at]?.atMs ?? 0));
    expect(gaps).toHaveLength(4);
    for (const gap of gaps) expect(gap).toBeLessThan(10_000);
    const times = room.sent.map(({ atMs }) => atMs);
    const longest = Math.max(...times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0)));
    expect(longest).toBeLessThan(1_000);
  });

  test("[CAT-3] one delivery is under way at a time, and what came meanwhile follows", () => {
    const room = new FedRoom();
    room.answer = "waits";
    room.host.create("first");
    room.run();
    room.write("second");
    room.pass(30_000);
    expect(room.story()).toEqual(["text 1 @0"]);
    room.answer = "takes";
    room.feed.arrived(4, room.host.nowMs);
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
    expect(room.feed.dueAt(room.host.nowMs)).toBeNull();
  });

  test("[CAT-3] what was not delivered is known from storage, and what was confirmed is not sent again", () => {
    const log = new MemoryUpdateLog();
    const first = new FedRoom(log);
    first.answer = "waits";
    first.host.create("text");
    first.run();
    const second = new FedRoom(new MemoryUpdateLog(log.stored));
    expect(second.feed.isUnconfirmed).toBe(true);
    second.run();
    expect(second.story()).toEqual(["text 1 @0"]);
    second.feed.confirm(false, second.host.nowMs);
    expect(second.feed.isUnconfirmed).toBe(false);
    const third = new FedRoom(new MemoryUpdateLog((second.host.log as MemoryUpdateLog).stored));
    third.pass(20_000);
    expect(third.story()).toEqual([]);
  });

  test("[CAT-1] a deletion is told at once, and the next life too", () => {
    const room = new FedRoom();
    room.host.create("first");
    room.run();
    room.pass(10);
    room.host.turn((nowMs) => room.host.room.remove(null, nowMs));
    room.run();
    room.pass(10);
    room.host.create("again");
    room.run();
    room.pass(1_000);
    expect(room.story()).toEqual(["text 1 @0", "deleted 2 @10", expect.stringMatching(/^text 3/)]);
  });

  test("[CAT-8] who is here is told when it changes, by name, and not when only a cursor moves", () => {
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
    const told = room.sent.flatMap(({ editing }) => (editing === null ? [] : [editing]));
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
    expect(room.feed.dueAt(room.host.nowMs)).toBeNull();
  });
});
