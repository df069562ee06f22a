/** What a session may do, and for how long: roles in both protocols, ends, renewals, and grants that are taken back. */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { openSession } from "../../src/core/room/session.ts";
import { type Access, type AccessChange, ANONYMOUS, type Workspace } from "../../src/protocol/access.ts";
import { done, refusal, refused } from "../../src/protocol/errors.ts";
import { ACCESS_NOTICE_MS, MAX_CREDENTIAL_UNITS, MAX_SESSION_MS } from "../../src/protocol/limits.ts";
import {
  encodeAwareness,
  encodeRenewal,
  encodeSyncStep1,
  encodeSyncStep2,
} from "../../src/protocol/yjs-frames.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { userAccess } from "../support/open-access.ts";
import { RoomHost } from "../support/room-host.ts";
import { RoomScene, type YjsEditor } from "../support/room-scene.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { decodeServerFrame } from "../support/yjs-client.ts";

const VIEWER = userAccess("vic", { role: "viewer" });
const EDITOR = userAccess("eve");
const START_MS = new RoomScene().host.nowMs;

const TO_VIEWER: AccessChange = { grant: "key:backend", cap: { role: "viewer", prefixes: null } };
const REVOKED: AccessChange = { grant: "key:backend", cap: null };

function change(room: RoomScene, what: AccessChange): void {
  room.host.turn((nowMs) => room.host.room.changeAccess(what, nowMs));
}

/** Answers the last renewal that a session asked for. */
function renew(room: RoomScene, access: Access | null): void {
  const effect = room.host.effects.pop();
  if (effect?.kind !== "renewal") throw new Error("No session has asked for a renewal.");
  const checked =
    access === null ? refused(refusal("unauthorised", "The token is not valid.")) : done(access);
  room.host.turn((nowMs) => room.host.room.answerRenewal(effect, checked, nowMs));
}

/** Everything that a Yjs editor has, as its answer to a step 1 of the room. */
function step2(editor: YjsEditor): Uint8Array {
  return encodeSyncStep2(Y.encodeStateAsUpdate(editor.doc));
}

function sync(editor: YjsEditor): void {
  editor.send(encodeSyncStep1(Y.encodeStateVector(editor.doc)));
  editor.frames();
}

describe("a viewer on the JSON socket", () => {
  test.each([
    ["update", { action: "update", content: "mine", base_version: 1 }],
    ["edit", { action: "edit", base_version: 1, changes: [{ from: 0, to: 4, insert: "mine" }] }],
    ["update_metadata", { action: "update_metadata", description: "mine" }],
  ])("[SESSION-1] is answered `forbidden` and changes nothing, when it sends %s", (_action, frame) => {
    const room = new RoomScene();
    const [viewer, other] = [room.json("viewer", { access: VIEWER }), room.json("other")];
    viewer.send({ ...frame, request_id: "r" });
    room.rest();
    expect(viewer.told()).toMatchObject([{ action: "error", code: "forbidden", request_id: "r" }]);
    expect([room.text, room.revision, other.told()]).toEqual(["text", 1, []]);
  });

  test("[SESSION-1] is answered as an editor is, when it shows presence, pings and expands", () => {
    const room = new RoomScene();
    const [viewer, other] = [room.json("viewer", { access: VIEWER }), room.json("other")];
    viewer.send({ action: "presence", state: { cursor: 2 } });
    viewer.send({ action: "ping", request_id: "p" });
    viewer.send({ action: "expand", request_id: "x" });
    expect(viewer.told()).toEqual([{ action: "pong", request_id: "p" }]);
    expect(other.told()).toMatchObject([{ action: "presence", peers: [{ cursor: 2 }] }]);
    expect(room.host.effects).toMatchObject([{ kind: "expand", requestId: "x" }]);
  });
});

