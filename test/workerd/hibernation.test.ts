/** What is left when the object's memory goes: over hibernation everything, over a crash all that was acknowledged. */
import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as Y from "yjs";
import type { JsonRecord } from "../../src/core/room/session.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import type { Access } from "../../src/protocol/access.ts";
import {
  MAX_ACCESS_UNITS,
  MAX_CLIENT_NAME_UNITS,
  MAX_PREFIXES,
  MAX_PREFIXES_UNITS,
  MAX_PRESENCE_BYTES,
  MAX_PRESENCE_COLOR_UNITS,
  MAX_REMEMBERED_REBASE_UNITS,
  MAX_REMEMBERED_TEXTS,
  MAX_USER_ID_UNITS,
  MAX_USER_NAME_UNITS,
} from "../../src/protocol/limits.ts";
import { Timer } from "../../src/worker/fragment/timer.ts";
import { forgedUpdate } from "../support/forged-update.ts";
import { userAccess } from "../support/open-access.ts";
import {
  connectJson,
  connectJsonWith,
  connectOld,
  createFragment,
  joinJson,
  joinYjs,
  objectOf,
  readFragment,
} from "./connect.ts";
import { eventually } from "./eventually.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const wide = (units: number) => "字".repeat(units);

/** As long as an access may be, nearly all of it in characters that take two bytes there. */
const FULL: Access = {
  ...userAccess("ann"),
  principal: {
    id: `user:${wide(MAX_USER_ID_UNITS)}`,
    // One wide character makes each take two bytes here, and few bytes of the presence.
    name: wide(1).padEnd(MAX_USER_NAME_UNITS, "n"),
    color: wide(1).padEnd(MAX_PRESENCE_COLOR_UNITS, "c"),
  },
  prefixes: [
    "test",
    ...Array.from({ length: MAX_PREFIXES - 1 }, () => wide(MAX_PREFIXES_UNITS / MAX_PREFIXES)),
  ],
  expiresAtMs: Date.now() + 3_600_000,
};
const LONGEST = {
  ...FULL,
  grants: [wide(MAX_ACCESS_UNITS - JSON.stringify({ ...FULL, grants: [""] }).length)],
};

