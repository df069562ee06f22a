/** Whoever has a verified name shows it, whatever its client writes. */
import { describe, expect, test } from "vitest";
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import * as Y from "yjs";
import { ANONYMOUS } from "../../src/protocol/access.ts";
import { MAX_PRESENCE_BYTES } from "../../src/protocol/limits.ts";
import { decodeYjsServerFrame, encodeAwareness } from "../../src/protocol/yjs-frames.ts";
import { userAccess } from "../support/open-access.ts";
import { RoomScene, type YjsEditor } from "../support/room-scene.ts";

const ANN = userAccess("ann", { principal: { id: "user:ann", name: "Ann Æ", color: "#a00" } });

/** The state that the others get when a Yjs client sends this one. */
function shownOf(state: unknown, access = ANN): unknown {
  const room = new RoomScene();
  const [editor, other] = [room.yjs("editor", { access }), room.yjs("other")];
  showState(editor, 1, state);
  room.host.pass(1_000);
  const [frame] = other.frames();
  if (frame?.kind !== "awareness") throw new Error("The other one was told of no presence.");
  return frame.states.get(editor.doc.clientID)?.state;
}

function showState(editor: YjsEditor, clock: number, state: unknown): void {
  const entry = { client: editor.doc.clientID, clock, state: JSON.stringify(state) };
  editor.send(encodeAwareness([entry]));
}

const VERIFIED = { name: "Ann Æ", color: "#a00" };

describe("a Yjs state", () => {
  test.each([
    [
      "of CodeMirror",
      { user: { name: "Bob", color: "#00f", colorLight: "#eef" }, cursor: { anchor: 1 } },
      { user: { ...VERIFIED, colorLight: "#eef" }, cursor: { anchor: 1 } },
    ],
    [
      "that has the name beside the cursor",
      { name: "Bob", color: "#00f", focusing: true },
      { ...VERIFIED, focusing: true, user: VERIFIED },
    ],
    ["without a name", { cursor: null }, { cursor: null, user: VERIFIED }],
    ["whose user is a text", { user: "Bob" }, { user: VERIFIED }],
    ["whose user is a list", { user: ["Bob"] }, { user: VERIFIED }],
    ["whose user is null", { user: null }, { user: VERIFIED }],
  ])("[SESSION-10] %s shows the verified name and colour", (_what, state, shown) => {
    expect(shownOf(state)).toEqual(shown);
  });

  test("[SESSION-10] keeps a colour of the client's own choice, when none was verified", () => {
    const access = userAccess("ann", { principal: { id: "user:ann", name: "Ann", color: null } });
    expect(shownOf({ user: { name: "Bob", color: "#00f" } }, access)).toEqual({
      user: { name: "Ann", color: "#00f" },
    });
  });

  test("[SESSION-10] keeps the name of its choice, when the caller is anonymous", () => {
    const state = { user: { name: "Bob", color: "#00f" }, name: "Bob" };
    expect(shownOf(state, { ...ANN, principal: ANONYMOUS, grants: [] })).toEqual(state);
  });

  test("[SESSION-10] is refused, when the verified name makes it too large", () => {
    const room = new RoomScene();
    const [editor, other] = [room.yjs("editor", { access: ANN }), room.yjs("other")];
    showState(editor, 1, { note: "x".repeat(MAX_PRESENCE_BYTES - 15) });
    room.host.pass(1_000);
    expect(editor.frames()).toMatchObject([{ kind: "notice", code: "presence_too_large" }]);
    expect(other.frames()).toEqual([]);
  });
});

