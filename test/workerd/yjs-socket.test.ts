/** The Yjs socket: sync, pushes, presence, and what becomes of updates that cannot be taken. */

import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as Y from "yjs";
import { forgedUpdate } from "../support/forged-update.ts";
import type { YjsClient } from "../support/yjs-client.ts";
import { connectYjs, createFragment, freshId, joinJson, joinYjs, objectOf, readFragment } from "./connect.ts";

const MIB = 1024 * 1024;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("sync", () => {
  test("[YJS-1] a client gets the text and metadata, when it asks with a sync step 1", async () => {
    const { id } = await createFragment("hello", { description: "d", tags: ["t"], prompt_type: "user" });
    const client = await joinYjs(id, { isStock: true });
    expect(client.text).toBe("hello");
    expect(client.doc.getMap("metadata").toJSON()).toMatchObject({ description: "d", prompt_type: "user" });
    expect([...client.doc.getMap("tags").keys()]).toEqual(["t"]);
  });

  test("[YJS-1] the server asks for what it lacks, when a client has synced", async () => {
    const { id } = await createFragment("hello");
    const client = await joinYjs(id);
    const { stateVector } = await client.next("step1");
    expect(stateVector).toEqual(Y.encodeStateVector(client.doc));
  });

  test("[YJS-1] only what is missing comes, when a client knows a part", async () => {
    const { id } = await createFragment("x".repeat(10_000));
    const [writer, client] = await Promise.all([joinYjs(id), joinYjs(id)]);
    client.close();
    await writer.typeSaved((text) => text.insert(0, "new "));
    const again = await connectYjs(id);
    Y.applyUpdate(again.doc, Y.encodeStateAsUpdate(client.doc));
    again.sendSync(0, Y.encodeStateVector(again.doc));
    const { update } = await again.next("step2");
    expect(update.length).toBeLessThan(100);
    expect(again.text).toBe(`new ${"x".repeat(10_000)}`);
  });

  test("[YJS-1] edits made offline are taken, when a client comes back", async () => {
    const { id } = await createFragment("one");
    const [offline, other] = await Promise.all([joinYjs(id), joinYjs(id)]);
    offline.close();
    offline.edit((text) => text.insert(3, " offline"));
    await other.typeSaved((text) => text.insert(0, "online "));
    const back = await connectYjs(id, { isStock: true });
    Y.applyUpdate(back.doc, Y.encodeStateAsUpdate(offline.doc));
    await back.sync(); // the answer to the server's step 1 carries the edit
    await other.next("update");
    expect(other.text).toBe("online one offline");
    expect((await readFragment(id)).content).toBe("online one offline");
  });

  test("[YJS-2] the others get an edit and its author does not, when a client types", async () => {
    const { id } = await createFragment("");
    const [author, other] = await Promise.all([joinYjs(id), joinYjs(id)]);
    await Promise.all([settled(author), settled(other)]);
    author.sendUpdate(author.edit((text) => text.insert(0, "hello")));
    await other.next("update");
    expect(other.text).toBe("hello");
    await author.sync();
    expect(author.inbox.all.filter(({ kind }) => kind === "update")).toEqual([]);
  });

  test("[YJS-2] all converge, when five type at the same place at the same time", async () => {
    const { id } = await createFragment("[]");
    const clients = await Promise.all(Array.from({ length: 5 }, () => joinYjs(id)));
    await Promise.all(
      clients.map(async (client, n) => {
        for (let at = 1; at <= 20; at++) {
          client.push(
            at,
            client.edit((text) => text.insert(at, `${n}`)),
          );
        }
        await client.saved(20);
      }),
    );
    await Promise.all(clients.map((client) => client.sync()));
    const { content } = await readFragment(id);
    expect(content.length).toBe(102);
    for (const client of clients) expect(client.text).toBe(content);
  });

  test("[YJS-3] the socket is closed with 4404, when the fragment does not exist", async () => {
    const id = freshId();
    for (const isStock of [true, false]) {
      const client = await connectYjs(id, { isStock });
      expect(await client.closed()).toEqual({ code: 4404, reason: `Fragment '${id}' not found` });
    }
  });

  test("[YJS-3] a fragment is made empty, when a socket asks for it with create=1", async () => {
    const id = freshId();
    const client = await joinYjs(id, { query: "?create=1", isStock: true });
    expect(client.text).toBe("");
    client.sendUpdate(client.edit((text) => text.insert(0, "made")));
    expect(await readFragment(id)).toMatchObject({ content: "made" });
  });
});

