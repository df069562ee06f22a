/** When the room sends and writes: at once where it is quiet, once a window where it is busy, never for nothing. */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { encodeAwareness, encodeSyncStep2 } from "../../src/protocol/yjs-frames.ts";
import { rawString, rawUpdate } from "../support/raw-update.ts";
import { RoomScene } from "../support/room-scene.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

describe("broadcast", () => {
  test("[ROOM-2] a quiet room sends a Yjs edit on in the same turn", () => {
    const room = new RoomScene();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    room.wait(1_000);
    room.forget();
    a.type("x");
    expect(b.kinds()).toEqual(["update"]);
  });

  test("[ROOM-2] an edit is not echoed, when one session alone made it", () => {
    const room = new RoomScene();
    const [a] = [room.yjs("a"), room.yjs("b")] as const;
    a.type("x");
    room.rest();
    expect(a.frames()).toEqual([]);
  });

  test("[ROOM-3] a busy room sends what came within one window as one frame", () => {
    const room = new RoomScene();
    const writers = Array.from({ length: 20 }, (_, index) => room.yjs(`w${index}`));
    const reader = room.yjs("reader");
    writers[0]?.type("first, at once");
    reader.frames();
    for (const writer of writers) writer.type("x");
    expect(reader.frames()).toEqual([]);
    room.wait(30);
    const frames = reader.frames();
    expect(frames.map(({ kind }) => kind)).toEqual(["update"]);
    for (const frame of frames) if (frame.kind === "update") Y.applyUpdate(reader.doc, frame.update);
    room.rest();
    expect(room.text.match(/x/g)?.length).toBe(20 + 1); // and the one of "text"
  });

  test("[ROOM-3] a room of a thousand sends at most 10,000 frames a second, when edits never stop", () => {
    const room = new RoomScene();
    const [reader, writer] = [room.yjs("reader"), room.yjs("writer")] as const;
    for (let peers = 2; peers < 1_000; peers++) room.yjs(`idle ${peers}`);
    writer.type("first");
    reader.frames();
    for (let ms = 0; ms < 1_000; ms += 5) {
      writer.type("x");
      room.wait(5);
    }
    const frames = reader.frames().filter(({ kind }) => kind === "update");
    expect(frames.length).toBeGreaterThan(8);
    expect(frames.length).toBeLessThanOrEqual(10); // to each of the thousand
  });

  test("[ROOM-3] a window grows with the bytes that wait in it, and not with earlier ones", () => {
    const room = new RoomScene();
    const [reader, writer] = [room.yjs("reader"), room.yjs("writer")] as const;
    for (let peers = 0; peers < 98; peers++) room.yjs(`idle ${peers}`);
    const arrivesAfterMs = (text: string) => {
      room.wait(1_000);
      writer.type("at once");
      writer.type(text);
      reader.frames();
      for (let ms = 1; ms <= 1_000; ms++) {
        room.wait(1);
        if (reader.frames().length > 0) return ms;
      }
      return null;
    };
    expect(arrivesAfterMs("short")).toBe(11); // 100 peers
    expect(arrivesAfterMs("x".repeat(100_000))).toBe(111);
    expect(arrivesAfterMs("short")).toBe(11);
  });

  test("[TEXT-5] a peer that types a CRLF is sent what the room makes of it", () => {
    const room = new RoomScene();
    const a = room.yjs("a");
    a.type("one\r\ntwo");
    room.rest();
    for (const frame of a.frames()) if (frame.kind === "update") Y.applyUpdate(a.doc, frame.update);
    expect(a.doc.getText("content").toString()).toBe("one\ntwotext");
    expect(room.text).toBe("one\ntwotext");
  });

  test("[ROOM-3] both authors get the frame, when a window has edits of two", () => {
    const room = new RoomScene();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    a.type("first");
    b.frames();
    a.type("x");
    b.type("y");
    room.rest();
    expect(a.kinds()).toEqual(["update"]);
    expect(b.kinds()).toEqual(["update"]);
  });
});