describe.each([
  ["of our subprotocol", true, ["notice"]],
  ["of a stock provider", false, []],
])("a viewer on the Yjs socket %s", (_what, isOwnClient, told) => {
  const kinds = { update: 2, push: 100 };

  test.each(Object.keys(kinds))("[SESSION-2] writes nothing and stays, when it sends an %s", (kind) => {
    const room = new RoomScene();
    const viewer = room.yjs("viewer", { access: VIEWER, isOwnClient });
    const [json, yjs] = [room.json("json"), room.yjs("yjs")];
    if (kind === "push") viewer.push(1, (text) => text.insert(0, "mine"));
    else viewer.type("mine");
    room.rest();
    expect(viewer.kinds()).toEqual(told);
    expect(viewer.peer.closed).toBeNull();
    expect([room.text, room.revision]).toEqual(["text", 1]);
    expect([json.told(), yjs.frames()]).toEqual([[], []]);
  });

  test("[SESSION-2] writes nothing and stays, when its sync step 2 brings an edit of its own", () => {
    const room = new RoomScene();
    const viewer = room.yjs("viewer", { access: VIEWER, isOwnClient });
    const yjs = room.yjs("yjs");
    viewer.edit((text) => text.delete(0, 2));
    sync(viewer);
    viewer.send(step2(viewer));
    room.rest();
    expect(viewer.kinds()).toEqual(told);
    expect([room.text, room.revision, yjs.frames(), viewer.peer.closed]).toEqual(["text", 1, [], null]);
  });

  test("[SESSION-3] is told nothing, when its sync step 2 brings nothing new", () => {
    const room = new RoomScene();
    const viewer = room.yjs("viewer", { access: VIEWER, isOwnClient });
    sync(viewer);
    viewer.send(step2(viewer));
    room.rest();
    expect([viewer.frames(), viewer.peer.closed]).toEqual([[], null]);
  });

  test("[SESSION-2] has its sync step 2 looked at only once, when it sends it without being asked", () => {
    const room = new RoomScene();
    const viewer = room.yjs("viewer", { access: VIEWER, isOwnClient });
    viewer.edit((text) => text.insert(0, "mine"));
    for (let sent = 0; sent < 3; sent++) viewer.send(step2(viewer));
    expect(viewer.frames()).toEqual([]);
  });

  test("[SESSION-1] shows its presence to the others", () => {
    const room = new RoomScene();
    const viewer = room.yjs("viewer", { access: VIEWER, isOwnClient });
    const yjs = room.yjs("yjs");
    viewer.send(encodeAwareness([{ client: viewer.doc.clientID, clock: 1, state: '{"cursor":null}' }]));
    room.rest();
    expect(yjs.frames()[0]).toMatchObject({ kind: "awareness" });
  });
});

test("[SESSION-2] a viewer is closed with 4410, when its sync step 2 brings a deleted generation", () => {
  const room = new RoomScene();
  const old = room.yjs("old");
  old.type("old ");
  room.host.turn((nowMs) => room.host.room.remove(null, "user:ann", nowMs));
  room.host.create("new");
  const viewer = room.yjs("viewer", { access: VIEWER });
  Y.applyUpdate(viewer.doc, Y.encodeStateAsUpdate(old.doc));
  sync(viewer);
  viewer.send(step2(viewer));
  expect(viewer.peer.closed?.code).toBe(4410);
});