describe("push", () => {
  test("[YJS-4] the subprotocol is agreed to, when a client offers it among others", async () => {
    const { id } = await createFragment("");
    const { exports } = await import("cloudflare:workers");
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "other, prompt-manager.v1" };
    const answer = await exports.default.fetch(`http://localhost/v1/sync/${id}`, { headers });
    expect(answer.headers.get("Sec-WebSocket-Protocol")).toBe("prompt-manager.v1");
    answer.webSocket?.accept();
    answer.webSocket?.close();
  });

  test("[YJS-4] saved answers with the revision, when a push is durable", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    client.push(
      7,
      client.edit((text) => text.insert(0, "a")),
    );
    expect(await client.saved(7)).toMatchObject({ seq: 7, revision: 2 });
    expect(await readFragment(id)).toMatchObject({ content: "a", version: 2 });
  });

  test("[YJS-4] the last push is answered for all, when many come at once", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    for (let seq = 0; seq < 100; seq++)
      client.push(
        seq,
        client.edit((text) => text.insert(seq, "x")),
      );
    const { revision } = await client.saved(99);
    const seqs = client.inbox.all.flatMap((frame) => (frame.kind === "saved" ? [frame.seq] : []));
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(seqs.length).toBeLessThan(40);
    expect(await readFragment(id)).toMatchObject({ content: "x".repeat(100), version: revision });
  });

  test("[YJS-4] saved answers, when a push holds nothing new", async () => {
    const { id } = await createFragment("text");
    const client = await joinYjs(id);
    client.push(1, Y.encodeStateAsUpdate(client.doc));
    expect(await client.saved(1)).toMatchObject({ revision: 1 });
  });

  test("[YJS-4] a stock client gets no frame of ours, when it types, is refused and leaves", async () => {
    const { id } = await createFragment("");
    const stock = await joinYjs(id, { isStock: true });
    stock.sendUpdate(stock.edit((text) => text.insert(0, "a")));
    stock.sendUpdate(new Uint8Array([1, 2, 3]));
    expect(await stock.closed()).toMatchObject({ code: 4400 });
    const kinds = new Set(stock.inbox.all.map(({ kind }) => kind));
    expect([...kinds].filter((kind) => kind === "saved" || kind === "notice")).toEqual([]);
  });
});