describe("commit", () => {
  test("[COMMIT-2] a turn broadcasts, then writes, then acknowledges, then tells the JSON peers", () => {
    const room = new RoomScene();
    const [a] = [room.yjs("a"), room.yjs("b"), room.json("json")] as const;
    room.forget();
    a.push(1, (text) => text.insert(0, "x"));
    expect(room.events).toEqual(["b update", "write", "a saved", "json update"]);
  });

  test("[COMMIT-2] an edit that the server writes for a JSON client is durable before any peer sees it", () => {
    const room = new RoomScene();
    const [json] = [room.json("json"), room.json("other"), room.yjs("y")] as const;
    room.forget();
    json.send({ action: "update", content: "new text", base_version: 1 });
    expect(room.events).toEqual(["write", "y update", "json update_status", "other update"]);
  });

  test("[COMMIT-3] a quiet room writes in the same turn", () => {
    const room = new RoomScene();
    const json = room.json("json");
    json.send({ action: "update", content: "new text", base_version: 1, request_id: "r" });
    expect(json.told()).toMatchObject([{ action: "update_status", version: 2, request_id: "r" }]);
  });

  test("[COMMIT-3] a busy room makes one revision of what came within one window", () => {
    const room = new RoomScene();
    const json = room.json("json");
    for (let edits = 0; edits < 200; edits++) {
      json.send({ action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "x" }] });
    }
    room.rest();
    const statuses = json.told().filter(({ action }) => action === "update_status");
    expect(statuses.length).toBe(200);
    expect(room.revision).toBeLessThan(20);
    expect(room.text).toBe(`${"x".repeat(200)}text`);
  });

  test("[COMMIT-3] an acknowledgement in a busy room takes at most 250 ms, for 95 of 100", () => {
    const room = new RoomScene();
    const json = room.json("json");
    const waits: number[] = [];
    for (let edit = 0; edit < 200; edit++) {
      const sentMs = room.host.nowMs;
      json.send({ action: "edit", base_version: 1, changes: [{ from: 0, to: 0, insert: "x" }] });
      while (json.peer.frameCount === 0) room.wait(1);
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
    const room = new RoomScene();
    const json = room.json("json");
    const yjs = room.yjs("yjs");
    const before = room.log.rowsWritten;
    const startMs = room.host.nowMs;
    for (let edit = 0; room.host.nowMs < startMs + 60_000; edit++) {
      const insert = `${edit}`.padEnd(size, ".");
      if (kind.endsWith("Yjs")) {
        yjs.type(insert);
        if (size > 1_000) yjs.push(edit, (text) => text.delete(0, insert.length));
      } else {
        const to = Math.min(size, room.text.length);
        const base = { base_version: room.revision };
        json.send({ action: "edit", ...base, changes: [{ from: 0, to, insert }] });
      }
      json.peer.take();
      room.wait(everyMs);
    }
    expect(room.log.rowsWritten - before).toBeLessThanOrEqual(360);
    expect(room.log.rowsWritten - before).toBeGreaterThan(30);
  });

  test("[COMMIT-4] at most 6 rows a second are written over a minute, when each frame brings what the server has lost", () => {
    const room = new RoomScene();
    const peer = room.yjs("peer");
    const before = room.log.rowsWritten;
    const startMs = room.host.nowMs;
    const lost = room.host.room.life?.serverClientId;
    while (room.host.nowMs < startMs + 60_000) {
      const client = room.host.room.life?.serverClientId ?? 0;
      const struct = { client, clock: client === lost ? 4 : 0, structs: [rawString("x")] };
      peer.supply(rawUpdate([struct]));
      room.wait(20);
    }
    expect(room.host.room.life?.serverClientId).not.toBe(lost);
    expect(room.log.rowsWritten - before).toBeLessThanOrEqual(360);
  });

  test("[COMMIT-5] a read waits for the running window, and forces no row", () => {
    const room = new RoomScene();
    const yjs = room.yjs("yjs");
    for (let edits = 0; edits < 30; edits++) yjs.type("x");
    const rows = room.log.rowsWritten;
    let isRead = false;
    room.host.turn(() => room.host.room.whenDurable(() => (isRead = true)));
    expect(isRead).toBe(false);
    expect(room.log.rowsWritten).toBe(rows);
    room.wait(250);
    expect(isRead).toBe(true);
  });

  test("[COMMIT-6] an idle room has no timer", () => {
    const room = new RoomScene();
    const [json, yjs] = [room.json("json"), room.yjs("yjs")] as const;
    expect(room.host.room.dueAt(room.host.nowMs)).toBeNull();
    json.send({ action: "update", content: "other", base_version: 1 });
    json.send({ action: "presence", state: { name: "J" } });
    yjs.type("x");
    room.rest();
    json.leave();
    yjs.leave();
    room.rest();
    expect(room.host.room.dueAt(room.host.nowMs)).toBeNull();
  });

  test("[COMMIT-6] a refused write costs no row and no revision", () => {
    const room = new RoomScene();
    const json = room.json("json");
    room.forget();
    json.send({
      action: "edit",
      base_version: 1,
      changes: [{ from: 0, to: 99, insert: "" }],
      request_id: "r",
    });
    expect(room.events).toEqual(["json error"]);
    expect(room.revision).toBe(1);
  });

  test("[COMMIT-6] a text that changes nothing is acknowledged and costs no row", () => {
    const room = new RoomScene();
    const json = room.json("json");
    room.forget();
    json.send({ action: "update", content: "text", base_version: 1 });
    expect(room.events).toEqual(["json update_status"]);
    expect(json.told()).toMatchObject([{ version: 1 }]);
  });
});