describe("the end of an access", () => {
  const endsIn = (ms: number) => userAccess("eve", { expiresAtMs: START_MS + ms });
  const END_MS = 10 * ACCESS_NOTICE_MS;

  test("[SESSION-4] a session of either protocol is closed with 4501 at that moment, and not before", () => {
    const room = new RoomScene();
    const access = endsIn(END_MS);
    const peers = [
      room.json("json", { access }).peer,
      room.yjs("own", { access }).peer,
      room.yjs("stock", { access, isOwnClient: false }).peer,
      room.old("old").peer,
    ];
    room.wait(END_MS - 1);
    expect(peers.map(({ closed }) => closed)).toEqual([null, null, null, null]);
    room.wait(1);
    expect(peers.map(({ closed }) => closed?.code)).toEqual([4501, 4501, 4501, undefined]);
  });

  test("[SESSION-4] a frame changes nothing, when it comes after the end and before the room was called", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: endsIn(1_000) });
    const lateMs = room.host.nowMs + 1_000;
    room.host.room.receive(json.session, JSON.stringify({ action: "update", content: "late" }), lateMs);
    room.rest();
    expect([json.peer.closed?.code, room.text]).toEqual([4501, "text"]);
  });

  test("[SESSION-4] a session ends after a day, when it stands on a grant that has no end", () => {
    const room = new RoomScene();
    const admitted = room.host.room.admit(EDITOR, room.host.nowMs);
    expect(admitted).toMatchObject({ ok: true, value: { expiresAtMs: room.host.nowMs + MAX_SESSION_MS } });
    const anonymous = room.host.room.admit({ ...EDITOR, principal: ANONYMOUS, grants: [] }, room.host.nowMs);
    expect(anonymous).toMatchObject({ ok: true, value: { expiresAtMs: null } });
  });

  test("[SESSION-4] a room has nothing to do, when no access ends", () => {
    const room = new RoomScene();
    room.json("json");
    room.rest();
    expect(room.host.room.accessDueAtMs).toBeNull();
  });

  test("[SESSION-4] a session that outlived its room ends at the same moment", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: endsIn(END_MS) });
    const again = new RoomHost(room.log, { nowMs: room.host.nowMs, sessions: [json.session] });
    again.pass(END_MS - 1);
    expect(json.peer.closed).toBeNull();
    again.pass(1);
    expect(json.peer.closed?.code).toBe(4501);
  });

  test("[SESSION-5] a session is told of its end only once, when its room sleeps in between", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: endsIn(END_MS) });
    room.wait(END_MS - 1_000);
    expect(json.told().length).toBe(1);
    const record = json.peer.remembered;
    if (record?.protocol !== "json") throw new Error("The session was not remembered.");
    const woken = openSession(record, json.peer);
    new RoomHost(room.log, { nowMs: room.host.nowMs, sessions: [woken] }).pass(1_000);
    expect(json.told()).toEqual([]);
    expect(json.peer.closed?.code).toBe(4501);
  });

  test("[SESSION-5] a JSON session and one of our subprotocol are told a minute before, and once", () => {
    const room = new RoomScene();
    const access = endsIn(END_MS);
    const [json, own] = [room.json("json", { access }), room.yjs("own", { access })];
    const stock = room.yjs("stock", { access, isOwnClient: false });
    room.wait(END_MS - ACCESS_NOTICE_MS - 1);
    expect([json.told(), own.frames()]).toEqual([[], []]);
    room.wait(1);
    const expires_at = new Date(access.expiresAtMs ?? 0).toISOString().replace("Z", "+00:00");
    expect(json.told()).toEqual([{ action: "access", role: "editor", expires_at }]);
    expect(own.frames()).toEqual([{ kind: "access", role: "editor", expiresAtMs: access.expiresAtMs }]);
    room.wait(ACCESS_NOTICE_MS - 1);
    expect([json.told(), own.frames(), stock.frames()]).toEqual([[], [], []]);
  });
});

describe("a session that joins", () => {
  const join = (access: Access) => {
    const host = new RoomHost(new MemoryUpdateLog());
    host.create("text");
    const [json, old, own] = [new ScriptedPeer(), new ScriptedPeer(), new ScriptedPeer()];
    host.joinJson(json, { access });
    host.joinJson(old, { access, isOldClient: true });
    host.joinYjs(own, { access });
    return {
      json: json.takeJson().map(({ action }) => action),
      old: old.takeJson().map(({ action }) => action),
      own: own.takeBinary().map((frame) => decodeServerFrame(frame).kind),
    };
  };

  test("[SESSION-5] is told what it may do, when it may only read", () => {
    const told = join({ ...VIEWER, expiresAtMs: null });
    expect(told).toEqual({ json: ["initial", "access"], old: ["initial"], own: ["access"] });
  });

  test("[SESSION-5] is told how long it may do it, when its access ends", () => {
    const told = join({ ...EDITOR, expiresAtMs: 2 * START_MS });
    expect(told).toEqual({ json: ["initial", "access"], old: ["initial"], own: ["access"] });
  });

  test("[SESSION-5] is told nothing, when it may do everything for as long as it stays", () => {
    expect(join({ ...EDITOR, expiresAtMs: null })).toEqual({ json: ["initial"], old: ["initial"], own: [] });
  });
});

