/**
 * Nobody writes as somebody else: frames that a forger sends, each against an honest editor at 40 ms each way, and honest
 * editors that look like forgers.
 */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { isJson } from "../../src/core/room/session.ts";
import type { Access } from "../../src/protocol/access.ts";
import { encodeAwareness, encodePush, encodeSyncStep2, encodeUpdate } from "../../src/protocol/yjs-frames.ts";
import { DelayedRoom } from "../support/delayed-room.ts";
import { type EditorOptions, LiveEditor } from "../support/live-editor.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { rawDeleted, rawGc, rawSkip, rawString, rawUpdate } from "../support/raw-update.ts";

const DELAY_MS = 40;
const delayMs = () => DELAY_MS;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX";

function makeRoom() {
  const room = new DelayedRoom("text ");
  let opened = 0;
  const open = (name: string, kind: EditorOptions["kind"], more: Partial<EditorOptions> = {}) => {
    const doc = new Y.Doc();
    doc.clientID = 1_000 + ++opened; // where two insert at one place, the ids decide
    const editor = new LiveEditor(room, name, { kind, delayMs, doc, ...more });
    room.pass(1_000);
    return editor;
  };
  return { room, open };
}

/** A struct at the start of the text. */
function structAt(client: number, clock: number, text = "FORGED"): Uint8Array {
  return rawUpdate([{ client, clock, structs: [rawString(text)] }]);
}

/** The clock of its next struct. */
function clockOf({ doc }: LiveEditor): number {
  return Y.getState(doc.store, doc.clientID);
}

/** Types character by character, one every 20 ms, and waits until everybody has all of it. */
function typeAll(room: DelayedRoom, editor: LiveEditor, text: string): void {
  for (const character of text) {
    editor.type(character);
    room.pass(20);
  }
  room.pass(4_000);
}

/** Two documents that are also linked without the server, as by y-webrtc. */
function link(room: DelayedRoom, one: LiveEditor, other: LiveEditor, linkMs: number): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== "link") room.after(linkMs, () => Y.applyUpdate(to.doc, update, "link"));
    });
  }
}

function as(principal: string): Access {
  return { ...OPEN_ACCESS, principal: { id: principal, name: "Ann", color: null } };
}

