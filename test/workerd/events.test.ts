import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { CatalogueEntry } from "../../src/core/feed/catalogue-update.ts";
import { type CatalogueEvent, NO_OPEN_SESSIONS, type OpenSessions } from "../../src/protocol/catalogue.ts";
import { done, type Result } from "../../src/protocol/errors.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { CatalogueObject } from "../../src/worker/catalogue/catalogue-object.ts";
import { EventListener } from "../../src/worker/catalogue/event-listener.ts";
import { FragmentObject } from "../../src/worker/fragment/fragment-object.ts";
import { entryOf } from "../support/catalogue-entry.ts";
import { EventStream } from "../support/event-stream.ts";
import { Inbox } from "../support/inbox.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { createFragment, joinJson, joinYjs, openSocket, request } from "./connect.ts";

async function listen(lastEventId?: string): Promise<EventStream> {
  const Origin = "http://localhost:5173";
  const headers = lastEventId === undefined ? { Origin } : { Origin, "Last-Event-ID": lastEventId };
  const response = await exports.default.fetch("http://localhost/v1/events", { headers });
  expect(response.headers.get("Content-Type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe(Origin);
  if (response.body === null) throw new Error("no body");
  const stream = new EventStream(response.body);
  onTestFinished(() => stream.close());
  return stream;
}

function tellText(entry: CatalogueEntry): Promise<number> {
  const update = { kind: "text", entry, text: "x" } as const;
  return catalogueStub(env, OPEN_ACCESS.workspace).deliver({ id: entry.id, update, openSessions: null });
}

function tellOpenSessions(id: string, openSessions: OpenSessions): Promise<number> {
  return catalogueStub(env, OPEN_ACCESS.workspace).deliver({ id, update: null, openSessions });
}

/** As if the fragment told of itself as fast as the catalogue takes it: every revision behind its first, up to this one. */
async function deliverRevisions(id: string, last: number): Promise<void> {
  for (let revision = 2; revision <= last; revision++) await tellText(entryOf(id, { revision }));
}

async function listenOnSocket(query = ""): Promise<Inbox<CatalogueEvent>> {
  const socket = await openSocket(`/v1/events${query}`);
  const inbox = new Inbox<CatalogueEvent>("the listener");
  socket.addEventListener("message", ({ data }) => inbox.receive(JSON.parse(String(data)) as CatalogueEvent));
  socket.addEventListener("close", (closed) => inbox.close(closed));
  socket.accept();
  onTestFinished(() => socket.close());
  return inbox;
}

describe("server-sent events", () => {
  test("[EVENT-1] a listener is told what is created, changed and deleted", async () => {
    const stream = await listen();
    const { id } = await createFragment("text", { tags: ["a"] });
    expect(await stream.next("created", id)).toMatchObject({
      fragment: { id, version: 1, tags: ["a"], size: 4 },
    });
    await request("PATCH", `/v1/fragments/${id}`, { description: "new" });
    expect(await stream.next("changed", id)).toMatchObject({ fragment: { version: 2, description: "new" } });
    await request("DELETE", `/v1/fragments/${id}`);
    expect(await stream.next("deleted", id)).toMatchObject({ id, version: 3 });
  });

  test("[EVENT-1] a listener is told of a rename, even if it was away", async () => {
    const stream = await listen();
    const { id } = await createFragment("moving", { tags: ["a"] });
    await stream.next("created", id);
    const { lastId } = stream;
    const to = `${id}-moved`;
    const renamed = await request("POST", "/v1/renames", { from: id, to });
    expect(renamed.status).toBe(201);
    expect(await renamed.json()).toMatchObject({ id: to, content: "moving", tags: ["a"], version: 1 });
    for (;;) {
      const event = await stream.any();
      if (event.event !== "renamed") continue;
      expect(event).toMatchObject({ from: id, to });
      break;
    }
    const late = await listen(lastId ?? "");
    expect([await late.any(), await late.any()]).toMatchObject([
      { event: "created", fragment: { id: to } },
      { event: "renamed", from: id, to },
    ]);
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
  });

  test("[REST-25] a rename is answered and done, when the catalogue does not answer", async () => {
    const { id } = await createFragment("text");
    const answered = Promise.withResolvers<Result<boolean>>();
    const silent = vi
      .spyOn(CatalogueObject.prototype, "renamed")
      .mockImplementationOnce(() => answered.promise as unknown as ReturnType<CatalogueObject["renamed"]>);
    onTestFinished(() => {
      silent.mockRestore();
      answered.resolve(done(true));
    });
    const renamed = await request("POST", "/v1/renames", { from: id, to: `${id}-moved` });
    expect(renamed.status).toBe(201);
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
    expect((await request("GET", `/v1/fragments/${id}-moved`)).status).toBe(200);
  });

  test("[REST-25] a rename is answered as done and listeners are told later, when the catalogue fails", async () => {
    const stream = await listen();
    const { id } = await createFragment("text");
    const to = `${id}-moved`;
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const failing = vi.spyOn(CatalogueObject.prototype, "renamed").mockImplementationOnce(() => {
      throw new Error("the catalogue fails");
    });
    onTestFinished(() => [log, failing].forEach((spy) => void spy.mockRestore()));
    const renamed = await request("POST", "/v1/renames", { from: id, to });
    expect(renamed.status).toBe(201);
    for (;;) {
      const event = await stream.any();
      if (event.event !== "renamed") continue;
      expect(event).toMatchObject({ from: id, to });
      break;
    }
    expect(log.mock.calls.map(([text]) => text)).toContainEqual(
      expect.stringContaining("the catalogue could not be told of its rename"),
    );
  });

  test("[EVENT-1] HEAD is answered with the headers at once, and nothing follows them", async () => {
    const open = vi.spyOn(CatalogueObject.prototype, "fetch");
    const answer = await request("HEAD", "/v1/events");
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
    const refused = await request("HEAD", "/v1/events?last_event_id=x");
    expect(refused.status).toBe(400);
    expect(open, "makes no listener").not.toHaveBeenCalled();
    open.mockRestore();
  });

  test("[EVENT-2] a listener that comes again with the last id is told what it missed, once, in order", async () => {
    const first = await listen();
    const before = await createFragment("before");
    await first.next("created", before.id);
    const { lastId } = first;
    await first.close();
    const missed = [await createFragment("one"), await createFragment("two")];
    await request("DELETE", `/v1/fragments/${before.id}`);
    const again = await listen(lastId ?? "");
    const told = [await again.any(), await again.any(), await again.any()];
    expect(told.map(({ event }) => event)).toEqual(["created", "created", "deleted"]);
    expect(
      told.map((event) => ("fragment" in event ? event.fragment.id : "id" in event ? event.id : "")),
    ).toEqual([...missed.map(({ id }) => id), before.id]);
    const next = await createFragment("live");
    expect(await again.any()).toMatchObject({ event: "created", fragment: { id: next.id } });
  });

  test("[EVENT-2] a listener misses nothing, when the catalogue was evicted", async () => {
    const first = await listen();
    const { id } = await createFragment("before");
    await first.next("created", id);
    await first.close();
    await evictDurableObject(catalogueStub(env, OPEN_ACCESS.workspace));
    const other = await createFragment("meanwhile");
    const again = await listen(first.lastId ?? "");
    expect(await again.any()).toMatchObject({ event: "created", fragment: { id: other.id } });
  });

  test("[EVENT-3] a listener is told of the sessions of a fragment, at once and when they change", async () => {
    const { id } = await createFragment("text");
    const client = await joinJson(id);
    client.send({ action: "presence", state: { name: "Ada", color: "#336699" } });
    const watching = await listen();
    const named = async (stream: EventStream) => {
      for (;;) {
        const event = await stream.next("editors", id);
        if (event.event === "editors" && event.editors.length > 0) return event;
      }
    };
    expect(await named(watching)).toMatchObject({
      sessions: 1,
      editors: [{ name: "Ada", color: "#336699" }],
    });
    const late = await listen();
    expect(await named(late)).toMatchObject({ sessions: 1, editors: [{ name: "Ada" }] });
    client.close();
    for (;;) {
      const event = await watching.next("editors", id);
      if (event.event === "editors" && event.sessions === 0) break;
    }
  });

  test.each([
    ["deleted", (id: string) => request("DELETE", `/v1/fragments/${id}`)],
    ["renamed", (id: string) => request("POST", "/v1/renames", { from: id, to: `${id}-moved` })],
  ])("[EVENT-3] a listener is told that nobody has a fragment open, when it is %s", async (_, end) => {
    const { id } = await createFragment("text");
    const [stream, socket] = [await listen(), await listenOnSocket()];
    await joinJson(id);
    expect(await stream.next("editors", id)).toMatchObject({ sessions: 1 });
    await end(id);
    expect(await stream.next("deleted", id)).toMatchObject({ version: 2 });
    expect(await stream.next("editors", id)).toMatchObject({ sessions: 0, editors: [] });
    await socket.next(
      "nobody",
      (event) => event.event === "editors" && event.id === id && event.sessions === 0,
    );
    const edited = await runInDurableObject(catalogueStub(env, OPEN_ACCESS.workspace), (__, { storage }) =>
      storage.sql.exec("SELECT id FROM open_sessions WHERE id = ?", id).toArray(),
    );
    expect(edited).toEqual([]);
  });

  test("[EVENT-4] a listener is told of typing before the text is searched", async () => {
    const { id } = await createFragment("text");
    const stream = await listen();
    const client = await joinYjs(id);
    await client.typeSaved((text) => text.insert(0, "more "));
    expect(await stream.next("typing", id)).toMatchObject({ id, version: 2 });
    expect(await stream.next("changed", id)).toMatchObject({ fragment: { version: 2 } });
  });

  test("[EVENT-5] a slow listener is told the newest state of each fragment, and nothing piles up for it", async () => {
    const stream = await listen();
    const { id } = await createFragment("text");
    await stream.next("created", id);
    await deliverRevisions(id, 1_000);
    let told = 0;
    for (;;) {
      const event = await stream.next("changed", id);
      told++;
      if (event.event === "changed" && event.fragment.version === 1_000) break;
    }
    expect(told).toBeLessThan(500); // what the stream's buffers hold
  });

  test("[EVENT-3] a listener is told of all open sessions before it is told what it missed, when there are hundreds", async () => {
    const { id } = await createFragment("text");
    const somebody = { sessions: 1, editors: [] };
    const asked = vi.spyOn(FragmentObject.prototype, "openSessions").mockReturnValue(somebody);
    onTestFinished(() => asked.mockRestore());
    const open = Array.from({ length: 450 }, (_, at) => `open/${String(at).padStart(3, "0")}`);
    await Promise.all(open.map((one) => tellOpenSessions(one, somebody)));

    const stream = await listen("0");
    const onStream: CatalogueEvent[] = [];
    while (onStream.at(-1)?.event !== "created") onStream.push(await stream.any());
    const socket = await listenOnSocket("?last_event_id=0");
    await socket.next("the creation", (event) => event.event === "created" && event.fragment.id === id);

    for (const told of [onStream, socket.all]) {
      const opening = told.slice(
        0,
        told.findIndex(({ event }) => event === "created"),
      );
      const ids = opening.map((event) => (event.event === "editors" ? event.id : event.event));
      expect(ids.filter((one) => one.startsWith("open/"))).toEqual(open);
    }
    await Promise.all(open.map((one) => tellOpenSessions(one, NO_OPEN_SESSIONS)));
  });

  test("[EVENT-3] a listener is told that nobody has a fragment open, when the process of its editors has died", async () => {
    const { id } = await createFragment("text");
    await tellOpenSessions(id, { sessions: 3, editors: [] });
    const stream = await listen();
    expect(await stream.next("editors", id)).toMatchObject({ sessions: 3 });
    expect(await stream.next("editors", id)).toMatchObject({ sessions: 0 });
  });

  test("[EVENT-6] an id that no event had is refused", async () => {
    const response = await request("GET", "/v1/events", undefined, { "Last-Event-ID": "yesterday" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_query" });
  });

  test("[EVENT-6] a stream and a socket are told all, when their id is ahead of the last change", async () => {
    const { id } = await createFragment("before");
    const stream = await listen("999999999");
    expect(await stream.next("created", id)).toMatchObject({ fragment: { id } });
    const socket = await listenOnSocket("?last_event_id=999999999");
    const isAbout = (about: string) => (event: CatalogueEvent) =>
      event.event === "created" && event.fragment.id === about;
    await socket.next("what there was", isAbout(id));
    const live = await createFragment("live");
    await Promise.all([stream.next("created", live.id), socket.next("what followed", isAbout(live.id))]);
  });
});

describe("events over a WebSocket", () => {
  test("[EVENT-1] a socket is told the same, and what it missed", async () => {
    const first = await listenOnSocket();
    const { id } = await createFragment("text");
    const created = await first.next(
      "the creation",
      (event) => event.event === "created" && event.fragment.id === id,
    );
    const seq = "seq" in created ? created.seq : 0;
    const second = await createFragment("text");
    const late = await listenOnSocket(`?last_event_id=${seq}`);
    await late.next(
      "what it missed",
      (event) => event.event === "created" && event.fragment.id === second.id,
    );
    await request("DELETE", `/v1/fragments/${id}`);
    const isDeletion = (event: CatalogueEvent) => event.event === "deleted" && event.id === id;
    await Promise.all([first.next("the deletion", isDeletion), late.next("the deletion", isDeletion)]);
  });

  test("[EVENT-5] nothing is read for a listener that has no room", () => {
    const listener = new EventListener({ seq: 0, editorsId: "", access: OPEN_ACCESS, endsAtMs: null });
    const read = vi.fn(() => []);
    const tables = { newestSeq: () => 0, changesSince: read, editorsAfter: read };
    expect(listener.tell(tables, () => false, vi.fn())).toBe(false);
    expect(read).not.toHaveBeenCalled();
    expect(listener.tell(tables, () => true, vi.fn())).toBe(true);
    expect(read).toHaveBeenCalledTimes(2);
    expect(listener.tell(tables, () => false, vi.fn())).toBe(false);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("[EVENT-5] a socket is told the newest state of each fragment, when it changes faster than that is told", async () => {
    const inbox = await listenOnSocket();
    const { id } = await createFragment("text");
    const startedMs = performance.now();
    await deliverRevisions(id, 300);
    const isAbout = (event: CatalogueEvent) => "fragment" in event && event.fragment.id === id;
    await inbox.next(
      "the last version",
      (event) => isAbout(event) && "fragment" in event && event.fragment.version === 300,
    );
    // The creation, the first change at once, and then one in each 100 ms.
    const most = 2 + (performance.now() - startedMs) / 100;
    expect(inbox.all.filter(isAbout).length).toBeLessThanOrEqual(most);
  });

  test("[EVENT-5] a socket that is far behind is told in parts, in order and once", async () => {
    const first = await listenOnSocket();
    const { id } = await createFragment("text");
    const isCreation = (event: CatalogueEvent) => event.event === "created" && event.fragment.id === id;
    const created = await first.next("the creation", isCreation);
    const seq = "seq" in created ? created.seq : 0;
    const ids = Array.from({ length: 300 }, (_, at) => `many/${String(at).padStart(3, "0")}`);
    for (const one of ids) await tellText(entryOf(one, { description: "d".repeat(2_000) }));
    const startedMs = Date.now();
    const late = await listenOnSocket(`?last_event_id=${seq}`);
    const isOf = (one: string) => (event: CatalogueEvent) => "fragment" in event && event.fragment.id === one;
    await late.next("the last", isOf(ids.at(-1) ?? ""));
    // 660 kB are ten batches, with a pause between each two.
    expect(Date.now() - startedMs).toBeGreaterThan(700);
    const told = late.all.flatMap((event) => (event.event === "created" ? [event.fragment.id] : []));
    expect(told.filter((one) => one.startsWith("many/"))).toEqual(ids);
  });

  test("[EVENT-7] a socket goes on listening, when the catalogue has hibernated", async () => {
    const inbox = await listenOnSocket();
    await evictDurableObject(catalogueStub(env, OPEN_ACCESS.workspace));
    const { id } = await createFragment("text");
    await inbox.next("the creation", (event) => event.event === "created" && event.fragment.id === id);
  });

  test("[EVENT-8] a ping is answered with a pong, and any other frame closes the socket with 4400", async () => {
    const socket = await openSocket("/v1/events");
    const inbox = new Inbox<string>("the listener");
    socket.addEventListener("message", ({ data }) => inbox.receive(String(data)));
    const closed = new Promise<CloseEvent>((settle) => socket.addEventListener("close", settle));
    socket.accept();
    onTestFinished(() => socket.close());
    socket.send('{"action":"ping"}');
    await inbox.next("the pong", (frame) => frame === '{"action":"pong"}');
    socket.send("ping");
    expect((await closed).code).toBe(4400);
  });
});
