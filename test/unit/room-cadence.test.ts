/** When the room sends and writes: at once where it is quiet, once a window where it is busy, never for nothing. */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { Peer } from "../../src/core/room/session.ts";
import { encodeAwareness, encodePush, encodeSyncStep2, encodeUpdate } from "../../src/protocol/yjs-frames.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { decodeServerFrame, type YjsServerFrame } from "../support/yjs-client.ts";

/** A room with one fragment, whose writes and sends are noted in one list, in order. */
class Watched {
  readonly events: string[] = [];
  readonly log: MemoryUpdateLog;
  readonly host: RoomHost;
  #clients = 0;

  constructor() {
    this.log = new MemoryUpdateLog(null, () => this.events.push("write"));
    this.host = new RoomHost(this.log);
    this.host.create("text");
    this.host.pass(60_000);
    this.events.length = 0;
  }

  json(name: string, options: Parameters<RoomHost["joinJson"]>[1] = {}) {
    const peer = new ScriptedPeer();
    const session = this.host.joinJson(this.#note(name, peer), options);
    peer.take();
    return { peer, session, send: (frame: object) => this.host.receive(session, frame) };
  }

  /** A Yjs editor in step with the room. */
  yjs(name: string, options: Parameters<RoomHost["joinYjs"]>[1] = {}) {
    const peer = new ScriptedPeer();
    const session = this.host.joinYjs(this.#note(name, peer), options);
    const doc = new Y.Doc();
    doc.clientID = 100 + ++this.#clients;
    Y.applyUpdate(doc, this.host.room.snapshot());
    const edit = (change: (text: Y.Text) => void): Uint8Array => {
      const before = Y.encodeStateVector(doc);
      const updates: Uint8Array[] = [];
      const take = (update: Uint8Array) => updates.push(update);
      doc.on("update", take);
      change(doc.getText("content"));
      doc.off("update", take);
      return updates.length === 0 ? Y.encodeStateAsUpdate(doc, before) : Y.mergeUpdates(updates);
    };
    return {
      peer,
      session,
      doc,
      edit,
      type: (text: string) =>
        this.host.receive(session, encodeUpdate(edit((content) => content.insert(0, text)))),
      push: (seq: number, update: Uint8Array) => this.host.receive(session, encodePush(seq, update)),
      frames: (): YjsServerFrame[] => peer.takeBinary().map(decodeServerFrame),
    };
  }

  forget(): void {
    this.events.length = 0;
  }

  #note(name: string, peer: ScriptedPeer): Peer {
    return {
      send: (frame) => {
        const kind = typeof frame === "string" ? JSON.parse(frame).action : decodeServerFrame(frame).kind;
        this.events.push(`${name} ${kind}`);
        peer.send(frame);
      },
      close: (code, reason) => {
        this.events.push(`${name} closed ${code}`);
        peer.close(code, reason);
      },
      remember: (record) => peer.remember(record),
    };
  }
}

describe("broadcast", () => {
  test("[ROOM-2] a quiet room sends a Yjs edit on in the same turn", () => {
    const room = new Watched();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    room.host.pass(1_000);
    room.forget();
    a.type("x");
    expect(b.frames().map(({ kind }) => kind)).toEqual(["update"]);
  });

  test("[ROOM-2] an edit is not echoed to the only one who made it", () => {
    const room = new Watched();
    const [a] = [room.yjs("a"), room.yjs("b")] as const;
    a.type("x");
    room.host.passUntilIdle();
    expect(a.frames()).toEqual([]);
  });

  test("[ROOM-3] a busy room sends what came within one window as one frame", () => {
    const room = new Watched();
    const writers = Array.from({ length: 20 }, (_, index) => room.yjs(`w${index}`));
    const reader = room.yjs("reader");
    writers[0]?.type("first, at once");
    reader.frames();
    for (const writer of writers) writer.type("x");
    expect(reader.frames()).toEqual([]);
    room.host.pass(30);
    const frames = reader.frames();
    expect(frames.map(({ kind }) => kind)).toEqual(["update"]);
    for (const frame of frames) if (frame.kind === "update") Y.applyUpdate(reader.doc, frame.update);
    room.host.passUntilIdle();
    expect(room.host.room.committed.content.match(/x/g)?.length).toBe(20 + 1); // and the one of "text"
  });

  test("[ROOM-3] a room of a thousand sends at most 10,000 frames a second, when edits never stop", () => {
    const room = new Watched();
    const [reader, writer] = [room.yjs("reader"), room.yjs("writer")] as const;
    for (let peers = 2; peers < 1_000; peers++) room.yjs(`idle ${peers}`);
    writer.type("first");
    reader.frames();
    for (let ms = 0; ms < 1_000; ms += 5) {
      writer.type("x");
      room.host.pass(5);
    }
    const frames = reader.frames().filter(({ kind }) => kind === "update");
    expect(frames.length).toBeGreaterThan(8);
    expect(frames.length).toBeLessThanOrEqual(10); // to each of the thousand
  });

  test("[ROOM-3] a window grows with the bytes that wait in it, and with no others", () => {
    const room = new Watched();
    const [reader, writer] = [room.yjs("reader"), room.yjs("writer")] as const;
    for (let peers = 0; peers < 98; peers++) room.yjs(`idle ${peers}`);
    const arrivesAfterMs = (text: string) => {
      room.host.pass(1_000);
      writer.type("at once");
      writer.type(text);
      reader.frames();
      for (let ms = 1; ms <= 1_000; ms++) {
        room.host.pass(1);
        if (reader.frames().length > 0) return ms;
      }
      return null;
    };
    expect(arrivesAfterMs("short")).toBe(11); // 100 peers
    expect(arrivesAfterMs("x".repeat(100_000))).toBe(111);
    expect(arrivesAfterMs("short")).toBe(11);
  });

  test("[TEXT-5] who types a CRLF is sent what the room makes of it", () => {
    const room = new Watched();
    const a = room.yjs("a");
    a.type("one\r\ntwo");
    room.host.passUntilIdle();
    for (const frame of a.frames()) if (frame.kind === "update") Y.applyUpdate(a.doc, frame.update);
    expect(a.doc.getText("content").toString()).toBe("one\ntwotext");
    expect(room.host.room.committed.content).toBe("one\ntwotext");
  });

  test("[ROOM-3] two authors of one window both get the frame", () => {
    const room = new Watched();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    a.type("first");
    b.frames();
    a.type("x");
    b.type("y");
    room.host.passUntilIdle();
    expect(a.frames().map(({ kind }) => kind)).toEqual(["update"]);
    expect(b.frames().map(({ kind }) => kind)).toEqual(["update"]);
  });
});

describe("commit", () => {
  test("[COMMIT-2] a turn broadcasts, then writes, then acknowledges, then tells the JSON peers", () => {
    const room = new Watched();
    const [a] = [room.yjs("a"), room.yjs("b"), room.json("json")] as const;
    room.forget();
    a.push(
      1,
      a.edit((text) => text.insert(0, "x")),
    );
    expect(room.events).toEqual(["b update", "write", "a saved", "json update"]);
  });

  test("[COMMIT-2] what the server writes for a JSON client is durable before any peer sees it", () => {
    const room = new Watched();
    const [json] = [room.json("json"), room.json("other"), room.yjs("y")] as const;
    room.forget();
    json.send({ action: "update", content: "new text", base_version: 1 });
    expect(room.events).toEqual(["write", "y update", "json update_status", "other update"]);
  });

  test("[COMMIT-3] a quiet room writes in the same turn", () => {
    const room = new Watched();
    const json = room.json("json");
    json.send({ action: "update", content: "new text", base_version: 1, request_id: "r" });
    expect(json.peer.takeJson()).toMatchObject([{ action: "update_status", version: 2, request_id: "r" }]);
  });

  test("[COMMIT-3] a busy room makes one revision of what came within one window", () => {
    const room = new Watched();
    const json = room.json("json");
    for (let edits = 0; edits < 200; edits++) {
      json.send({ action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "x" }] });
    }
    room.host.passUntilIdle();
    const statuses = json.peer.takeJson().filter(({ action }) => action === "update_status");
    expect(statuses.length).toBe(200);
    expect(room.host.room.committed.revision).toBeLessThan(20);
    expect(room.host.room.committed.content).toBe(`${"x".repeat(200)}text`);
  });