describe("a struct with the next clock of a live editor", () => {
  const wrapped = {
    "a sync step 2 that nobody asked for": encodeSyncStep2,
    "an update": encodeUpdate,
    "a push": (update: Uint8Array) => encodePush(1, update),
  };
  const structs = {
    text: (client: number, clock: number) => structAt(client, clock),
    "deleted text": (client: number, clock: number) =>
      rawUpdate([{ client, clock, structs: [rawDeleted(9)] }]),
    "text behind a gap": (client: number, clock: number) =>
      rawUpdate([{ client, clock, structs: [rawSkip(3), rawString("FORGED")] }]),
    "more text than is known": (client: number, clock: number) =>
      rawUpdate([{ client, clock: clock - 1, structs: [rawString("XFORGED")] }]),
    "a struct without a place": (client: number, clock: number) =>
      rawUpdate([{ client, clock, structs: [rawGc(2 ** 31 - 10)] }]),
  };
  for (const [frame, wrap] of Object.entries(wrapped)) {
    for (const [what, make] of Object.entries(structs)) {
      test.each(["stock", "own", "raw"] as const)(
        `[FORGE-1] nothing is lost and nothing is forged, when a stranger brings ${what} in ${frame}, and the editor is %s`,
        (kind) => {
          const { room, open } = makeRoom();
          const victim = open("victim", kind);
          victim.type("typed ");
          room.pass(1_000);
          const forger = open("forger", "own");
          forger.send(wrap(make(victim.doc.clientID, clockOf(victim))));
          room.pass(DELAY_MS + 1);
          typeAll(room, victim, LETTERS);
          expect(room.text).toBe(`text typed ${LETTERS}`);
          expect([victim.text, victim.closeCodes]).toEqual([room.text, []]);
          expect(victim.unsaved).toEqual([]);
        },
      );
    }
  }

  test.each(["stock", "own", "raw"] as const)(
    "[FORGE-2] its bringer is closed with 4409, when the editor types nothing and answers that it has no such struct: %s",
    (kind) => {
      const { room, open } = makeRoom();
      const victim = open("victim", kind);
      victim.type("typed");
      room.pass(1_000);
      const forger = open("forger", "own");
      forger.send(encodeUpdate(structAt(victim.doc.clientID, clockOf(victim))));
      room.pass(2_000);
      expect([forger.closeCodes, forger.notices]).toEqual([[4409], ["forged_update"]]);
      expect([victim.closeCodes, room.text]).toEqual([[], "text typed"]);
    },
  );

  test("[FORGE-2] its bringer is closed with 4409, when the owner may only read", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock", { access: { ...OPEN_ACCESS, role: "viewer" } });
    const forger = open("forger", "own");
    forger.send(encodeUpdate(structAt(victim.doc.clientID, 0)));
    room.pass(2_000);
    expect([forger.closeCodes, victim.closeCodes, room.text]).toEqual([[4409], [], "text "]);
  });

  test("[FORGE-2] the rest of the update is applied at once, when it does not build on the forged struct", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock");
    victim.type("typed");
    room.pass(1_000);
    const forger = open("forger", "own");
    const both = rawUpdate([
      { client: victim.doc.clientID, clock: clockOf(victim), structs: [rawString("FORGED")] },
      { client: forger.doc.clientID, clock: 0, structs: [rawString("own ")] },
    ]);
    forger.send(encodeUpdate(both));
    room.pass(DELAY_MS + 1);
    expect(room.text).toContain("own ");
    room.pass(2_000);
    expect(forger.closeCodes).toEqual([4409]);
    expect(room.text).not.toContain("FORGED");
  });

  test("[FORGE-2] the editor is asked once, when many forged structs come at the same time", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock");
    victim.type("typed");
    room.pass(1_000);
    const forger = open("forger", "own");
    const { session } = victim.connection;
    if (isJson(session)) throw new Error("a Yjs session");
    const asked = session.questions;
    for (let at = 0; at < 500; at++)
      forger.send(encodeUpdate(structAt(victim.doc.clientID, clockOf(victim) + at)));
    room.pass(3_000);
    expect(session.questions - asked).toBe(1);
    expect(forger.closeCodes).toEqual([4409]);
  });

  test("[FORGE-2] the editor is asked once a second, when new forgers never stop", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock");
    victim.type("typed");
    room.pass(1_000);
    const { session } = victim.connection;
    if (isJson(session)) throw new Error("a Yjs session");
    const asked = session.questions;
    for (let at = 0; at < 100; at++) {
      const forger = new LiveEditor(room, `forger ${at}`, { kind: "raw", delayMs });
      forger.send(encodeUpdate(structAt(victim.doc.clientID, clockOf(victim))));
      room.pass(50);
    }
    room.pass(5_000);
    expect(session.questions - asked).toBeGreaterThan(3);
    expect(session.questions - asked).toBeLessThan(10);
    expect([victim.closeCodes, room.text]).toEqual([[], "text typed"]);
  });

  test("[FORGE-3] a sender is closed with 4413, when it has more than 8 MiB waiting for owners", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock");
    victim.type("typed");
    room.pass(1_000);
    const forger = open("forger", "stock");
    for (let at = 0; at < 9; at++)
      forger.send(encodeUpdate(structAt(victim.doc.clientID, clockOf(victim), "F".repeat(1_000_000))));
    room.pass(300); // the window grows with the bytes in it
    expect(forger.closeCodes).toEqual([4413]);
    room.pass(4_000);
    expect([victim.closeCodes, room.text]).toEqual([[], "text typed"]);
  });

  test("[FORGE-3] a sender is closed with 4503, when all senders together have more than 32 MiB waiting", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock");
    victim.type("typed");
    room.pass(1_000);
    const forgers = Array.from({ length: 5 }, (_, at) => open(`forger ${at}`, "stock"));
    for (const forger of forgers)
      for (let at = 0; at < 7; at++)
        forger.send(encodeUpdate(structAt(victim.doc.clientID, clockOf(victim), "F".repeat(1_000_000))));
    room.pass(300); // the window grows with the bytes in it
    expect(forgers.flatMap(({ closeCodes }) => closeCodes)).toContain(4503);
    room.pass(4_000);
    expect([victim.closeCodes, room.text]).toEqual([[], "text typed"]);
  });
});