describe("saved", () => {
  test("[COMMIT-7] a push with a gap is not saved, until a sync step 2 has brought what it lacked", () => {
    const room = new RoomScene();
    const yjs = room.yjs("yjs");
    const lost = yjs.edit((text) => text.insert(0, "lost"));
    expect(lost.length).toBeGreaterThan(0);
    yjs.push(2, (text) => text.insert(4, "late"));
    room.rest();
    expect(yjs.kinds()).toEqual(["step1"]);
    yjs.push(3, (text) => text.insert(8, "later"));
    room.rest();
    expect(yjs.frames()).toEqual([]); // one question at a time
    yjs.send(encodeSyncStep2(Y.encodeStateAsUpdate(yjs.doc)));
    room.rest();
    expect(yjs.frames()).toMatchObject([{ kind: "saved", seq: 3, revision: 2 }]);
    expect(room.text).toBe("lostlatelatertext");
  });

  test("[COMMIT-7] a push with a gap is not saved, when the sync step 2 that was asked for does not fill it", () => {
    const room = new RoomScene();
    const yjs = room.yjs("yjs");
    const lost = yjs.edit((text) => text.insert(0, "lost"));
    const late = yjs.edit((text) => text.insert(4, "late"));
    yjs.push(7, late);
    room.rest();
    const stale = encodeSyncStep2(room.host.room.snapshot());
    for (let asked = 0; asked < 3; asked++) {
      yjs.send(stale);
      room.rest();
    }
    const after = yjs.edit((text) => text.delete(9, 1)); // of "text", which is known
    yjs.push(8, after);
    room.rest();
    expect(room.text).toBe("txt");
    expect(yjs.kinds()).not.toContain("saved");
    expect(yjs.session.record.isBehind).toBe(true);

    yjs.supply(lost);
    room.rest();
    expect(yjs.frames()).toMatchObject([{ kind: "saved", seq: 8 }]);
    expect(room.text).toBe("lostlatetxt");
    expect(yjs.session.record.isBehind).toBe(false);
  });

  test("[COMMIT-7] a pushed delete is not saved before it is made, when it deletes what is not known", () => {
    const room = new RoomScene();
    const [yjs, other] = [room.yjs("yjs"), room.yjs("other")] as const;
    const insert = other.edit((text) => text.insert(0, "other "));
    Y.applyUpdate(yjs.doc, insert);
    yjs.push(1, (text) => text.delete(0, 3));
    yjs.send(encodeSyncStep2(room.host.room.snapshot()));
    room.rest();
    expect(yjs.kinds()).toEqual(["step1"]);
    yjs.supply(Y.encodeStateAsUpdate(yjs.doc));
    room.rest();
    expect(yjs.frames()).toMatchObject([{ kind: "saved", seq: 1 }]);
    expect(room.text).toBe("er text");
  });

  test("[COMMIT-7] a peer is sent away, when its pushes with a gap hold more bytes than a frame may", () => {
    const room = new RoomScene();
    const yjs = room.yjs("yjs");
    yjs.edit((text) => text.insert(0, "lost"));
    for (let seq = 1; seq <= 9; seq++) yjs.push(seq, (text) => text.insert(4, "x".repeat(1_000_000)));
    room.rest();
    expect(room.events.filter((event) => event.startsWith("yjs closed"))).toEqual(["yjs closed 4413"]);
    expect(room.text).toBe("text");
  });

  test("[YJS-4] a peer without the subprotocol gets none of its frames, when it pushes", () => {
    const room = new RoomScene();
    const yjs = room.yjs("yjs", { isOwnClient: false });
    yjs.push(1, (text) => text.insert(0, "stock "));
    room.rest();
    expect(yjs.frames()).toEqual([]);
    expect(room.text).toBe("stock text");
  });

  test("[YJS-7] the room asks for each gap, when the one before has been filled", () => {
    const room = new RoomScene();
    const yjs = room.yjs("early");
    for (const word of ["one", "two"]) {
      const before = Y.encodeStateVector(yjs.doc);
      yjs.edit((text) => text.insert(0, `lost with ${word}, `));
      yjs.type(`${word}, `);
      yjs.type("and more, ");
      room.rest();
      expect(yjs.kinds(), word).toEqual(["step1"]);
      yjs.send(encodeSyncStep2(Y.encodeStateAsUpdate(yjs.doc, before)));
      room.rest();
    }
    expect(room.text).toBe(yjs.doc.getText("content").toString());
  });

  test.for(["a step 2", "a push"])(
    "[ROOM-7] a peer is asked again, when its step 2 builds on what a third peer brings later, as %s",
    (brings) => {
      const room = new RoomScene();
      const [third, early] = [room.yjs("third"), room.yjs("early")] as const;
      third.edit((text) => text.insert(0, "lost, "));
      Y.applyUpdate(early.doc, Y.encodeStateAsUpdate(third.doc));
      early.edit((text) => text.insert(6, "and found, "));
      // What the third wrote is held back, as where its peer has it as pending only.
      early.supply(Y.encodeStateAsUpdate(early.doc, Y.encodeStateVector(third.doc)));
      room.rest();
      expect(early.frames()).toEqual([]);
      if (brings === "a push") third.push(1, Y.encodeStateAsUpdate(third.doc));
      third.supply(Y.encodeStateAsUpdate(third.doc));
      room.rest();
      expect(early.kinds().sort()).toEqual(["step1", "update"]);
      early.send(encodeSyncStep2(Y.encodeStateAsUpdate(early.doc)));
      room.rest();
      expect(room.text).toBe("lost, and found, text");
    },
  );

  test("[COMMIT-7] a refused push gets a notice and a close and is never saved, also in the window of a good one", () => {
    const room = new RoomScene();
    const [good, bad] = [room.yjs("good"), room.yjs("bad")] as const;
    good.type("quiet no more");
    room.forget();
    good.push(1, (text) => text.insert(0, "x"));
    bad.push(7, Uint8Array.of(1, 1, 1));
    room.rest();
    expect(room.events).toContain("good saved");
    const told = room.events.filter((event) => event.startsWith("bad") && event !== "bad update");
    expect(told).toEqual(["bad notice", "bad closed 4400"]);
  });

  test("[COMMIT-7] a good push is kept, though never answered, when a refused one of its session follows", () => {
    const room = new RoomScene();
    const [yjs, other] = [room.yjs("yjs"), room.yjs("other")] as const;
    other.type("quiet no more");
    yjs.push(1, (text) => text.insert(0, "kept"));
    yjs.push(2, Uint8Array.of(1, 1, 1));
    room.rest();
    expect(room.text).toContain("kept");
    expect(room.events).not.toContain("yjs saved");
  });

  test("[COMMIT-7] a push is saved at once, when it brings nothing new", () => {
    const room = new RoomScene();
    const yjs = room.yjs("yjs");
    const update = yjs.edit((text) => text.insert(0, "x"));
    yjs.push(1, update);
    yjs.push(2, update);
    room.rest();
    const saved = yjs.frames().filter((frame) => frame.kind === "saved");
    expect(saved.at(-1)).toMatchObject({ seq: 2, revision: 2 });
  });
});