  test("[COMMIT-3] an acknowledgement in a busy room takes at most 250 ms, for 95 of 100", () => {
    const room = new Watched();
    const json = room.json("json");
    const waits: number[] = [];
    for (let edit = 0; edit < 200; edit++) {
      const sentMs = room.host.nowMs;
      json.send({ action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "x" }] });
      while (json.peer.frameCount === 0) room.host.pass(1);
      json.peer.take();
      waits.push(room.host.nowMs - sentMs);
    }
    const inOrder = waits.sort((a, b) => a - b);
    expect(inOrder[Math.floor(inOrder.length * 0.95)]).toBeLessThanOrEqual(250);
  });

  test.each([
    ["small edits by JSON", 20, 60],
    ["small edits by Yjs", 20, 60],
    ["large edits by Yjs", 20_000, 60],
    ["large edits by JSON, one a second", 20_000, 1_000],
  ])("[COMMIT-4] at most 6 rows a second are written over a minute, under %s", (kind, size, everyMs) => {
    const room = new Watched();
    const json = room.json("json");
    const yjs = room.yjs("yjs");
    const before = room.log.rowsWritten;
    const startMs = room.host.nowMs;
    for (let edit = 0; room.host.nowMs < startMs + 60_000; edit++) {
      const insert = `${edit}`.padEnd(size, ".");
      if (kind.endsWith("Yjs")) {
        yjs.type(insert);
        if (size > 1_000)
          yjs.push(
            edit,
            yjs.edit((text) => text.delete(0, insert.length)),
          );
      } else {
        const to = Math.min(size, room.host.room.committed.content.length);
        const base = { base_version: room.host.room.committed.revision };
        json.send({ action: "edit", ...base, changes: [{ from: 0, to, insert }] });
      }
      json.peer.take();
      room.host.pass(everyMs);
    }
    expect(room.log.rowsWritten - before).toBeLessThanOrEqual(360);
    expect(room.log.rowsWritten - before).toBeGreaterThan(30);
  });

  test("[COMMIT-5] a read waits for the running window, and forces no row", () => {
    const room = new Watched();
    const yjs = room.yjs("yjs");
    for (let edits = 0; edits < 30; edits++) yjs.type("x");
    const rows = room.log.rowsWritten;
    let isRead = false;
    room.host.turn(() => room.host.room.whenDurable(() => (isRead = true)));
    expect(isRead).toBe(false);
    expect(room.log.rowsWritten).toBe(rows);
    room.host.pass(250);
    expect(isRead).toBe(true);
  });

  test("[COMMIT-6] an idle room wants not to be called", () => {
    const room = new Watched();
    const [json, yjs] = [room.json("json"), room.yjs("yjs")] as const;
    expect(room.host.room.dueAt(room.host.nowMs)).toBeNull();
    json.send({ action: "update", content: "other", base_version: 1 });
    json.send({ action: "presence", state: { name: "J" } });
    yjs.type("x");
    room.host.passUntilIdle();
    room.host.leave(json.session);
    room.host.leave(yjs.session);
    room.host.passUntilIdle();
    expect(room.host.room.dueAt(room.host.nowMs)).toBeNull();
  });

  test("[COMMIT-6] a refused write costs no row and no revision", () => {
    const room = new Watched();
    const json = room.json("json");
    room.forget();
    json.send({
      action: "edit",
      base_version: 1,
      changes: [{ from: 0, to: 99, insert: "" }],
      request_id: "r",
    });
    expect(room.events).toEqual(["json error"]);
    expect(room.host.room.committed.revision).toBe(1);
  });

  test("[COMMIT-6] a text that changes nothing is acknowledged and costs no row", () => {
    const room = new Watched();
    const json = room.json("json");
    room.forget();
    json.send({ action: "update", content: "text", base_version: 1 });
    expect(room.events).toEqual(["json update_status"]);
    expect(json.peer.takeJson()).toMatchObject([{ version: 1 }]);
  });
});