describe("an editor that is away", () => {
  test.each([
    ["a struct without a place", rawGc(2 ** 31 - 10), 4400],
    ["one as long as what may be typed", rawGc(5), 4400],
    ["more deleted text than anybody types", rawDeleted(2 ** 31 - 10), 4413],
  ])(
    "[FORGE-4] its edits arrive, also later ones, when a stranger brings %s under its client id",
    (_, struct, code) => {
      const { room, open } = makeRoom();
      const victim = open("victim", "stock");
      victim.type("typed ");
      room.pass(1_000);
      victim.reconnect({ afterMs: 20_000 });
      room.pass(10_000);
      const { clientID } = victim.doc;
      const forger = open("forger", "stock");
      forger.send(encodeUpdate(rawUpdate([{ client: clientID, clock: clockOf(victim), structs: [struct] }])));
      victim.type("offline ");
      room.pass(20_000);
      typeAll(room, victim, "later");
      expect(forger.closeCodes).toEqual([code]);
      expect([room.text, victim.text]).toEqual(["text typed offline later", "text typed offline later"]);
    },
  );

  test("[FORGE-5] a struct under its client id waits, when it comes back within seconds and has no such struct", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock");
    const forger = open("forger", "stock");
    victim.type("typed ");
    room.pass(1_000);
    victim.reconnect({ afterMs: 2_500 });
    room.pass(500);
    forger.send(encodeUpdate(structAt(victim.doc.clientID, clockOf(victim))));
    room.pass(1_000);
    victim.type("offline ");
    room.pass(6_000);
    expect([room.text, victim.text]).toEqual(["text typed offline ", "text typed offline "]);
    expect([victim.closeCodes, forger.closeCodes]).toEqual([[], [4409]]);
  });

  test("[FORGE-5] its client id is free, when it has left before its first edit was judged", () => {
    const { room, open } = makeRoom();
    const [busy, editor] = [open("busy", "stock"), open("editor", "raw")];
    // So that the next window is not at once.
    busy.type("so that the room is not quiet; ");
    editor.type("typed ");
    editor.leave();
    room.pass(7_000);
    const again = open("again", "raw", { doc: editor.doc });
    again.type("again ");
    room.pass(2 * DELAY_MS + 20);
    expect(room.text).toContain("typed again ");
    expect(again.connection.session.record.clientId).toBe(again.doc.clientID);
  });

  test("[FORGE-5] what a peer brings of it is taken within seconds, when it does not come back", () => {
    const { room, open } = makeRoom();
    const [away, peer] = [open("away", "stock"), open("peer", "own")];
    away.type("typed ");
    room.pass(1_000);
    away.leave();
    room.pass(500);
    away.type("offline ");
    Y.applyUpdate(peer.doc, Y.encodeStateAsUpdate(away.doc), "link");
    room.pass(1_000);
    peer.type("and by its peer");
    room.pass(1_000);
    expect([room.text, peer.unsaved.length]).toEqual(["text typed ", 2]);
    room.pass(5_000);
    expect(room.text).toBe("text typed offline and by its peer");
    expect([peer.closeCodes, peer.unsaved]).toEqual([[], []]);
  });

  test("[FORGE-6] nothing is acknowledged that is not there, when a stranger has used its clocks: it makes its edits again", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "own");
    victim.type("typed ");
    room.pass(1_000);
    victim.reconnect({ afterMs: 20_000 });
    room.pass(10_000);
    const { clientID } = victim.doc;
    const forger = open("forger", "stock");
    forger.send(encodeUpdate(structAt(clientID, clockOf(victim), "another")));
    victim.type("offline ");
    room.pass(11_000);
    expect([victim.closeCodes, victim.notices]).toEqual([[4509], ["client_id_taken"]]);
    typeAll(room, victim, "later");
    expect(victim.doc.clientID).not.toBe(clientID);
    expect([room.text, victim.text]).toEqual(Array(2).fill("anothertext typed offline later"));
    expect(victim.unsaved).toEqual([]);
  });

  test.each([
    ["own", "editor"],
    ["own", "viewer"],
    ["stock", "editor"],
    ["raw", "viewer"],
  ] as const)(
    "[FORGE-2] its edits are not lost and it is not closed for ever, when it comes back while a stranger has its client id: %s, and the stranger's role is %s",
    (kind, role) => {
      const { room, open } = makeRoom();
      const victim = open("victim", kind);
      victim.type("typed ");
      room.pass(1_000);
      victim.reconnect({ afterMs: 20_000 });
      room.pass(10_000);
      const squattersDoc = new Y.Doc();
      squattersDoc.clientID = victim.doc.clientID;
      const squatter = open("squatter", "stock", {
        doc: squattersDoc,
        access: { ...OPEN_ACCESS, role },
      });
      victim.type("off");
      victim.type("line ");
      room.pass(13_000);
      expect([victim.hasGivenUp, victim.closeCodes[0], squatter.closeCodes]).toEqual([false, 4509, []]);
      expect(room.text).toBe(kind === "own" ? "text typed offline " : "text typed ");
      squatter.leave();
      room.pass(10_000);
      typeAll(room, victim, "later");
      expect([room.text, victim.text]).toEqual(Array(2).fill("text typed offline later"));
      expect(victim.unsaved).toEqual([]);
    },
  );

  test("[FORGE-6] what is durable is acknowledged first, when a later push of the same window differs from what is known", () => {
    const { room, open } = makeRoom();
    const [busy, victim] = [open("busy", "stock"), open("victim", "own")];
    busy.type("so that the room is not quiet; ");
    victim.send(encodePush(1, structAt(77, 0, "good ")));
    victim.send(encodePush(2, structAt(77, 0, "other")));
    victim.send(encodePush(3, structAt(77, 5, "never")));
    room.pass(2_000);
    expect(victim.notices).toEqual(["client_id_taken"]);
    expect(victim.closeCodes).toEqual([4509]);
    expect(room.text).toContain("good ");
    expect(room.text).not.toContain("never");
  });

  test("[FORGE-6] a struct that was deleted meanwhile counts as known, when its author brings it again", () => {
    const { room, open } = makeRoom();
    const [author, other] = [open("author", "own"), open("other", "stock")];
    author.type("typed ");
    const update = Y.encodeStateAsUpdate(author.doc);
    room.pass(1_000);
    other.doc.getText("content").delete(0, other.text.length);
    room.pass(1_000);
    author.send(encodePush(9, update));
    room.pass(1_000);
    expect([author.closeCodes, room.text]).toEqual([[], ""]);
  });
});