describe("hibernation", () => {
  test("[HIB-1] the same sockets go on, when the object was evicted", async () => {
    const { id } = await createFragment("one");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    await evictDurableObject(objectOf(id));
    await yjs.typeSaved((text) => text.insert(3, " two"));
    expect(await json.next("update")).toMatchObject({ content: "one two", version: 2 });
    await evictDurableObject(objectOf(id));
    await json.request({ action: "update", content: "one two three", base_version: 2, request_id: "r" });
    await yjs.next("update");
    expect(yjs.text).toBe("one two three");
    expect([json.inbox.isClosed, yjs.inbox.isClosed]).toEqual([false, false]);
    expect(json.inbox.all.filter(({ action }) => action === "initial").length).toBe(1);
  });

  test("[HIB-1] the memory is really gone, when the object was evicted", async () => {
    const { id } = await createFragment("one");
    await joinJson(id);
    const mark = Symbol("of the instance");
    await runInDurableObject(objectOf(id), (instance) => void Object.assign(instance, { [mark]: true }));
    await evictDurableObject(objectOf(id));
    const isThere = await runInDurableObject(objectOf(id), (instance) => mark in instance);
    expect(isThere).toBe(false);
  });

  test("[HIB-2] a session keeps its id, its name and its wish for changes, when the object was evicted", async () => {
    const { id } = await createFragment("one");
    const reader = await connectJson(id, "?changes=1");
    const { session } = await reader.next("initial");
    const writer = await joinJson(id, "?client=alice");
    const edit = {
      action: "edit",
      base_version: 1,
      changes: [{ from: 3, to: 3, insert: "!" }],
      request_id: "r",
    };
    await writer.request(edit);
    await reader.next("update");
    await evictDurableObject(objectOf(id));
    expect(await writer.request(edit)).toMatchObject({ action: "update_status", version: 2 });
    await writer.request({ ...edit, base_version: 2, request_id: "r2" });
    expect(await reader.next("update")).toMatchObject({
      base_version: 2,
      version: 3,
      changes: [{ insert: "!" }],
    });
    reader.send({ action: "presence", state: { name: "Ann" } });
    expect((await writer.next("presence")).peers).toMatchObject([{ session, name: "Ann" }]);
    expect((await readFragment(id)).content).toBe("one!!");
  });

  test("[HIB-2] an old client stays one, when the object was evicted", async () => {
    const { id } = await createFragment("kept");
    const old = await connectOld(`/ws/prompts/${id}`);
    await old.next("initial");
    await evictDurableObject(objectOf(id));
    old.send({ action: "dance" });
    await old.barrier();
    expect(old.inbox.unread).toEqual([]);
  });

  test("[HIB-2] a client id stays its owner's, when the object was evicted", async () => {
    const { id } = await createFragment("");
    const [owner, forger] = await Promise.all([joinYjs(id), joinYjs(id)]);
    owner.type((text) => text.insert(0, "mine"));
    forger.type((text) => text.insert(0, "own"));
    await Promise.all([owner.saved(1), forger.saved(1)]);
    await forger.sync();
    await evictDurableObject(objectOf(id));
    forger.push(2, forgedUpdate(forger.doc, owner.doc.clientID));
    expect(await forger.closed()).toMatchObject({ code: 4409 });
  });

  test("[HIB-3] presence is there, when the object was evicted and somebody joins", async () => {
    const { id } = await createFragment("hello world");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    json.send({ action: "presence", state: { name: "Ann", cursor: 5 } });
    yjs.sendAwareness([{ client: yjs.doc.clientID, clock: 1, state: { user: { name: "Bob" } } }]);
    await json.inbox.next("Bob", (frame) => frame.action === "presence" && frame.peers.length === 2);
    await evictDurableObject(objectOf(id));
    const late = await joinJson(id);
    const { peers } = await late.next("presence");
    expect(peers.map(({ name }) => name).sort()).toEqual(["Ann", "Bob"]);
    const lateYjs = await joinYjs(id);
    const { states } = await lateYjs.nextAwareness(yjs.doc.clientID);
    expect(states.size).toBe(2);
  });

  test("[HIB-3] a cursor is gone at once, when its socket closes while the object sleeps", async () => {
    const { id } = await createFragment("");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    yjs.sendAwareness([{ client: yjs.doc.clientID, clock: 1, state: { user: { name: "Bob" } } }]);
    await json.next("presence");
    await evictDurableObject(objectOf(id));
    yjs.close();
    expect(await json.next("presence")).toEqual({ action: "presence", peers: [] });
  });

  test("[HIB-3] the cursor of a silent stock client goes, when the object slept since its last word", async () => {
    const { id } = await createFragment("");
    const [stock, watcher] = await Promise.all([joinYjs(id, { isStock: true }), joinYjs(id)]);
    const client = stock.doc.clientID;
    stock.sendAwareness([{ client, clock: 1, state: { user: { name: "Bob" } } }]);
    await watcher.nextAwareness(client);
    await evictDurableObject(objectOf(id));
    const now = Date.now.bind(Date);
    vi.spyOn(Date, "now").mockImplementation(() => now() + 31_000);
    expect(await runDurableObjectAlarm(objectOf(id))).toBe(true);
    const { states } = await watcher.nextAwareness(client);
    expect(states.get(client)).toEqual({ clock: 2, state: null });
  });

  test("[HIB-4] past revisions are valid bases, when the object was evicted", async () => {
    const { id } = await createFragment("one two three");
    const client = await joinJson(id);
    await client.request({ action: "update", content: "ONE two three", base_version: 1, request_id: "r1" });
    await client.request({ action: "update", content: "ONE TWO three", base_version: 2, request_id: "r2" });
    await evictDurableObject(objectOf(id));
    const status = await client.request({
      action: "update",
      content: "one two three, four",
      base_version: 1,
      request_id: "r3",
    });
    expect(status).toMatchObject({ action: "update_status", content: "ONE TWO three, four" });
  });

  test("[HIB-4] an own request is a valid base, when the object was evicted", async () => {
    const { id } = await createFragment("()");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await b.request({ action: "update", content: "b()", base_version: 1, request_id: "b" });
    const first = { action: "edit", base_version: 1, changes: [{ from: 1, to: 1, insert: "x" }] };
    await a.request({ ...first, request_id: "a1" });
    await evictDurableObject(objectOf(id));
    const second = { action: "edit", base_request_id: "a1", changes: [{ from: 2, to: 2, insert: "y" }] };
    expect(await a.request({ ...second, request_id: "a2" })).toMatchObject({ action: "update_status" });
    expect((await readFragment(id)).content).toBe("b(xy)");
  });

  test("[HIB-4] an update in flight is not reverted, when the object was evicted between", async () => {
    const { id } = await createFragment("hello");
    const [a, b] = await Promise.all([joinJson(id), joinJson(id)]);
    await a.request({ action: "update", content: "hello world", request_id: "a" });
    await evictDurableObject(objectOf(id));
    const status = await b.request({ action: "update", content: "Oh, hello", request_id: "b" });
    expect(status).toMatchObject({ content: "Oh, hello world" });
  });

  test("[HIB-7] a session is told to reconnect, when its pushes that waited for a gap were lost with the memory", async () => {
    const { id } = await createFragment("text");
    const json = await joinJson(id);
    const yjs = await joinYjs(id);
    yjs.answersStep1 = false;
    yjs.sendAwareness([{ client: yjs.doc.clientID, clock: 1, state: { user: { name: "Bob" } } }]);
    expect((await json.next("presence")).peers).toHaveLength(1);
    yjs.edit((text) => text.insert(0, "lost"));
    yjs.type((text) => text.insert(4, "late"));
    await yjs.next("step1");
    await evictDurableObject(objectOf(id));
    await readFragment(id);
    expect(await yjs.closed()).toMatchObject({ code: 1011 });
    expect(yjs.inbox.all.map(({ kind }) => kind)).not.toContain("saved");
    expect((await json.next("presence")).peers, "its cursor").toEqual([]);
  });

  test("[HIB-8] the record of a session fits into its attachment, when every part is as long as it may be", async () => {
    const block = wide(MAX_REMEMBERED_REBASE_UNITS - 40);
    const { id } = await createFragment(`start\n${block}\nend`);
    const other = await joinJson(id);
    const full = await connectJsonWith(
      id,
      LONGEST,
      `?client=${encodeURIComponent(wide(MAX_CLIENT_NAME_UNITS))}`,
    );
    await full.next("initial");
    // Its own text is not what it sent: the way back holds the block.
    await other.request({ action: "update", content: "start\n\nend", base_version: 1, request_id: "d" });
    const sent = { action: "update", content: `start!\n${block}\nend`, base_version: 1, request_id: "e" };
    expect(await full.request(sent)).toMatchObject({ content: "start!\n\nend" });
    const tags = Array.from(
      { length: Math.floor(MAX_REMEMBERED_REBASE_UNITS / 68) },
      (_, at) => wide(62) + String(at).padStart(2, "0"),
    );
    await full.request({ action: "update_metadata", tags, request_id: "t" });
    for (let at = 0; at <= MAX_REMEMBERED_TEXTS; at++)
      await other.request({ action: "update", content: `start!\n${at}\nend`, request_id: `w${at}` });
    const { name, color } = FULL.principal;
    const verifiedBytes = utf8Length(JSON.stringify({ name, color }));
    const cursor = `字${"a".repeat(MAX_PRESENCE_BYTES - verifiedBytes - 33)}`;
    full.send({ action: "presence", state: { cursor } });
    const presence = await other.next("presence");
    expect(presence.peers).toMatchObject([{ cursor, name, color }]);
    const records = await runInDurableObject(objectOf(id), (_instance, ctx) =>
      ctx.getWebSockets().map((socket) => socket.deserializeAttachment() as JsonRecord),
    );
    const record = records.find(({ clientName }) => clientName !== null);
    expect(JSON.stringify(record?.knowledge.ownWrite)).toContain(block);
    expect(record?.knowledge.ownTags?.tags).toEqual(tags);
    expect(record?.knowledge.sentRevisions.length).toBe(MAX_REMEMBERED_TEXTS);
    expect(record?.access).toEqual(LONGEST);
    expect([full.inbox.isClosed, other.inbox.isClosed]).toEqual([false, false]);
  });

  test("[HIB-8] a socket is refused, when its access would not fit into an attachment", async () => {
    const { id } = await createFragment("kept");
    const grants = LONGEST.grants.map((grant) => `${grant}x`);
    await expect(connectJsonWith(id, { ...LONGEST, grants })).rejects.toThrow('"code":4401');
  });

  test("[HIB-5] a room has no timer, when it has become quiet", async () => {
    const { id } = await createFragment("");
    const due = new Map<Timer, number | null>();
    const set = Timer.prototype.set;
    let wasSet = false;
    vi.spyOn(Timer.prototype, "set").mockImplementation(function (this: Timer, dueMs, nowMs) {
      due.set(this, dueMs);
      wasSet ||= dueMs !== null;
      set.call(this, dueMs, nowMs);
    });
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    for (let typed = 0; typed < 29; typed++) yjs.type((text) => text.insert(typed, "x"));
    await yjs.typeSaved((text) => text.insert(0, "x"));
    json.send({ action: "presence", state: { name: "Ann" } });
    await yjs.next("awareness");
    await Promise.all([json.barrier(), yjs.sync()]);
    expect(wasSet).toBe(true);
    await eventually(() => expect([...due.values()].filter((dueMs) => dueMs !== null)).toEqual([]));
  });
});