describe("updates that cannot be taken", () => {
  test.each<[what: string, update: (client: YjsClient) => Uint8Array, code: string]>([
    ["are no update", () => new Uint8Array([9, 9, 9]), "malformed_update"],
    ["are empty", () => new Uint8Array(), "malformed_update"],
    [
      "are cut off",
      (client) => client.edit((text) => text.insert(0, "abc")).slice(0, -3),
      "malformed_update",
    ],
    [
      "write to another root type",
      (client) => client.edit((_, doc) => doc.getText("x").insert(0, "a")),
      "malformed_update",
    ],
    [
      "nest a type",
      (client) => client.edit((_, doc) => doc.getMap("metadata").set("m", new Y.Map())),
      "malformed_update",
    ],
    [
      "embed an object",
      (client) => client.edit((text) => text.insertEmbed(0, { image: "x" })),
      "malformed_update",
    ],
    ["hold a NUL", (client) => client.edit((text) => text.insert(0, "a\0b")), "invalid_content"],
    [
      "make the metadata invalid",
      (client) => client.edit((_, doc) => doc.getMap("metadata").set("prompt_type", "poem")),
      "invalid_metadata",
    ],
    [
      "add too many tags",
      (client) =>
        client.edit((_, doc) => {
          for (let n = 0; n < 65; n++) doc.getMap("tags").set(`${n}`, true);
        }),
      "invalid_metadata",
    ],
  ])(
    "[YJS-5] the socket is closed with 4400 after a notice and nothing changes, when its bytes %s",
    async (_, make, code) => {
      const { id } = await createFragment("kept");
      const [bad, good] = await Promise.all([joinYjs(id), joinYjs(id)]);
      bad.push(1, make(bad));
      expect(await bad.next("notice")).toMatchObject({ code, message: expect.stringMatching(/\.$/) });
      expect(await bad.closed()).toMatchObject({ code: 4400, reason: expect.stringMatching(/./) });
      expect(bad.inbox.all.filter(({ kind }) => kind === "saved")).toEqual([]);
      await good.sync();
      expect(good.text).toBe("kept");
      expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
      await good.typeSaved((text) => text.insert(4, "!"));
    },
  );

  test.each([
    ["an unknown sync message", new Uint8Array([0, 9, 0])],
    ["cut off", new Uint8Array([0, 2, 200])],
    ["empty", new Uint8Array()],
    ["a broken state vector", new Uint8Array([0, 0, 2, 5, 1])],
    ["a push without an update", new Uint8Array([100, 1])],
    ["broken awareness", new Uint8Array([1, 2, 5, 1])],
  ])("[YJS-5] the socket is closed with 4400 after a notice, when a frame is %s", async (_, bytes) => {
    const { id } = await createFragment("kept");
    const bad = await joinYjs(id);
    bad.sendRaw(bytes);
    expect(await bad.next("notice")).toMatchObject({ code: "malformed_update" });
    expect(await bad.closed()).toMatchObject({ code: 4400 });
  });

  test("[YJS-5] the socket is closed with 4400, when a frame is text", async () => {
    const { id } = await createFragment("kept");
    const bad = await joinYjs(id);
    bad.sendRaw('{"action":"ping!"}');
    expect(await bad.closed()).toMatchObject({ code: 4400 });
  });

  test("[YJS-5] a frame is ignored, when its tag is unknown", async () => {
    const { id } = await createFragment("kept");
    const client = await joinYjs(id);
    client.sendRaw(new Uint8Array([77, 1, 2, 3]));
    await client.sync();
    expect(client.inbox.isClosed).toBe(false);
  });

  test("[YJS-6] saved never covers a refused push, when good pushes stand around it", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    await client.typeSaved((text) => text.insert(0, "good"));
    client.type((text) => text.insert(0, "\0"));
    client.type((text) => text.insert(0, "after"));
    await client.closed();
    const seqs = client.inbox.all.flatMap((frame) => (frame.kind === "saved" ? [frame.seq] : []));
    expect(seqs).toEqual([1]);
    expect((await readFragment(id)).content).toBe("good");
  });

  test("[YJS-5] the socket is closed and the text stays whole, when an update splits a surrogate pair", async () => {
    const { id } = await createFragment("a😀b");
    const bad = await joinYjs(id);
    bad.type((text) => text.delete(1, 1));
    expect(await bad.next("notice")).toMatchObject({ code: "invalid_content" });
    expect((await readFragment(id)).content).toBe("a😀b");
  });

  test("[YJS-7] an update with a gap is answered with one sync step 1, and the missing edits fill it", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    await client.next("step1");
    client.answersStep1 = false;
    await client.sync(); // sends our step 1 again, which nobody answers
    await client.next("step1");
    const whole = new Y.Doc();
    whole.clientID = client.doc.clientID;
    const updates: Uint8Array[] = [];
    whole.on("update", (update: Uint8Array) => updates.push(update));
    for (const letter of "abcd") whole.getText("content").insert(whole.getText("content").length, letter);
    const [first, ...later] = updates;
    if (first === undefined) throw new Error("no updates");
    // The step 1 of the join is still unanswered: an empty answer settles it.
    client.sendSync(1, new Uint8Array([0, 0]));
    for (const [seq, update] of later.entries()) client.push(seq, update);
    await client.next("step1");
    await client.sync();
    await client.next("step1"); // of the sync
    expect(client.inbox.unread.filter(({ kind }) => kind === "step1" || kind === "saved")).toEqual([]);
    expect((await readFragment(id)).content).toBe("");
    client.sendSync(1, Y.encodeStateAsUpdate(whole));
    await client.saved(later.length - 1);
    expect((await readFragment(id)).content).toBe("abcd");
  });

  test("[YJS-7] a delete of what is not known is a gap, when it comes before the text", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    await client.next("step1");
    const insert = client.edit((text) => text.insert(0, "abc"));
    const deletion = client.edit((text) => text.delete(1, 1));
    const deletesOnly = Y.diffUpdate(deletion, Y.encodeStateVector(client.doc));
    await client.sync();
    client.sendUpdate(deletesOnly);
    client.sendUpdate(insert);
    await client.sync();
    expect((await readFragment(id)).content).toBe("ac");
    expect(client.inbox.isClosed).toBe(false);
  });

  test("[YJS-8] the socket is closed with 4409 and nothing changes, when it writes under a live session's client id", async () => {
    const { id } = await createFragment("");
    const [owner, forger] = await Promise.all([joinYjs(id), joinYjs(id)]);
    owner.type((text) => text.insert(0, "mine"));
    forger.type((text) => text.insert(0, "own"));
    await Promise.all([owner.saved(1), forger.saved(1)]);
    const before = await readFragment(id);
    await forger.sync();
    forger.push(2, forgedUpdate(forger.doc, owner.doc.clientID));
    expect(await forger.next("notice")).toMatchObject({ code: "forged_update" });
    expect(await forger.closed()).toMatchObject({ code: 4409 });
    expect(await readFragment(id)).toEqual(before);
    await owner.typeSaved((text) => text.insert(0, "still "));
  });

  test("[YJS-8] the socket is closed with 4409, when it writes under the server's client id", async () => {
    const { id } = await createFragment("by the server");
    const forger = await joinYjs(id);
    await forger.next("step1"); // its answer may hold edits of others, and must not hold this one
    const [server] = [...Y.decodeStateVector(Y.encodeStateVector(forger.doc)).keys()];
    forger.push(1, forgedUpdate(forger.doc, server ?? 0));
    expect(await forger.closed()).toMatchObject({ code: 4409 });
    expect((await readFragment(id)).content).toBe("by the server");
  });

  test("[YJS-8] a reconnecting client goes on with its client id, when its older socket is half-open", async () => {
    const { id } = await createFragment("");
    const older = await joinYjs(id, { isStock: true, name: "the half-open one" });
    const client = older.doc.clientID;
    older.sendAwareness([{ client, clock: 1, state: { user: { name: "Ann" } } }]);
    await older.nextAwareness(client);
    older.answersStep1 = false;
    const newer = await joinYjs(id, { isStock: true });
    newer.doc.clientID = client;
    newer.sendAwareness([{ client, clock: 2, state: { user: { name: "Ann" } } }]);
    expect((await older.closed()).code).toBe(4508);
    expect((await newer.nextAwareness(client)).states.get(client)?.clock).toBe(1);
    expect((await newer.nextAwareness(client)).states.get(client)?.clock).toBe(2);
    newer.sendUpdate(newer.edit((text) => text.insert(0, "back")));
    expect((await readFragment(id)).content).toBe("back");
  });

  test("[YJS-8] a client keeps its id, its cursor and its socket, when another claims the id", async () => {
    const { id } = await createFragment("");
    const owner = await joinYjs(id, { isStock: true });
    const client = owner.doc.clientID;
    owner.sendAwareness([{ client, clock: 1, state: { user: { name: "Ann" } } }]);
    await owner.nextAwareness(client);
    const other = await joinYjs(id);
    other.sendAwareness([{ client, clock: 2, state: { user: { name: "not Ann" } } }]);
    expect(await other.next("notice")).toMatchObject({ code: "client_id_taken" });
    owner.sendAwareness([{ client, clock: 3, state: { user: { name: "Ann B" } } }]);
    expect((await other.nextAwareness(client)).states.get(client)).toMatchObject({ clock: 1 });
    expect((await other.nextAwareness(client)).states.get(client)).toMatchObject({ clock: 3 });
    expect([owner.inbox.isClosed, other.inbox.isClosed]).toEqual([false, false]);
  });

  test("[YJS-8] edits of others are taken, when a sync step 2 brings them", async () => {
    const { id } = await createFragment("");
    const [one, two] = await Promise.all([joinYjs(id), joinYjs(id)]);
    one.type((text) => text.insert(0, "1"));
    two.type((text) => text.insert(0, "2"));
    await Promise.all([one.saved(1), two.saved(1)]);
    await Promise.all([one.sync(), two.sync()]);
    two.edit((text) => text.insert(2, "!"));
    // `one` supplies what `two` had: as after a crash.
    Y.applyUpdate(one.doc, Y.encodeStateAsUpdate(two.doc));
    one.sendSync(1, Y.encodeStateAsUpdate(one.doc));
    await one.sync();
    expect((await readFragment(id)).content).toBe(two.text);
  });

  test("[YJS-9] the socket is closed with 4413 and nothing changes, when the text would grow beyond 1 MiB", async () => {
    const { id } = await createFragment("x".repeat(MIB - 1));
    const [bad, good] = await Promise.all([joinYjs(id), joinYjs(id)]);
    bad.type((text) => text.insert(0, "é"));
    expect(await bad.next("notice")).toMatchObject({ code: "content_too_large" });
    expect(await bad.closed()).toMatchObject({ code: 4413 });
    await good.typeSaved((text) => text.insert(0, "y"));
    expect((await readFragment(id)).size).toBe(MIB);
  });

  test("[YJS-9] the socket is closed with 4413, when a frame is larger than 8 MiB", async () => {
    const { id } = await createFragment("");
    const bad = await joinYjs(id);
    bad.sendRaw(new Uint8Array(8 * MIB + 1));
    expect(await bad.closed()).toMatchObject({ code: 4413 });
  });

  test("[YJS-9] an update is taken, when it deletes from a text of 1 MiB", async () => {
    const { id } = await createFragment("x".repeat(MIB));
    const client = await joinYjs(id);
    await client.typeSaved((text) => text.delete(0, MIB / 2));
    expect((await readFragment(id)).size).toBe(MIB / 2);
  });
});

