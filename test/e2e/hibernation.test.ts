import { setTimeout as delay } from "node:timers/promises";
import { describe, type TestContext, test } from "vitest";
import { PLAIN_PING } from "../../src/protocol/json-frames.ts";
import { connectJson, connectYjs } from "../support/live-clients.ts";
import { ObservedServer } from "../support/observed-server.ts";
import { putFragment, readFragment } from "../support/rest.ts";
import { serverOfFile } from "../support/server-of-file.ts";
import { StockEditor } from "../support/stock-editor.ts";

// What happens where nobody types. These tests wait for the platform's own times, so they wait at the same time.

/** workerd takes an object that can hibernate out of memory after 10 s without an event. */
const SLEEP_MS = 15_000;
const STAY_MS = 125_000;

const file = serverOfFile((dir) => ObservedServer.start(dir));

/** A room with a JSON editor and a Yjs editor, both with a cursor, that has slept. */
async function sleepingRoom({ onTestFinished }: TestContext, id: string, query = "") {
  await putFragment(file.server.url, id, "before;");
  const json = await connectJson(file.server.url, `/v1/ws/${id}${query}`, "the JSON editor");
  const yjs = await connectYjs(file.server.url, `/v1/sync/${id}${query}`, { name: "the Yjs editor" });
  onTestFinished(() => {
    json.socket.terminate();
    yjs.socket.terminate();
  });
  const { session } = await json.client.next("initial");
  json.client.send({ action: "presence", state: { name: "Ann", cursor: 3 } });
  yjs.client.sendAwareness([{ client: yjs.client.doc.clientID, clock: 1, state: { user: { name: "Bob" } } }]);
  await json.client.inbox.next(
    "Bob's cursor",
    (frame) => frame.action === "presence" && frame.peers.some(({ name }) => name === "Bob"),
  );
  await delay(SLEEP_MS);
  return { json: json.client, yjs: yjs.client, session };
}

describe.concurrent("a quiet room", () => {
  // The first of them: Vitest runs five at a time, and this one takes longest.
  test("[LIVE-7] a stock provider stays connected, when it is alone in a room and idle for 2 minutes", async (context) => {
    const editor = new StockEditor(file.server.url, "quiet/alone", { create: "1" });
    context.onTestFinished(() => editor.destroy());
    await editor.synced();
    await delay(STAY_MS);
    context.expect(editor.closeCodes).toEqual([]);
    context.expect(editor.provider.wsconnected).toBe(true);
    context.expect(await file.server.constructions("quiet/alone")).toBeGreaterThan(0);
  });

  test("[LIVE-11] the object leaves memory and is constructed again by the next frame, when nobody did anything for a while", async (context) => {
    const { json } = await sleepingRoom(context, "quiet/counted");
    context.expect(await file.server.constructions("quiet/counted")).toBe(1);
    await json.request({ action: "update", content: "after;", request_id: "1" });
    context.expect(await file.server.constructions("quiet/counted")).toBe(2);
  });

  test("[LIVE-11] a plain ping is answered without waking the object, when the room sleeps", async (context) => {
    const { json, yjs } = await sleepingRoom(context, "quiet/ping");
    json.sendRaw(PLAIN_PING);
    await json.next("pong");
    context.expect(await file.server.constructions("quiet/ping")).toBe(1);
    await yjs.sync(); // the counter does count
    context.expect(await file.server.constructions("quiet/ping")).toBe(2);
  });

  test("[ACCESS-14] the sockets are closed with 4401, when the room sleeps and their key is revoked", async (context) => {
    const keys = `${file.server.url}/v1/keys`;
    const body = JSON.stringify({ name: "Bob", role: "editor" }); // a session shows the name of its key
    const made = await fetch(keys, { method: "POST", body });
    const { id, key } = (await made.json()) as { id: string; key: string };
    const { json, yjs } = await sleepingRoom(context, "quiet/revoked", `?token=${key}`);
    context.expect(await file.server.constructions("quiet/revoked")).toBe(1);
    context.expect((await fetch(`${keys}/${id}`, { method: "DELETE" })).status).toBe(204);
    context.expect([(await json.closed()).code, (await yjs.closed()).code]).toEqual([4401, 4401]);
    context.expect(await file.server.constructions("quiet/revoked")).toBe(2);
  });

  test("[LIVE-12] the same sockets edit on with their versions and client ids, when the room has slept", async (context) => {
    const { json, yjs } = await sleepingRoom(context, "quiet/editors");
    const changes = [{ from: 7, to: 7, insert: "Ann;" }];
    const status = await json.request({ action: "edit", base_version: 1, changes, request_id: "1" });
    context.expect(status).toMatchObject({ action: "update_status", version: 2 });
    await yjs.next("update");
    yjs.type((text) => text.insert(text.length, "Bob;"));
    context.expect(await yjs.saved(1)).toMatchObject({ seq: 1, revision: 3 });
    context.expect(await json.next("update")).toMatchObject({ content: "before;Ann;Bob;", version: 3 });
    context
      .expect(await readFragment(file.server.url, "quiet/editors"))
      .toMatchObject({ content: "before;Ann;Bob;" });
    context.expect([json.inbox.isClosed, yjs.inbox.isClosed]).toEqual([false, false]);
  });

  test("[LIVE-12] cursors and session ids are as before, when somebody joins a room that has slept", async (context) => {
    const { session } = await sleepingRoom(context, "quiet/cursors");
    const { client, socket } = await connectJson(file.server.url, "/v1/ws/quiet/cursors", "the newcomer");
    context.onTestFinished(() => socket.terminate());
    const { peers } = await client.next("presence");
    const named = Object.fromEntries(peers.map((peer) => [peer.name, peer]));
    context.expect(named).toMatchObject({ Ann: { session, cursor: 3 }, Bob: {} });
    context.expect(await file.server.constructions("quiet/cursors")).toBe(2);
  });

  test("[LIVE-6] the cursor of a silent provider is gone, when its renewals have stopped for 30 s", async (context) => {
    await putFragment(file.server.url, "quiet/silent", "text");
    const watcher = await connectJson(file.server.url, "/v1/ws/quiet/silent", "the watcher");
    const silent = await connectYjs(file.server.url, "/v1/sync/quiet/silent", { isOwnClient: false });
    context.onTestFinished(() => {
      watcher.socket.terminate();
      silent.socket.terminate();
    });
    const { doc } = silent.client;
    await watcher.client.next("initial");
    silent.client.sendAwareness([{ client: doc.clientID, clock: 1, state: { user: { name: "Bob" } } }]);
    const { peers } = await watcher.client.next("presence");
    context.expect(peers.map(({ name }) => name)).toEqual(["Bob"]);
    await delay(25_000);
    context.expect(watcher.client.unreadActions).toEqual([]);
    await delay(10_000);
    const told = await watcher.client.next("presence");
    context.expect(told.peers).toEqual([]);
    context.expect(silent.client.inbox.isClosed).toBe(false);
  });
});