describe("presence", () => {
  const entry = (client: number, clock: number, state: unknown) =>
    encodeAwareness([{ client, clock, state: JSON.stringify(state) }]);

  test("[PRESENCE-1] presence is told at once in a quiet room, and then once a window", () => {
    const room = new RoomScene();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    a.send(entry(101, 1, { cursor: 1 }));
    expect(b.frames().length).toBe(1);
    for (let clock = 2; clock < 30; clock++) a.send(entry(101, clock, { cursor: clock }));
    expect(b.frames()).toEqual([]);
    room.wait(99);
    expect(b.frames()).toEqual([]);
    room.wait(10);
    const [frame, ...more] = b.frames();
    expect(more).toEqual([]);
    expect(frame).toMatchObject({ kind: "awareness" });
    if (frame?.kind === "awareness")
      expect(frame.states.get(101)).toEqual({ clock: 29, state: { cursor: 29 } });
  });

  test("[PRESENCE-1] the presence window grows with the number of peers", () => {
    const room = new RoomScene();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    for (let peers = 0; peers < 98; peers++) room.yjs(`idle ${peers}`);
    a.send(entry(101, 1, {}));
    a.send(entry(101, 2, { moved: true }));
    b.frames();
    room.wait(299);
    expect(b.frames()).toEqual([]);
    room.wait(1);
    expect(b.frames().length).toBe(1);
  });

  test("[PRESENCE-2] a cursor is gone after 30 seconds without a renewal, and stays while it is renewed", () => {
    const room = new RoomScene();
    const watcher = room.yjs("watcher");
    const [one, other] = [new ScriptedPeer(), new ScriptedPeer()].map((peer) =>
      room.host.joinYjs(peer, { isOwnClient: false }),
    );
    if (one === undefined || other === undefined) throw new Error("Two join.");
    room.host.receive(one, entry(201, 1, { who: "one" }));
    room.host.receive(other, entry(202, 1, { who: "other" }));
    room.wait(15_000);
    room.host.receive(other, entry(202, 2, { who: "other" }));
    watcher.frames();
    room.wait(16_000);
    const states = watcher.frames().flatMap((frame) => (frame.kind === "awareness" ? [...frame.states] : []));
    expect(states).toContainEqual([201, { clock: 2, state: null }]);
    expect(states.filter(([client]) => client === 202)).toEqual([]);
  });

  test("[PRESENCE-2] a cursor is gone in the same turn, when its socket closes", () => {
    const room = new RoomScene();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    a.send(entry(101, 1, { cursor: 1 }));
    b.frames();
    a.leave();
    const [frame] = b.frames();
    if (frame?.kind !== "awareness") throw new Error("Nobody was told.");
    expect(frame.states.get(101)).toEqual({ clock: 2, state: null });
  });

  test("[PRESENCE-2] a cursor is gone for the others, when its session takes it back", () => {
    const room = new RoomScene();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    const json = room.host.joinJson(new ScriptedPeer());
    const told = () => {
      room.wait(1_000);
      return b.frames().flatMap((frame) => (frame.kind === "awareness" ? [...frame.states] : []));
    };
    a.send(entry(101, 1, { cursor: 1 }));
    room.host.receive(json, { action: "presence", state: { name: "Ann" } });
    expect(told()).toHaveLength(2);
    a.send(entry(101, 2, null));
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
    "[PRESENCE-4] JSON peers see of a state the fields that stock editors set, and nothing else: %j",
    ([state, shown]) => {
      const room = new RoomScene();
      const [json, yjs] = [room.json("json"), room.yjs("yjs")] as const;
      yjs.send(entry(101, 1, state));
      const session = yjs.session.record.id;
      expect(json.told()).toEqual([{ action: "presence", peers: [{ session, ...shown }] }]);
    },
  );

  test("[PRESENCE-3] a presence entry is dropped without a word, when it is about somebody else", () => {
    const room = new RoomScene();
    const [a, b] = [room.yjs("a"), room.yjs("b")] as const;
    a.send(entry(101, 1, { who: "a" }));
    b.send(entry(102, 1, { who: "b" }));
    room.rest();
    a.frames();
    b.frames();
    b.send(entry(101, 9, { who: "not a" }));
    room.wait(1_000);
    expect(a.frames()).toEqual([]);
    expect(b.peer.closed).toBeNull();
  });
});