describe("a client id that is claimed", () => {
  const claim = (client: number, clock = 99) =>
    encodeAwareness([{ client, clock, state: '{"user":{"name":"the forger"}}' }]);

  test.each(["stock", "own"] as const)(
    "[FORGE-7] a live editor keeps its client id, its cursor and its socket, when a stranger claims the id: %s",
    (kind) => {
      const { room, open } = makeRoom();
      const victim = open("victim", kind);
      const forger = open("forger", "raw");
      const watcher = open("watcher", "stock");
      forger.send(claim(victim.doc.clientID));
      room.pass(3_000);
      typeAll(room, victim, LETTERS);
      expect([victim.closeCodes, forger.closeCodes]).toEqual([[], []]);
      expect(watcher.states.get(victim.doc.clientID)?.state).toEqual({ user: { name: "victim" } });
      expect(room.text).toBe(`text ${LETTERS}`);
    },
  );

  test("[FORGE-7] a client of our subprotocol is told, when it claims the id of a live editor", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "stock");
    const other = new LiveEditor(room, "other", { kind: "own", delayMs });
    other.doc.clientID = victim.doc.clientID;
    other.show();
    room.pass(1_000);
    // Its first entry had an id of its own.
    expect(other.notices).toEqual([]);
    const late = new Y.Doc();
    late.clientID = victim.doc.clientID;
    victim.show();
    room.pass(200);
    const newcomer = new LiveEditor(room, "newcomer", { kind: "own", delayMs, doc: late });
    for (let times = 0; times < 3; times++) newcomer.show();
    room.pass(1_000);
    expect([newcomer.notices, newcomer.closeCodes]).toEqual([["client_id_taken"], []]);
  });

  test.each(["stock", "own"] as const)(
    "[FORGE-8] an editor goes on with its client id, when its old socket is half-open: %s",
    (kind) => {
      const { room, open } = makeRoom();
      const [editor, watcher] = [open("editor", kind), open("watcher", "stock")];
      editor.type("before ");
      room.pass(1_000);
      const old = editor.connection;
      editor.reconnect({ isHalfOpen: true });
      room.pass(500);
      editor.type("after ");
      room.pass(3_000);
      expect(room.text).toBe("text before after ");
      expect(old.isOpenThere).toBe(false);
      editor.show();
      room.pass(1_000);
      typeAll(room, editor, LETTERS);
      expect(room.text).toBe(`text before after ${LETTERS}`);
      expect([editor.closeCodes, editor.unsaved]).toEqual([[], []]);
      expect(watcher.states.get(editor.doc.clientID)?.state).toEqual({ user: { name: "editor" } });
    },
  );

  test("[FORGE-8] the cursor goes on with the new socket, when the old one is half-open and nothing is typed", () => {
    const { room, open } = makeRoom();
    const [editor, watcher] = [open("editor", "stock"), open("watcher", "stock")];
    const old = editor.connection;
    editor.reconnect({ isHalfOpen: true });
    room.pass(1_000);
    editor.show();
    room.pass(3_000);
    expect([old.isOpenThere, editor.connection.session.record.clientId]).toEqual([
      false,
      editor.doc.clientID,
    ]);
    expect(watcher.states.get(editor.doc.clientID)?.state).toEqual({ user: { name: "editor" } });
  });

  test("[FORGE-8] a socket of the same verified user need not wait, when its old one is half-open", () => {
    const { room, open } = makeRoom();
    const editor = open("editor", "own", { access: as("user:ann") });
    editor.type("before ");
    room.pass(1_000);
    editor.reconnect({ isHalfOpen: true });
    room.pass(500);
    editor.type("after ");
    room.pass(2 * DELAY_MS + 20);
    expect([room.text, editor.unsaved]).toEqual(["text before after ", []]);
  });

  test("[FORGE-8] another verified user does not get the id, when its owner is silent", () => {
    const { room, open } = makeRoom();
    const victim = open("victim", "own", { access: as("user:ann") });
    const forger = open("forger", "raw", { access: as("user:bob") });
    victim.type("before ");
    room.pass(1_000);
    victim.reconnect({ isHalfOpen: true, afterMs: 20_000 });
    forger.send(claim(victim.doc.clientID));
    victim.type("offline ");
    room.pass(10_000);
    expect(forger.connection.session.record.clientId).toBeNull();
    room.pass(11_000);
    expect([room.text, victim.unsaved]).toEqual(["text before offline ", []]);
    expect(victim.connection.session.record.clientId).toBe(victim.doc.clientID);
  });

  test("[FORGE-9] nobody writes under the id of a JSON session's cursor, and nobody hides it", () => {
    const { room, open } = makeRoom();
    const watcher = open("watcher", "stock");
    const json = room.connect(
      { protocol: "json", delayMs },
      { hear: () => undefined, closed: () => undefined },
    );
    json.toServer({ action: "presence", state: { name: "Ann" } });
    room.pass(1_000);
    const id = json.session.record.clientId ?? -1;
    const frames = [
      encodeUpdate(rawUpdate([{ client: id, clock: 0, structs: [rawGc(5)] }])),
      encodeUpdate(structAt(id, 0)),
      encodePush(1, structAt(id, 0)),
      encodeSyncStep2(structAt(id, 0)),
      claim(id),
    ];
    for (const frame of frames) {
      const forger = open("forger", "raw");
      forger.send(frame);
      room.pass(500);
      forger.send(claim(id, 200));
      forger.send(encodeAwareness([{ client: id, clock: 300, state: "null" }]));
      room.pass(2_000);
      expect(forger.connection.session.record.clientId).not.toBe(id);
    }
    json.toServer({ action: "presence", state: { name: "Ann B" } });
    room.pass(1_000);
    expect(room.text).toBe("text ");
    expect(watcher.states.get(id)?.state).toMatchObject({ user: { name: "Ann B" } });
  });
});