describe("saved", () => {
  test("[COMMIT-7] a push with a gap is not saved, until a sync step 2 has brought what it lacked", () => {
    const room = new Watched();
    const yjs = room.yjs("yjs");
    const lost = yjs.edit((text) => text.insert(0, "lost"));
    expect(lost.length).toBeGreaterThan(0);
    yjs.push(
      2,
      yjs.edit((text) => text.insert(4, "late")),
    );
    room.host.passUntilIdle();
    expect(yjs.frames().map(({ kind }) => kind)).toEqual(["step1"]);
    yjs.push(
      3,
      yjs.edit((text) => text.insert(8, "later")),
    );
    room.host.passUntilIdle();
    expect(yjs.frames()).toEqual([]); // one question at a time
    room.host.receive(yjs.session, encodeSyncStep2(Y.encodeStateAsUpdate(yjs.doc)));
    room.host.passUntilIdle();
    expect(yjs.frames()).toMatchObject([{ kind: "saved", seq: 3, revision: 2 }]);
    expect(room.host.room.committed.content).toBe("lostlatelatertext");
  });

  test("[COMMIT-7] a push with a gap is not saved, when the sync step 2 that was asked for does not fill it", () => {
    const room = new Watched();
    const yjs = room.yjs("yjs");
    const lost = yjs.edit((text) => text.insert(0, "lost"));
    const late = yjs.edit((text) => text.insert(4, "late"));
    yjs.push(7, late);
    room.host.passUntilIdle();
    const stale = encodeSyncStep2(room.host.room.snapshot());
    for (let asked = 0; asked < 3; asked++) {
      room.host.receive(yjs.session, stale);
      room.host.passUntilIdle();
    }
    const after = yjs.edit((text) => text.delete(9, 1)); // of "text", which is known
    yjs.push(8, after);
    room.host.passUntilIdle();
    expect(room.host.room.committed.content).toBe("txt");
    expect(yjs.frames().map(({ kind }) => kind)).not.toContain("saved");
    expect(yjs.session.record.isBehind).toBe(true);

    room.host.receive(yjs.session, encodeSyncStep2(lost));
    room.host.passUntilIdle();
    expect(yjs.frames()).toMatchObject([{ kind: "saved", seq: 8 }]);
    expect(room.host.room.committed.content).toBe("lostlatetxt");
    expect(yjs.session.record.isBehind).toBe(false);
  });

  test("[COMMIT-7] a pushed delete of what is not known is not saved before it is made", () => {
    const room = new Watched();
    const [yjs, other] = [room.yjs("yjs"), room.yjs("other")] as const;
    const insert = other.edit((text) => text.insert(0, "other "));
    Y.applyUpdate(yjs.doc, insert);
    yjs.push(
      1,
      yjs.edit((text) => text.delete(0, 3)),
    );
    room.host.receive(yjs.session, encodeSyncStep2(room.host.room.snapshot()));
    room.host.passUntilIdle();
    expect(yjs.frames().map(({ kind }) => kind)).toEqual(["step1"]);
    room.host.receive(yjs.session, encodeSyncStep2(Y.encodeStateAsUpdate(yjs.doc)));
    room.host.passUntilIdle();
    expect(yjs.frames()).toMatchObject([{ kind: "saved", seq: 1 }]);
    expect(room.host.room.committed.content).toBe("er text");
  });

  test("[COMMIT-7] a peer whose pushes wait for more than a frame's bytes is sent away", () => {
    const room = new Watched();
    const yjs = room.yjs("yjs");
    yjs.edit((text) => text.insert(0, "lost"));
    for (let seq = 1; seq <= 9; seq++)
      yjs.push(
        seq,
        yjs.edit((text) => text.insert(4, "x".repeat(1_000_000))),
      );
    room.host.passUntilIdle();
    expect(room.events.filter((event) => event.startsWith("yjs closed"))).toEqual(["yjs closed 4413"]);
    expect(room.host.room.committed.content).toBe("text");
  });

  test("[YJS-4] a peer that has not agreed on the subprotocol is sent none of its frames, when it pushes", () => {
    const room = new Watched();
    const yjs = room.yjs("yjs", { isOwnClient: false });
    yjs.push(
      1,
      yjs.edit((text) => text.insert(0, "stock ")),
    );
    room.host.passUntilIdle();
    expect(yjs.frames()).toEqual([]);
    expect(room.host.room.committed.content).toBe("stock text");
  });

  test("[YJS-7] each gap is asked for, when the one before has been filled", () => {
    const room = new Watched();
    const yjs = room.yjs("early");
    for (const word of ["one", "two"]) {
      const before = Y.encodeStateVector(yjs.doc);
      yjs.edit((text) => text.insert(0, `lost with ${word}, `));
      yjs.type(`${word}, `);
      yjs.type("and more, ");
      room.host.passUntilIdle();
      expect(
        yjs.frames().map(({ kind }) => kind),
        word,
      ).toEqual(["step1"]);
      room.host.receive(yjs.session, encodeSyncStep2(Y.encodeStateAsUpdate(yjs.doc, before)));
      room.host.passUntilIdle();
    }
    expect(room.host.room.committed.content).toBe(yjs.doc.getText("content").toString());
  });

  test.for(["a step 2", "a push"])(
    "[ROOM-7] a peer whose step 2 builds on what a third brings back later, as %s, is asked again",
    (brings) => {
      const room = new Watched();
      const [third, early] = [room.yjs("third"), room.yjs("early")] as const;
      third.edit((text) => text.insert(0, "lost, "));
      Y.applyUpdate(early.doc, Y.encodeStateAsUpdate(third.doc));
      early.edit((text) => text.insert(6, "and found, "));
      const sendStep2 = (one: typeof third, update: Uint8Array) =>
        room.host.receive(one.session, encodeSyncStep2(update));
      // What the third wrote is held back, as where its peer has it as pending only.
      sendStep2(early, Y.encodeStateAsUpdate(early.doc, Y.encodeStateVector(third.doc)));
      room.host.passUntilIdle();
      expect(early.frames()).toEqual([]);
      if (brings === "a push") third.push(1, Y.encodeStateAsUpdate(third.doc));
      sendStep2(third, Y.encodeStateAsUpdate(third.doc));
      room.host.passUntilIdle();
      expect(
        early
          .frames()
          .map(({ kind }) => kind)
          .sort(),
      ).toEqual(["step1", "update"]);
      sendStep2(early, Y.encodeStateAsUpdate(early.doc));
      room.host.passUntilIdle();
      expect(room.host.room.committed.content).toBe("lost, and found, text");
    },
  );

  test("[COMMIT-7] a refused push is noticed and closed, and never saved, in the window of a good one either", () => {
    const room = new Watched();
    const [good, bad] = [room.yjs("good"), room.yjs("bad")] as const;
    good.type("quiet no more");
    room.forget();
    good.push(
      1,
      good.edit((text) => text.insert(0, "x")),
    );
    bad.push(7, Uint8Array.of(1, 1, 1));
    room.host.passUntilIdle();
    expect(room.events).toContain("good saved");
    const told = room.events.filter((event) => event.startsWith("bad") && event !== "bad update");
    expect(told).toEqual(["bad notice", "bad closed 4400"]);
  });

  test("[COMMIT-7] a good push before a refused one of the same session is not lost, though never answered", () => {
    const room = new Watched();
    const [yjs, other] = [room.yjs("yjs"), room.yjs("other")] as const;
    other.type("quiet no more");
    yjs.push(
      1,
      yjs.edit((text) => text.insert(0, "kept")),
    );
    yjs.push(2, Uint8Array.of(1, 1, 1));
    room.host.passUntilIdle();
    expect(room.host.room.committed.content).toContain("kept");
    expect(room.events).not.toContain("yjs saved");
  });

  test("[COMMIT-7] a push that brings nothing new is saved at once", () => {
    const room = new Watched();
    const yjs = room.yjs("yjs");
    const update = yjs.edit((text) => text.insert(0, "x"));
    yjs.push(1, update);
    yjs.push(2, update);
    room.host.passUntilIdle();
    const saved = yjs.frames().filter((frame) => frame.kind === "saved");
    expect(saved.at(-1)).toMatchObject({ seq: 2, revision: 2 });
  });
});