describe("a crash", () => {
  test("[HIB-6] every acknowledged edit is there, when the object was aborted", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { id } = await createFragment("");
    const [json, yjs] = await Promise.all([joinJson(id), joinYjs(id)]);
    let pushed = 0;
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 10; n++) {
        yjs.push(
          ++pushed,
          yjs.edit((text) => text.insert(text.length, "y")),
        );
      }
      await json.request({ action: "update_metadata", description: `${round}`, request_id: `m${round}` });
    }
    const [{ revision }] = await Promise.all([yjs.saved(pushed), json.barrier()]);
    await abortAllDurableObjects();
    const fragment = await readFragment(id);
    expect(fragment).toMatchObject({ content: "y".repeat(pushed), description: "4" });
    expect(fragment.version).toBeGreaterThanOrEqual(revision);
  });

  test("[HIB-6] an unacknowledged push is there once or not at all, when the object was aborted", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { id } = await createFragment("");
    const yjs = await joinYjs(id);
    await yjs.typeSaved((text) => text.insert(0, "kept"));
    for (let seq = 2; seq < 60; seq++)
      yjs.push(
        seq,
        yjs.edit((text) => text.insert(text.length, ".")),
      );
    await abortAllDurableObjects();
    expect((await readFragment(id)).content).toMatch(/^kept\.{0,58}$/);
    // The peer supplies the lost edits, and none comes twice.
    const again = await joinYjs(id);
    Y.applyUpdate(again.doc, Y.encodeStateAsUpdate(yjs.doc));
    again.push(1, Y.encodeStateAsUpdate(again.doc));
    await again.saved(1);
    expect((await readFragment(id)).content).toBe(`kept${".".repeat(58)}`);
  });

  test("[HIB-6] the others live on, when the room of one fragment fails", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const [broken, sound] = [await createFragment("broken"), await createFragment("sound")];
    const [victim, other] = await Promise.all([joinJson(broken.id), joinJson(sound.id)]);
    await runInDurableObject(objectOf(broken.id), (_, state) => {
      state.storage.sql.exec("ALTER TABLE update_log RENAME TO away");
    });
    victim.send({ action: "update", content: "new" });
    expect(await victim.closed()).toMatchObject({ code: 1011 });
    await other.request({ action: "update", content: "still sound", request_id: "r" });
    await runInDurableObject(objectOf(broken.id), (_, state) => {
      state.storage.sql.exec("ALTER TABLE away RENAME TO update_log");
    });
    await abortAllDurableObjects(); // the object does so by itself, but says nobody when
    expect(await readFragment(broken.id)).toMatchObject({ content: "broken", version: 1 });
  });
});