describe("honest editors that look like forgers", () => {
  test.each([
    ["the link is faster", 5],
    ["the link is as fast", DELAY_MS],
    ["the link is slower", 200],
  ])(
    "[FORGE-10] two editors that are also linked peer to peer lose nothing and are not closed, when %s",
    (_, linkMs) => {
      for (const kind of ["stock", "own"] as const) {
        const { room, open } = makeRoom();
        const slow = open("slow", kind, { delayMs: () => 150 });
        const fast = open("fast", kind, { delayMs: () => 10 });
        link(room, slow, fast, linkMs);
        for (let at = 0; at < 60; at++) {
          const editor = at % 2 === 0 ? slow : fast;
          // Each builds on the last one of the other.
          editor.type(`${at},`);
          room.pass(30);
        }
        room.pass(4_000);
        expect([slow.closeCodes, fast.closeCodes, slow.unsaved, fast.unsaved]).toEqual([[], [], [], []]);
        expect([slow.text, fast.text]).toEqual([room.text, room.text]);
        for (let at = 0; at < 60; at++) expect(room.text).toContain(`${at},`);
      }
    },
  );

  test.each(["stock", "own"] as const)(
    "[FORGE-10] a peer's relay is taken, when the author's own socket is half-open: %s",
    (kind) => {
      const { room, open } = makeRoom();
      const [author, relay] = [open("author", kind), open("relay", kind)];
      link(room, author, relay, 5);
      author.leave(true);
      author.type("by the author ");
      room.pass(100);
      relay.type("by the relay ");
      room.pass(8_000);
      expect(room.text).toBe("text by the author by the relay ");
      expect([relay.closeCodes, relay.unsaved]).toEqual([[], []]);
    },
  );

  test.each([
    ["stock", "stock"],
    ["own", "stock"],
    ["own", "own"],
  ] as const)(
    "[FORGE-11] a second provider of the same page loses nothing and is not closed: %s beside %s",
    (first, second) => {
      for (const delays of [
        [10, 90],
        [90, 10],
        [40, 40],
      ] as const) {
        const { room, open } = makeRoom();
        const one = open("one", first, { delayMs: () => delays[0] });
        const two = open("two", second, { doc: one.doc, delayMs: () => delays[1] });
        const other = open("other", "stock");
        typeAll(room, one, "both are open ");
        one.show();
        two.show();
        other.type("by another ");
        room.pass(2_000);
        expect([one.unsaved, two.unsaved]).toEqual([[], []]);
        one.leave();
        two.type("one is left ");
        room.pass(8_000);
        typeAll(room, two, LETTERS);
        two.show();
        room.pass(1_000);
        expect(room.text).toBe(`text both are open by another one is left ${LETTERS}`);
        expect([one.text, other.text]).toEqual([room.text, room.text]);
        expect([one.closeCodes, two.closeCodes, other.closeCodes]).toEqual([[], [], []]);
        expect(two.unsaved).toEqual([]);
        expect([...one.notices, ...two.notices].filter((code) => code !== "client_id_taken")).toEqual([]);
      }
    },
  );

  test("[FORGE-11] two sockets of one verified user on one document do not displace each other", () => {
    const { room, open } = makeRoom();
    const one = open("one", "stock", { access: as("user:ann") });
    const two = open("two", "stock", { access: as("user:ann"), doc: one.doc });
    for (let at = 0; at < 20; at++) {
      (at % 2 === 0 ? one : two).type(`${at},`);
      (at % 3 === 0 ? one : two).show();
      room.pass(300);
    }
    room.pass(4_000);
    expect([one.closeCodes, two.closeCodes]).toEqual([[], []]);
    expect([room.text, one.text]).toEqual([one.text, room.text]);
  });

  test.each([
    ["raw", 2],
    ["own", 1],
  ] as const)(
    "[FORGE-10] an editor does not own the ids of earlier pages, when it brings their edits from its storage: %s, %i",
    (kind, count) => {
      const { room, open } = makeRoom();
      const pages = Array.from({ length: count }, () => new Y.Doc());
      const write = (text: string) => {
        for (const page of pages) page.getText("content").insert(0, text);
        return Y.mergeUpdates(pages.map((page) => Y.encodeStateAsUpdate(page)));
      };
      const early = write("early ");
      const late = write("late ");
      const [one, other] = [open("one", kind), open("other", kind)];
      // The claim of its own id waits for its old socket, if it has one.
      one.reconnect({ isHalfOpen: true, afterMs: 100 });
      room.pass(200);
      Y.applyUpdate(one.doc, early, "storage");
      room.pass(500);
      Y.applyUpdate(other.doc, late, "storage");
      room.pass(5_000);
      expect(other.closeCodes).toEqual([]);
      expect([room.text, one.text]).toEqual(Array(2).fill(other.text));
      expect(other.text.split("late ")).toHaveLength(count + 1);
    },
  );

  test("[FORGE-12] two editors bring back what a crash has lost, when each has built on the other's edits", () => {
    const { room, open } = makeRoom();
    const [ann, bob] = [open("ann", "stock"), open("bob", "own")];
    // As if the room had sent all of it on, and lost it then.
    const [one, two] = [ann, bob];
    one.connection.drop();
    two.connection.drop();
    link(room, one, two, 0);
    for (let at = 0; at < 40; at++) {
      (at % 2 === 0 ? one : two).type(`${at},`);
      room.pass(1);
    }
    room.pass(10_000);
    one.reconnect();
    two.reconnect();
    room.pass(4_000);
    expect([ann.closeCodes, bob.closeCodes, bob.unsaved]).toEqual([[], [], []]);
    expect([ann.text, bob.text]).toEqual([room.text, room.text]);
    for (let at = 0; at < 40; at++) expect(room.text).toContain(`${at},`);
  });

  test("[FORGE-13] a sync step 2 that nobody asked for is asked for, when it brings something new", () => {
    const { room, open } = makeRoom();
    const editor = open("editor", "raw");
    const hidden = new Y.Doc();
    Y.applyUpdate(hidden, Y.encodeStateAsUpdate(editor.doc));
    hidden.getText("content").insert(0, "not taken ");
    editor.send(encodeSyncStep2(Y.encodeStateAsUpdate(hidden)));
    room.pass(2_000);
    expect([room.text, editor.closeCodes]).toEqual(["text ", []]);
    Y.applyUpdate(editor.doc, Y.encodeStateAsUpdate(hidden), editor);
    editor.send(encodeSyncStep2(Y.encodeStateAsUpdate(hidden)));
    room.pass(2_000);
    expect([room.text, editor.closeCodes]).toEqual(["not taken text ", []]);
  });

  test("[HIB-7] a session remembers that something of it waits for an owner", () => {
    const { room, open } = makeRoom();
    const [victim, forger] = [open("victim", "stock"), open("forger", "stock")];
    victim.type("typed");
    room.pass(1_000);
    expect(forger.connection.remembered).toMatchObject({ isBehind: false });
    forger.send(encodeUpdate(structAt(victim.doc.clientID, clockOf(victim))));
    room.pass(DELAY_MS + 10);
    expect(forger.connection.remembered).toMatchObject({ isBehind: true });
  });
});