describe("presence", () => {
  const entry = (client: number, clock: number, state: unknown) =>
    encodeAwareness([{ client, clock, state: JSON.stringify(state) }]);

  test("[PRESENCE-1] presence is told at once in a quiet room, and then once a window", () => {
    const room = new Watched();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    room.host.receive(a.session, entry(101, 1, { cursor: 1 }));
    expect(b.frames().length).toBe(1);
    for (let clock = 2; clock < 30; clock++)
      room.host.receive(a.session, entry(101, clock, { cursor: clock }));
    expect(b.frames()).toEqual([]);
    room.host.pass(99);
    expect(b.frames()).toEqual([]);
    room.host.pass(10);
    const [frame, ...more] = b.frames();
    expect(more).toEqual([]);
    expect(frame).toMatchObject({ kind: "awareness" });
    if (frame?.kind === "awareness")
      expect(frame.states.get(101)).toEqual({ clock: 29, state: { cursor: 29 } });
  });

  test("[PRESENCE-1] the presence window grows with the peers", () => {
    const room = new Watched();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    for (let peers = 0; peers < 98; peers++) room.yjs(`idle ${peers}`);
    room.host.receive(a.session, entry(101, 1, {}));
    room.host.receive(a.session, entry(101, 2, { moved: true }));
    b.frames();
    room.host.pass(299);
    expect(b.frames()).toEqual([]);
    room.host.pass(1);
    expect(b.frames().length).toBe(1);
  });

  test("[PRESENCE-2] a cursor whose renewals stop is gone after 30 seconds, one that is renewed stays", () => {
    const room = new Watched();
    const watcher = room.yjs("watcher");
    const [one, other] = [new ScriptedPeer(), new ScriptedPeer()].map((peer) =>
      room.host.joinYjs(peer, { isOwnClient: false }),
    );
    if (one === undefined || other === undefined) throw new Error("Two join.");
    room.host.receive(one, entry(201, 1, { who: "one" }));
    room.host.receive(other, entry(202, 1, { who: "other" }));
    room.host.pass(15_000);
    room.host.receive(other, entry(202, 2, { who: "other" }));
    watcher.frames();
    room.host.pass(16_000);
    const states = watcher.frames().flatMap((frame) => (frame.kind === "awareness" ? [...frame.states] : []));
    expect(states).toContainEqual([201, { clock: 2, state: null }]);
    expect(states.filter(([client]) => client === 202)).toEqual([]);
  });

  test("[PRESENCE-2] a cursor of a socket that closed is gone in the same turn", () => {
    const room = new Watched();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    room.host.receive(a.session, entry(101, 1, { cursor: 1 }));
    b.frames();
    room.host.leave(a.session);
    const [frame] = b.frames();
    if (frame?.kind !== "awareness") throw new Error("Nobody was told.");
    expect(frame.states.get(101)).toEqual({ clock: 2, state: null });
  });

  test("[PRESENCE-2] a cursor is gone for the others, when its session takes it back", () => {
    const room = new Watched();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    const json = room.host.joinJson(new ScriptedPeer());
    const told = () => {
      room.host.pass(1_000);
      return b.frames().flatMap((frame) => (frame.kind === "awareness" ? [...frame.states] : []));
    };
    room.host.receive(a.session, entry(101, 1, { cursor: 1 }));
    room.host.receive(json, { action: "presence", state: { name: "Ann" } });
    expect(told()).toHaveLength(2);
    room.host.receive(a.session, entry(101, 2, null));
    room.host.receive(json, { action: "presence", state: null });
    expect(told()).toEqual([
      [101, { clock: 2, state: null }],
      [json.record.clientId, { clock: 2, state: null }],
    ]);
  });

  test.for([
    [{}, {}],
    [{ user: null, cursor: null }, {}],
    [{ user: "Ann", cursor: "here" }, {}],
    [{ user: { name: 7, color: "red" }, cursor: { anchor: 1, head: [] } }, { color: "red" }],
    [
      { user: { name: "Ann", color: {} }, cursor: { anchor: { item: { client: -1, clock: "x" } } } },
      { name: "Ann" },
    ],
    [{ cursor: { anchor: { type: null, tname: "other", assoc: 0 }, head: {} } }, {}],
  ])(
    "[PRESENCE-4] JSON peers see what a state says as stock editors say it, and nothing else: %j",
    ([state, shown]) => {
      const room = new Watched();
      const [json, yjs] = [room.json("json"), room.yjs("yjs")] as const;
      room.host.receive(yjs.session, entry(101, 1, state));
      const session = yjs.session.record.id;
      expect(json.peer.takeJson()).toEqual([{ action: "presence", peers: [{ session, ...shown }] }]);
    },
  );

  test("[PRESENCE-3] entries of others are dropped without a word", () => {
    const room = new Watched();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    room.host.receive(a.session, entry(101, 1, { who: "a" }));
    room.host.receive(b.session, entry(102, 1, { who: "b" }));
    room.host.passUntilIdle();
    a.frames();
    b.frames();
    room.host.receive(b.session, entry(101, 9, { who: "not a" }));
    room.host.pass(1_000);
    expect(a.frames()).toEqual([]);
    expect(b.peer.closed).toBeNull();
  });
});