describe("a renewal", () => {
  const LATER = { ...EDITOR, expiresAtMs: START_MS + 10_000_000 };
  const SOON = { ...EDITOR, expiresAtMs: START_MS + 200_000 };

  test("[SESSION-6] gives a JSON session the access of its new token", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: { ...SOON, role: "viewer" } });
    json.send({ action: "authenticate", token: "a.b.c", request_id: "r" });
    expect(room.host.effects).toMatchObject([{ kind: "renewal", token: "a.b.c" }]);
    renew(room, LATER);
    const expires_at = new Date(LATER.expiresAtMs).toISOString().replace("Z", "+00:00");
    expect(json.told()).toEqual([{ action: "access", role: "editor", expires_at, request_id: "r" }]);
    room.wait(500_000);
    json.send({ action: "update", content: "mine", base_version: 1 });
    room.rest();
    expect([json.peer.closed, room.text]).toEqual([null, "mine"]);
    expect(json.peer.remembered?.access).toEqual(LATER);
  });

  test("[SESSION-6] gives a session of our subprotocol the access of its new token", () => {
    const room = new RoomScene();
    const own = room.yjs("own", { access: SOON });
    own.send(encodeRenewal("a.b.c"));
    renew(room, LATER);
    expect(own.frames()).toEqual([{ kind: "access", role: "editor", expiresAtMs: LATER.expiresAtMs }]);
    room.wait(500_000);
    expect(own.peer.closed).toBeNull();
  });

  test("[SESSION-6] is told of again, when the new end comes near", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: SOON });
    room.wait(150_000); // it was told once
    json.send({ action: "authenticate", token: "a.b.c" });
    renew(room, { ...SOON, expiresAtMs: START_MS + 400_000 });
    json.told();
    room.wait(400_000);
    expect(json.told().map(({ action }) => action)).toEqual(["access"]);
    expect(json.peer.closed?.code).toBe(4501);
  });

  test.each<readonly [string, Access | null]>([
    ["is not valid", null],
    ["is somebody else's", { ...LATER, principal: { ...LATER.principal, id: "user:mallory" } }],
    ["is of another workspace", { ...LATER, workspace: "other" as Workspace }],
    ["does not hold for the fragment", { ...LATER, prefixes: ["elsewhere/"] }],
    ["has ended", { ...LATER, expiresAtMs: START_MS }],
  ])("[SESSION-6] is refused and leaves the session what it had, when the token %s", (_what, access) => {
    const room = new RoomScene();
    const [json, own] = [room.json("json", { access: SOON }), room.yjs("own", { access: SOON })];
    json.send({ action: "authenticate", token: "a.b.c", request_id: "r" });
    renew(room, access);
    expect(json.told()).toMatchObject([{ action: "error", request_id: "r" }]);
    own.send(encodeRenewal("a.b.c"));
    renew(room, access);
    expect(own.kinds()).toEqual(["notice"]);
    expect([json.session.record.access, own.session.record.access]).toEqual([SOON, SOON]);
    room.wait(200_000);
    expect([json.peer.closed?.code, own.peer.closed?.code]).toEqual([4501, 4501]);
  });

  test.each<readonly [string, object]>([
    ["is missing", {}],
    ["is null", { token: null }],
    ["is a number", { token: 7 }],
    ["is a list", { token: ["a.b.c"] }],
    ["is too long", { token: "a".repeat(MAX_CREDENTIAL_UNITS + 1) }],
    ["comes with an unknown field", { token: "a.b.c", role: "admin" }],
  ])(
    "[SESSION-6] asks for nothing and is refused in a frame that repeats no token, when the token %s",
    (_what, fields) => {
      const room = new RoomScene();
      const json = room.json("json", { access: SOON });
      json.send({ action: "authenticate", ...fields, request_id: "r" });
      expect(room.host.effects).toEqual([]);
      const answers = json.told();
      expect(answers).toMatchObject([{ action: "error", code: "invalid_frame", request_id: "r" }]);
      expect(JSON.stringify(answers)).not.toMatch(/a\.b\.c|aaaa/);
      expect(json.session.record.access).toEqual(SOON);
    },
  );

  test("[SESSION-6] asks for nothing, when a Yjs token is too long, and when a stock provider sends one", () => {
    const room = new RoomScene();
    const own = room.yjs("own", { access: SOON });
    const stock = room.yjs("stock", { access: SOON, isOwnClient: false });
    own.send(encodeRenewal("a".repeat(MAX_CREDENTIAL_UNITS + 1)));
    stock.send(encodeRenewal("a.b.c"));
    expect(room.host.effects).toEqual([]);
    expect(own.frames()).toMatchObject([{ kind: "notice", code: "invalid_frame" }]);
    expect([stock.frames(), own.peer.closed, stock.peer.closed]).toEqual([[], null, null]);
  });

  test("[SESSION-6] ends a Yjs session with 4400, when its frame is cut off", () => {
    const room = new RoomScene();
    const own = room.yjs("own", { access: SOON });
    own.send(encodeRenewal("a.b.c").subarray(0, 4));
    expect(own.peer.closed?.code).toBe(4400);
  });

  test("[SESSION-6] is no action of the old paths", () => {
    const room = new RoomScene();
    const old = room.json("old", { access: SOON, isOldClient: true });
    old.send({ action: "authenticate", token: "a.b.c" });
    expect([room.host.effects, old.told()]).toEqual([[], []]);
  });

  test("[SESSION-6] changes nothing, when the session has left meanwhile", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: SOON });
    json.send({ action: "authenticate", token: "a.b.c" });
    json.leave();
    renew(room, LATER);
    expect(json.told()).toEqual([]);
  });

  test("[SESSION-9] brings what was typed before, and no `saved` comes earlier, when a viewer becomes an editor", () => {
    const room = new RoomScene("text");
    const own = room.yjs("own", { access: { ...SOON, role: "viewer" } });
    own.push(1, (text) => text.delete(0, 2)); // dropped
    own.send(encodeRenewal("a.b.c"));
    renew(room, LATER);
    own.push(2, (text) => text.insert(text.length, "!")); // builds on nothing that is missing
    room.rest();
    expect(room.text).toBe("text!");
    expect(own.kinds()).toEqual(["notice", "access", "step1"]);
    expect(own.peer.remembered, "it must push again if the room is lost").toMatchObject({ isBehind: true });
    own.send(step2(own));
    room.rest();
    expect(own.frames()).toMatchObject([{ kind: "saved", seq: 2 }]);
    expect(room.text).toBe("xt!");
    expect(own.peer.remembered).toMatchObject({ isBehind: false });
  });
});