test("[SESSION-10] a stock awareness goes on as if its own state were shown, when the server shows another name", () => {
  const room = new RoomScene();
  const [editor, other] = [room.yjs("editor", { access: ANN, isOwnClient: false }), room.yjs("other")];
  const own = new Awareness(editor.doc);
  const theirs = new Awareness(new Y.Doc());
  const bob = { user: { name: "Bob" } };
  const changes: unknown[] = [];
  own.on("change", (change: unknown) => changes.push(change));
  const exchange = () => {
    const update = encodeAwarenessUpdate(own, [own.clientID]);
    editor.send(Uint8Array.of(1, ...varBytes(update)));
    room.host.pass(1_000);
    for (const [one, peer] of [
      [own, editor.peer],
      [theirs, other.peer],
    ] as const) {
      for (const bytes of peer.takeBinary()) {
        if (decodeYjsServerFrame(bytes)?.kind === "awareness")
          applyAwarenessUpdate(one, bodyOf(bytes), "server");
      }
    }
  };
  own.setLocalState(bob);
  exchange();
  expect(theirs.getStates().get(own.clientID)).toEqual({ user: VERIFIED });
  own.setLocalStateField("cursor", 7);
  exchange();
  expect(theirs.getStates().get(own.clientID)).toEqual({ user: VERIFIED, cursor: 7 });
  expect(own.getLocalState()).toEqual({ ...bob, cursor: 7 });
  expect(changes.length, "it is told of no change but its own two").toBe(2);
  removeAwarenessStates(own, [own.clientID], "leaves");
  exchange();
  expect(theirs.getStates().has(own.clientID)).toBe(false);
  own.destroy();
  theirs.destroy();
});

describe("a JSON presence", () => {
  test("[SESSION-10] shows the verified name and colour, whatever the client has sent", () => {
    const room = new RoomScene();
    const [ann, other, yjs] = [room.json("ann", { access: ANN }), room.json("other"), room.yjs("yjs")];
    ann.send({ action: "presence", state: { name: "Bob", color: "#00f", cursor: 2 } });
    room.host.pass(1_000);
    expect(other.told()).toMatchObject([{ peers: [{ ...VERIFIED, cursor: 2 }] }]);
    const [frame] = yjs.frames();
    const states = frame?.kind === "awareness" ? [...frame.states.values()] : [];
    expect(states).toMatchObject([{ state: { user: VERIFIED } }]);
    expect(room.host.room.openSessions().editors).toMatchObject([VERIFIED]);
  });

  test("[SESSION-10] is not there, when the client has sent none", () => {
    const room = new RoomScene();
    const [, other] = [room.json("ann", { access: ANN }), room.json("other")];
    room.host.pass(1_000);
    expect(other.told()).toEqual([]);
    expect(room.host.room.openSessions().editors).toEqual([]);
  });

  test("[SESSION-10] is shown under the new name at once, when the session has renewed its token under another name", () => {
    const room = new RoomScene();
    const [ann, other] = [room.json("ann", { access: ANN }), room.json("other")];
    ann.send({ action: "presence", state: { cursor: 2 } });
    room.host.pass(1_000);
    other.told();
    ann.send({ action: "authenticate", token: "a.b.c" });
    const effect = room.host.effects.pop();
    if (effect?.kind !== "renewal") throw new Error("No renewal was asked for.");
    const renamed = { ...ANN, principal: { ...ANN.principal, name: "Ann B" } };
    room.host.turn((nowMs) => room.host.room.answerRenewal(effect, { ok: true, value: renamed }, nowMs));
    room.host.pass(1_000);
    expect(other.told()).toMatchObject([{ action: "presence", peers: [{ name: "Ann B", cursor: 2 }] }]);
  });
});

/** As lib0 writes bytes: their length, then the bytes. */
function varBytes(bytes: Uint8Array): number[] {
  const length: number[] = [];
  let left = bytes.length;
  for (; left > 127; left = Math.floor(left / 128)) length.push((left % 128) + 128);
  return [...length, left, ...bytes];
}

function bodyOf(frame: Uint8Array): Uint8Array {
  let start = 1;
  while ((frame[start] ?? 0) > 127) start++;
  return frame.subarray(start + 1);
}