describe("presence", () => {
  const ann = { user: { name: "Ann", color: "#f00" } };

  test("[YJS-10] the others learn of a state, and a newcomer too, when a client shows it", async () => {
    const { id } = await createFragment("");
    const [one, two] = await Promise.all([joinYjs(id), joinYjs(id, { isStock: true })]);
    show(one, 1, ann);
    const seen = await two.nextAwareness(one.doc.clientID);
    expect(seen.states.get(one.doc.clientID)).toEqual({ clock: 1, state: ann });
    const late = await joinYjs(id);
    const known = await late.nextAwareness(one.doc.clientID);
    expect(known.states.get(one.doc.clientID)?.state).toEqual(ann);
  });

  test("[YJS-10] the states of all come, when a client asks for them", async () => {
    const { id } = await createFragment("");
    const [one, two] = await Promise.all([joinYjs(id), joinYjs(id)]);
    show(one, 1, ann);
    await two.nextAwareness(one.doc.clientID);
    two.queryAwareness();
    await two.nextAwareness(one.doc.clientID);
  });

  test("[YJS-10] one frame tells of many states, when many peers show themselves at once", async () => {
    const { id } = await createFragment("");
    const clients = await Promise.all(Array.from({ length: 10 }, () => joinYjs(id)));
    const [watcher] = clients;
    if (watcher === undefined) throw new Error("nobody there");
    for (const client of clients) show(client, 1, ann);
    const missing = new Set(clients.map(({ doc }) => doc.clientID));
    let frames = 0;
    while (missing.size > 0) {
      const { states } = await watcher.next("awareness");
      frames++;
      for (const client of states.keys()) missing.delete(client);
    }
    expect(frames).toBeLessThan(5);
  });

  test("[YJS-11] a renewal is answered to its sender, when the sender is alone in the room", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id, { isStock: true });
    for (let clock = 1; clock < 4; clock++) {
      show(client, clock, ann);
      const answer = await client.nextAwareness(client.doc.clientID);
      expect(answer.states.get(client.doc.clientID)?.clock).toBe(clock);
    }
  });

  test("[YJS-12] the others learn it at once, when a socket with a cursor closes", async () => {
    const { id } = await createFragment("");
    const [one, two, json] = await Promise.all([joinYjs(id, { isStock: true }), joinYjs(id), joinJson(id)]);
    show(one, 4, ann);
    await two.nextAwareness(one.doc.clientID);
    await json.next("presence");
    one.close();
    const gone = await two.nextAwareness(one.doc.clientID);
    expect(gone.states.get(one.doc.clientID)).toEqual({ clock: 5, state: null });
    expect((await json.next("presence")).peers).toEqual([]);
  });

  test("[YJS-12] the cursor goes, when a stock client stops renewing it for 30 seconds", async () => {
    const { id } = await createFragment("");
    const [silent, own, watcher] = await Promise.all([
      joinYjs(id, { isStock: true }),
      joinYjs(id),
      joinYjs(id),
    ]);
    show(silent, 1, ann);
    show(own, 1, ann);
    await watcher.nextAwareness(own.doc.clientID);
    watcher.inbox.drain();
    const now = Date.now.bind(Date);
    vi.spyOn(Date, "now").mockImplementation(() => now() + 31_000);
    expect(await runDurableObjectAlarm(objectOf(id))).toBe(true);
    const gone = await watcher.nextAwareness(silent.doc.clientID);
    // The socket of our own client speaks for it: it need not renew.
    expect([...gone.states]).toEqual([[silent.doc.clientID, { clock: 2, state: null }]]);
  });

  test("[YJS-13] foreign entries are dropped without a word, when a provider sends everybody's state back", async () => {
    const { id } = await createFragment("");
    const [one, two, json] = await Promise.all([
      joinYjs(id, { isStock: true }),
      joinYjs(id, { isStock: true }),
      joinJson(id),
    ]);
    show(one, 1, ann);
    await two.nextAwareness(one.doc.clientID);
    show(two, 1, { user: { name: "Bob" } });
    await one.nextAwareness(two.doc.clientID);
    two.sendAwareness([
      { client: two.doc.clientID, clock: 2, state: { user: { name: "Bob" } } },
      { client: one.doc.clientID, clock: 9, state: null },
      { client: 12345, clock: 1, state: { user: { name: "Nobody" } } },
    ]);
    await one.nextAwareness(two.doc.clientID);
    const late = await joinYjs(id);
    const { states } = await late.next("awareness");
    expect(new Set(states.keys())).toEqual(new Set([one.doc.clientID, two.doc.clientID]));
    expect(states.get(one.doc.clientID)).toEqual({ clock: 1, state: ann });
    expect(states.get(two.doc.clientID)).toEqual({ clock: 2, state: { user: { name: "Bob" } } });
    await one.sync();
    const told = one.inbox.all.flatMap((frame) => (frame.kind === "awareness" ? [...frame.states] : []));
    expect(told.filter(([client, { state }]) => client === 12345 || state === null)).toEqual([]);
    await json.barrier();
    expect([one.inbox.isClosed, two.inbox.isClosed]).toEqual([false, false]);
  });

  test("[YJS-13] the state is refused with a notice and the session lives, when it is too large", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    show(client, 1, { user: "x".repeat(4_000) });
    expect(await client.next("notice")).toMatchObject({ code: "presence_too_large" });
    await client.sync();
  });

  test("[YJS-13] a state that is no object is refused and the session lives, when it is sent", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    for (const [clock, state] of ["text", 5, [1], true].entries()) {
      show(client, clock + 1, state);
      expect(await client.next("notice")).toMatchObject({ code: "invalid_frame" });
    }
  });
});

/** Its answer to the server's step 1 has arrived: what comes next is alone in its window. */
async function settled(client: YjsClient): Promise<void> {
  await client.next("step1");
  client.push(0, new Uint8Array([0, 0]));
  await client.saved(0);
}

function show(client: YjsClient, clock: number, state: unknown): void {
  client.sendAwareness([{ client: client.doc.clientID, clock, state }]);
}