describe("a change of a grant", () => {
  test("[SESSION-7] ends the sessions that stand on the grant with 4401, and tells them nothing more", () => {
    const room = new RoomScene();
    const editors = [
      room.json("json", { access: EDITOR }),
      room.yjs("own", { access: EDITOR }),
      room.yjs("stock", { access: EDITOR, isOwnClient: false }),
    ];
    const stranger = room.json("stranger", { access: { ...EDITOR, grants: ["key:other"] } });
    change(room, REVOKED);
    expect(editors.map(({ peer }) => peer.closed?.code)).toEqual([4401, 4401, 4401]);
    room.forget();
    stranger.write("after", 1);
    room.rest();
    expect([room.text, room.events.filter((event) => !event.startsWith("stranger"))]).toEqual([
      "after",
      ["write"],
    ]);
    expect(room.host.room.openSessions().sessions).toBe(1);
  });

  test("[SESSION-7] ends the sessions with 4403, when what is left does not hold for the fragment", () => {
    const room = new RoomScene();
    const [json, own] = [room.json("json", { access: EDITOR }), room.yjs("own", { access: EDITOR })];
    change(room, { grant: "user:eve", cap: { role: "admin", prefixes: ["elsewhere/"] } });
    expect([json.peer.closed?.code, own.peer.closed?.code]).toEqual([4403, 4403]);
  });

  test("[SESSION-7] takes effect with the next write, when a session becomes a viewer", () => {
    const room = new RoomScene();
    const [json, own] = [room.json("json", { access: EDITOR }), room.yjs("own", { access: EDITOR })];
    change(room, TO_VIEWER);
    expect(json.told()).toEqual([{ action: "access", role: "viewer", expires_at: null }]);
    expect(own.frames()).toEqual([{ kind: "access", role: "viewer", expiresAtMs: 0 }]);
    json.write("mine", 1);
    own.push(1, (text) => text.insert(0, "mine"));
    room.rest();
    expect(json.told()).toMatchObject([{ action: "error", code: "forbidden" }]);
    expect([own.kinds(), room.text]).toEqual([["notice"], "text"]);
    expect(json.peer.remembered?.access.role).toBe("viewer");
  });

  test("[SESSION-7] tells nobody anything, when it takes nothing away, or is told again", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: VIEWER });
    for (let told = 0; told < 2; told++) change(room, TO_VIEWER);
    expect(json.told()).toEqual([]);
  });

  test("[SESSION-7] drops the pushes that wait for a gap, and no `saved` covers them, when a session becomes a viewer", () => {
    const room = new RoomScene();
    const own = room.yjs("own", { access: EDITOR });
    own.edit((text) => text.insert(0, "never sent"));
    own.push(1, (text) => text.insert(0, "gapped"));
    room.rest();
    expect(own.kinds()).toEqual(["step1"]);
    change(room, TO_VIEWER);
    own.send(step2(own));
    room.rest();
    expect(own.kinds()).toEqual(["access", "notice", "notice"]);
    expect(room.text).toBe("text");
  });

  test("[SESSION-8] holds for a socket that was checked before it and joins after it, for a minute", () => {
    const room = new RoomScene();
    const { room: core } = room.host;
    change(room, TO_VIEWER);
    expect(core.admit(EDITOR, room.host.nowMs)).toMatchObject({ ok: true, value: { role: "viewer" } });
    change(room, REVOKED);
    room.wait(60_000);
    expect(core.admit(EDITOR, room.host.nowMs)).toMatchObject({ refusal: { code: "unauthorised" } });
    expect(core.admit({ ...EDITOR, grants: ["key:other"] }, room.host.nowMs).ok).toBe(true);
    room.wait(1);
    expect(core.admit(EDITOR, room.host.nowMs)).toMatchObject({ ok: true, value: { role: "editor" } });
  });

  test("[SESSION-8] holds for a renewal that was checked before it", () => {
    const room = new RoomScene();
    const json = room.json("json", { access: { ...EDITOR, grants: ["token:first"] } });
    json.send({ action: "authenticate", token: "a.b.c", request_id: "r" });
    change(room, REVOKED);
    renew(room, EDITOR);
    expect(json.told()).toMatchObject([{ action: "error", code: "unauthorised", request_id: "r" }]);
  });

  test("[SESSION-8] a grant that was lowered and raised again is remembered as it is last", () => {
    const room = new RoomScene();
    change(room, TO_VIEWER);
    change(room, { grant: "key:backend", cap: { role: "admin", prefixes: null } });
    expect(room.host.room.admit(EDITOR, room.host.nowMs)).toMatchObject({ value: { role: "editor" } });
  });
});
