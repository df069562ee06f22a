/** Sockets that may not join: what they are told, and how often a provider comes again that never gives up. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { MAX_HELD_SOCKETS } from "../../src/protocol/limits.ts";
import { closeLater } from "../../src/worker/sockets/close-later.ts";
import {
  connectOld,
  connectYjs,
  createFragment,
  freshId,
  joinYjs,
  objectOf,
  openSocket,
  readFragment,
  request,
} from "./connect.ts";

const DELETIONS = [
  ["deleted", (id: string) => request("DELETE", `/v1/fragments/${id}`)],
  ["renamed", (id: string) => request("POST", "/v1/renames", { from: id, to: freshId() })],
] as const;

describe.each(DELETIONS)("`create=1` for a fragment that was %s", (what, remove) => {
  async function removedId(): Promise<string> {
    const { id } = await createFragment("text");
    expect((await remove(id)).status).toBeLessThan(300);
    return id;
  }

  async function expectMissing(id: string): Promise<void> {
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
  }

  test.each(["/v1/ws/", "/api/prompts/ws/fragments/", "/api/prompts/ws/", "/ws/prompts/"])(
    "[JSON-2] a JSON socket over %s is told, and closed with 4410",
    async (path) => {
      const id = await removedId();
      const client = await connectOld(`${path}${id}?create=1`);
      expect(await client.next("deleted")).toEqual({ action: "deleted", id, timestamp: expect.any(String) });
      expect(await client.closed()).toEqual({
        code: 4410,
        reason: `Fragment '${id}' was deleted or renamed`,
      });
      await expectMissing(id);
    },
  );

  test("[YJS-3] a Yjs socket of our subprotocol is told, and closed with 4410", async () => {
    const id = await removedId();
    const client = await connectYjs(id, { query: "?create=1" });
    expect(await client.next("notice")).toMatchObject({ code: "deleted" });
    expect((await client.closed()).code).toBe(4410);
    await expectMissing(id);
  });

  test("[YJS-3] a stock provider is closed with 4410, also when its object was evicted meanwhile", async () => {
    const id = await removedId();
    const client = await connectYjs(id, { query: "?create=1", isStock: true });
    client.sendUpdate(client.edit((text) => text.insert(0, "typed offline")));
    await evictDurableObject(objectOf(id));
    expect((await client.closed()).code).toBe(4410);
    await expectMissing(id);
  });

  test.each(["POST", "PUT"])("[DEL-7] %s makes it again, and then `create=1` joins", async (method) => {
    const id = await removedId();
    const [path, body] =
      method === "POST"
        ? ["/v1/fragments", { id, content: "new" }]
        : [`/v1/fragments/${id}`, { content: "new" }];
    expect((await request(method, path, body)).status).toBe(201);
    const client = await joinYjs(id, { query: "?create=1" });
    expect(client.text).toBe("new");
    expect((await readFragment(id)).content).toBe("new");
  });

  test("[DEL-7] an expansion that includes it still has a warning, after a provider came back", async () => {
    const id = await removedId();
    const { id: root } = await createFragment(`see [[${id}]]`);
    const client = await connectYjs(id, { query: "?create=1" });
    await client.closed();
    const answer = await request("GET", `/v1/expansions/${root}`);
    expect(await answer.json()).toMatchObject({ warnings: [{ code: "not_found", fragment: root }] });
    expect(what).toBeTruthy();
  });
});

/** Of an empty document. */
const SYNC_STEP_1 = Uint8Array.of(0, 0, 1, 0);
/** An update that is none. */
const MALFORMED = Uint8Array.of(0, 2, 200);

/** Connects as y-websocket 1.3.15 does: again at once after each close of a socket that had opened, whatever its code. */
async function connectForEver(
  path: string,
  isOver: () => boolean,
  attempted: () => void,
  frame = SYNC_STEP_1,
): Promise<void> {
  while (!isOver()) {
    attempted();
    const socket = await openSocket(path);
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.accept();
    socket.send(frame);
    await closed;
    await scheduler.wait(10);
  }
}

describe("a provider that never gives up", () => {
  test.each([
    ["names no valid id", "/v1/sync//"],
    ["names a missing fragment", "/v1/sync/refused/missing"],
  ])("[YJS-14] comes seldom, when its address %s", async (_what, path) => {
    let slow = 0;
    let fast = 0;
    const isOver = () => fast === 40;
    // The same policy against a JSON socket, which is closed at once.
    const provider = connectForEver(path, isOver, () => slow++);
    await connectForEver("/v1/ws/refused/missing", isOver, () => fast++);
    expect(slow).toBeLessThanOrEqual(fast / 8);
    await provider;
  });

  test("[YJS-14] comes seldom, when the room refuses what it sends", async () => {
    const { id } = await createFragment("text");
    let slow = 0;
    let fast = 0;
    const isOver = () => fast === 40;
    const provider = connectForEver(`/v1/sync/${id}`, isOver, () => slow++, MALFORMED);
    await connectForEver("/v1/ws/refused/missing", isOver, () => fast++);
    expect(slow).toBeLessThanOrEqual(fast / 8);
    await provider;
  });

  test("[YJS-14] writes nothing more, when it was refused and waits for its close", async () => {
    const { id } = await createFragment("text");
    const client = await joinYjs(id, { isStock: true });
    const other = await joinYjs(id);
    client.sendRaw(MALFORMED);
    client.sendUpdate(client.edit((text) => text.insert(0, "x")));
    await other.sync();
    expect((await client.closed()).code).toBe(4400);
    expect((await readFragment(id)).content).toBe("text");
  });

  test("[YJS-14] is closed at once, when 1,000 sockets wait already", async () => {
    const clients: WebSocket[] = [];
    const hold = (): Promise<void> => {
      const { 0: client, 1: server } = new WebSocketPair();
      client.accept();
      server.accept();
      clients.push(client);
      return closeLater(server, 4404, "missing");
    };
    const held = Array.from({ length: MAX_HELD_SOCKETS }, hold);
    let areHeld = true;
    void Promise.race(held).then(() => (areHeld = false));
    await hold();
    expect(areHeld).toBe(true);
    // The place of a client that goes is free.
    clients[0]?.close();
    await held[0];
    let isClosed = false;
    void hold().then(() => (isClosed = true));
    await scheduler.wait(0);
    expect(isClosed).toBe(false);
    for (const client of clients) client.close();
    await Promise.all(held);
  });
});

describe("a provider of another protocol", () => {
  /** What Hocuspocus' provider sends first: the document's name, and its token. */
  function hocuspocusFrame(name: string): Uint8Array {
    const text = new TextEncoder().encode(name);
    return Uint8Array.of(text.length, ...text, 2, 0, 0);
  }

  test.each(["notes", "doc", "a", "", "greetings/of-the-team", "n".repeat(100), "n".repeat(101)])(
    "[YJS-15] is closed with 4400 and a reason, when it names its document %j",
    async (name) => {
      const { id } = await createFragment("text");
      const client = await connectYjs(id);
      client.sendRaw(hocuspocusFrame(name));
      const { code, reason } = await client.closed();
      expect(code).toBe(4400);
      expect(reason.length).toBeGreaterThan(10);
    },
  );

  test("[YJS-15] a message of another type is ignored, when the session has been understood before", async () => {
    const { id } = await createFragment("text");
    const client = await joinYjs(id);
    client.sendRaw(Uint8Array.of(77, 1, 2, 3));
    await client.sync();
    await evictDurableObject(objectOf(id));
    client.sendRaw(Uint8Array.of(77, 1, 2, 3));
    await client.sync();
    expect(client.text).toBe("text");
  });
});
