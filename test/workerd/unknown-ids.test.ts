/** What becomes of requests for ids that no fragment has, and of those for fragments that the catalogue does not know. */

import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CatalogueObject } from "../../src/worker/catalogue/catalogue-object.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { createFragment, freshId, objectOf, openSocket, readFragment, request } from "./connect.ts";
import { eventually } from "./eventually.ts";
import { rebuildStatus } from "./rebuilding.ts";

const catalogue = () => env.CATALOGUE.getByName("default");

/** Another name each: the isolate under test remembers those that it has once heard of. */
const neverHeardOf = () => `unheard/${crypto.randomUUID()}`;

/** The ids of the fragments' objects that are reached while `action` runs; the witness, which has none, is left out. */
async function reachedBy(action: () => Promise<unknown>): Promise<string[]> {
  const getByName = vi.spyOn(env.FRAGMENT, "getByName");
  try {
    await action();
    const ids = getByName.mock.calls.map(([name]) => String(name).replace("default/", ""));
    return ids.filter((id) => id !== "");
  } finally {
    getByName.mockRestore();
  }
}

async function closeOf(path: string): Promise<{ code: number; reason: string }> {
  const socket = await openSocket(path);
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener("close", ({ code, reason }) => closed.resolve({ code, reason }));
  socket.accept();
  return closed.promise;
}

/** A fragment of which the catalogue has lost the row, as this isolate has never heard of it. */
async function lostFragment(): Promise<string> {
  const id = neverHeardOf();
  await objectOf(id).put(OPEN_ACCESS, { content: { kind: "text", text: "lost" }, metadata: null }, "create");
  await runInDurableObject(catalogue(), (_, { storage }) => {
    storage.sql.exec("DELETE FROM words WHERE rowid = (SELECT number FROM fragment WHERE id = ?)", id);
    storage.sql.exec("DELETE FROM content WHERE number = (SELECT number FROM fragment WHERE id = ?)", id);
    storage.sql.exec("DELETE FROM fragment WHERE id = ?", id);
  });
  return id;
}

/** As an operator does who is sure of it. */
async function rebuildAll(ids: readonly string[]): Promise<void> {
  await request("POST", "/v1/catalogue/rebuild", { ids, complete: true });
  await eventually(async () => {
    const status = await (await request("GET", "/v1/catalogue/rebuild")).json();
    expect(status).toMatchObject({ state: "done", complete: true });
  });
}

afterEach(async () => {
  vi.restoreAllMocks();
  await rebuildAll([]);
});

describe("an id that no fragment has", () => {
  test.each([
    ["GET", "/v1/fragments/{id}", undefined, 404],
    ["HEAD", "/v1/fragments/{id}", undefined, 404],
    ["DELETE", "/v1/fragments/{id}", undefined, 404],
    ["PATCH", "/v1/fragments/{id}", { content: "x" }, 404],
    ["PUT", "/v1/fragments/{id}", { content: "x", base_version: 1 }, 404],
    ["GET", "/v1/expansions/{id}", undefined, 404],
    ["GET", "/v1/dependents/{id}", undefined, 200],
    ["GET", "/api/prompts/{id}", undefined, 404],
    ["GET", "/api/prompts/fragments/{id}", undefined, 404],
    ["PUT", "/api/prompts/{id}", { content: "x" }, 404],
    ["DELETE", "/api/prompts/{id}", undefined, 404],
    ["GET", "/api/prompts/{id}/render", undefined, 404],
    ["GET", "/api/prompts/check_exists/{id}", undefined, 200],
    ["GET", "/api/prompts/{id}/referenced_by", undefined, 200],
  ] as const)(
    "[EXIST-1] wakes no object and is answered as before, when asked: %s %s",
    async (method, path, body, status) => {
      const id = neverHeardOf();
      let answer: Response | undefined;
      const reached = await reachedBy(async () => {
        answer = await request(method, path.replace("{id}", id), body);
      });
      expect([answer?.status, reached]).toEqual([status, []]);
    },
  );

  test("[EXIST-1] wakes no object, when conditions, renames and expansions name it", async () => {
    const id = neverHeardOf();
    const match = { "If-Match": '"1"' };
    const answers: unknown[] = [];
    const tell = async (asked: Promise<Response>) => {
      const answer = await asked;
      const { code } = await answer.json<{ code?: string }>();
      answers.push(code ?? answer.status);
    };
    const reached = await reachedBy(async () => {
      await tell(request("PUT", `/v1/fragments/${id}`, { content: "x" }, match));
      await tell(request("PATCH", `/v1/fragments/${id}`, { content: "x" }, match));
      await tell(request("DELETE", `/v1/fragments/${id}`, undefined, match));
      await tell(request("POST", "/v1/renames", { from: id, to: `${id}/to` }));
      await tell(request("POST", "/v1/renames", { from: id, to: `${id}/to` }, { "Idempotency-Key": "k" }));
      await tell(request("POST", "/v1/expand", { content: `[[${id}]]`, id }));
      await tell(request("POST", "/api/prompts/expand", { content: `[[${id}/a]]`, prompt_id: id }));
      await tell(request("POST", "/api/prompts/expand", { prompt_id: id }));
    });
    expect(reached).toEqual([]);
    const mismatch = "version_mismatch";
    expect(answers).toEqual([mismatch, mismatch, mismatch, "not_found", "not_found", 200, 200, "not_found"]);
  });

  test.each([
    ["/v1/ws/", 4004],
    ["/v1/sync/", 4404],
    ["/ws/prompts/", 4004],
    ["/api/prompts/ws/", 4004],
    ["/api/prompts/ws/fragments/", 4004],
  ])("[EXIST-1] wakes no object, when a socket over %s does not create it", async (path, code) => {
    const id = neverHeardOf();
    let close: unknown;
    const reached = await reachedBy(async () => {
      close = await closeOf(`${path}${id}`);
    });
    expect([close, reached]).toEqual([{ code, reason: `Fragment '${id}' not found` }, []]);
  });

  test("[EXIST-5] a thousand of them in one text are one question to the catalogue and none to a fragment", async () => {
    const { id } = await createFragment("here");
    const known = vi.spyOn(CatalogueObject.prototype, "known");
    const names = Array.from({ length: 999 }, (_, n) => `[[${freshId()}-${n}]]`).join("");
    let answer: { expanded: string; warnings: object[] } | undefined;
    const reached = await reachedBy(async () => {
      answer = await (await request("POST", "/v1/expand", { content: `[[${id}]]${names}` })).json();
    });
    expect(answer?.expanded).toBe(`here${names}`);
    expect(answer?.warnings.length).toBe(999);
    expect(reached).toEqual([id]);
    expect(known.mock.calls.length).toBe(1);
  });

  test("[EXIST-5] a list of very many is asked for a thousand at a time", async () => {
    const { id } = await createFragment("here");
    const direct = [...Array.from({ length: 2_500 }, (_, n) => `${freshId()}-${n}`), id];
    const dependents = { id, direct, indirect: [], truncated: false };
    vi.spyOn(CatalogueObject.prototype, "dependents").mockReturnValue(dependents);
    const known = vi.spyOn(CatalogueObject.prototype, "known");
    const answer = await request("GET", `/api/prompts/${id}/referenced_by`);
    expect(await answer.json()).toMatchObject([{ id }]);
    expect(known.mock.calls.map(([ids]) => ids.length)).toEqual([1_000, 1_000, 500]);
  });

  test("[EXIST-1] a fragment that this isolate knows costs no question", async () => {
    const { id } = await createFragment("here");
    const known = vi.spyOn(CatalogueObject.prototype, "known");
    for (let n = 0; n < 3; n++) await readFragment(id);
    await request("GET", `/v1/expansions/${id}`);
    expect(known).not.toHaveBeenCalled();
  });

  test("[EXIST-1] a fragment that was deleted is not found, and lives again once it is made anew", async () => {
    const { id } = await createFragment("here");
    await request("DELETE", `/v1/fragments/${id}`);
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
    await request("PUT", `/v1/fragments/${id}`, { content: "again" });
    expect(await readFragment(id)).toMatchObject({ content: "again" });
  });
});

describe("a creation", () => {
  test("[EXIST-2] is found by an isolate that has never heard of it, before anything was delivered", async () => {
    vi.spyOn(CatalogueObject.prototype, "deliver").mockImplementation(() => new Promise(() => undefined));
    const id = neverHeardOf();
    await objectOf(id).put(OPEN_ACCESS, { content: { kind: "text", text: "new" }, metadata: null }, "create");
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(200);
    const expanded = await (await request("POST", "/v1/expand", { content: `[[${id}]]` })).json();
    expect(expanded).toMatchObject({ expanded: "new" });
  });

  test("[EXIST-2] is tried again, when the catalogue fails once", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const note = vi.spyOn(CatalogueObject.prototype, "noteCreation").mockImplementationOnce(failing);
    await createFragment("words");
    expect(note).toHaveBeenCalledTimes(2);
    expect(String(errors.mock.calls)).toContain("could not be told of a creation");
  });

  test.each([
    ["fails", failing],
    ["does not answer", () => new Promise<never>(() => undefined)],
  ])("[EXIST-2] is refused and makes nothing, when the catalogue %s", async (_, noteCreation) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const note = vi.spyOn(CatalogueObject.prototype, "noteCreation").mockImplementation(noteCreation);
    const id = freshId();
    const answers = await Promise.all([
      request("POST", "/v1/fragments", { id, content: "x" }),
      request("PUT", `/v1/fragments/${id}`, { content: "x" }),
      request("POST", "/api/prompts", { id, content: "x" }),
    ]);
    for (const answer of answers) {
      expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "1"]);
      expect(await answer.json()).toMatchObject({ code: "unavailable" });
    }
    for (const path of ["/v1/ws/", "/v1/sync/"])
      expect(await closeOf(`${path}${id}?create=1`)).toMatchObject({ code: 1011 });
    note.mockRestore();
    expect(await objectOf(id).read(OPEN_ACCESS)).toBeNull();
    expect((await request("PUT", `/v1/fragments/${id}`, { content: "made" })).status).toBe(201);
  });

  test("[EXIST-2] is noted anew, when the fragment was made and deleted while the note was under way", async () => {
    const id = freshId();
    const { noteCreation } = CatalogueObject.prototype;
    const held = Promise.withResolvers<void>();
    const note = vi.spyOn(CatalogueObject.prototype, "noteCreation");
    note.mockImplementationOnce(async function (this: CatalogueObject, creation) {
      await held.promise;
      return noteCreation.call(this, creation);
    });
    const slow = request("PUT", `/v1/fragments/${id}`, { content: "slow" });
    await vi.waitFor(() => expect(note).toHaveBeenCalledTimes(1));
    await request("PUT", `/v1/fragments/${id}`, { content: "fast" });
    await request("DELETE", `/v1/fragments/${id}`);
    held.resolve();
    expect((await slow).status).toBe(201);
    expect(note.mock.calls.map(([{ revision }]) => revision)).toEqual([1, 1, 3]);
  });
});

describe("a fragment that the catalogue does not know", () => {
  test.each([
    ["fails", failing],
    ["does not answer", () => new Promise<never>(() => undefined)],
  ])("[EXIST-3] is read, expanded and joined, while the catalogue %s", async (_, known) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const ids = [neverHeardOf(), neverHeardOf(), neverHeardOf()];
    for (const id of ids)
      await objectOf(id).put(
        OPEN_ACCESS,
        { content: { kind: "text", text: "there" }, metadata: null },
        "create",
      );
    vi.spyOn(CatalogueObject.prototype, "known").mockImplementation(known);
    expect((await request("GET", `/v1/fragments/${ids[0]}`)).status).toBe(200);
    const expanded = await (await request("POST", "/v1/expand", { content: `[[${ids[1]}]]` })).json();
    expect(expanded).toMatchObject({ expanded: "there" });
    const socket = await openSocket(`/v1/ws/${ids[2]}`);
    const first = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
    socket.accept();
    expect(String(await first)).toContain('"initial"');
    socket.close();
  });

  test("[EXIST-3] is read, when its row is lost", async () => {
    const id = await lostFragment();
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(200);
    expect(await (await request("GET", "/v1/catalogue/rebuild")).json()).toMatchObject({ complete: false });
  });

  test("[EXIST-4] is read, when all of the catalogue is lost, until it is rebuilt with all ids", async () => {
    const id = neverHeardOf();
    await objectOf(id).put(
      OPEN_ACCESS,
      { content: { kind: "text", text: "kept" }, metadata: null },
      "create",
    );
    await runInDurableObject(catalogue(), (_, { storage }) => storage.deleteAll());
    await abortAllDurableObjects();
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(200);
    await rebuildAll([id]);
    const unknown = neverHeardOf();
    expect(await reachedBy(() => request("GET", `/v1/fragments/${unknown}`))).toEqual([]);
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(200);
  });

  test("[EXIST-4] shows that others may exist too, when it is heard of", async () => {
    const id = neverHeardOf();
    const message = {
      id,
      update: { kind: "deleted", id, revision: 3, atMs: 1 },
      openSessions: null,
    } as const;
    expect(await catalogue().known([])).toEqual([]);
    await catalogue().deliver(message);
    expect(await catalogue().known([])).toBeNull();
    await rebuildAll([]);
    expect(await catalogue().known([])).toEqual([]);
  });

  test("[EXIST-4] shows that others may exist too, when a catalogue without a witness hears of it first", async () => {
    const id = neverHeardOf();
    for (const stub of [catalogue(), env.FRAGMENT.getByName("default/")])
      await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
    await abortAllDurableObjects();
    const update = { kind: "deleted", id, revision: 3, atMs: 1 } as const;
    await catalogue().deliver({ id, update, openSessions: null });
    expect(await catalogue().known([])).toBeNull();
  });

  test("[EXIST-4] leaves the list complete, when the operator names it while a rebuild runs", async () => {
    const id = await lostFragment();
    await runInDurableObject(catalogue(), async (object: CatalogueObject) => {
      await object.rebuild(OPEN_ACCESS, []);
      await object.rebuild(OPEN_ACCESS, [id], true);
    });
    await eventually(async () =>
      expect(await rebuildStatus()).toMatchObject({ state: "done", complete: true }),
    );
    await runInDurableObject(catalogue(), async (_, { storage }) => {
      storage.sql.exec("UPDATE awaited SET at_ms = 0 WHERE id = ?", id);
      storage.sql.exec("INSERT OR REPLACE INTO due (kind, at_ms) VALUES ('awaited', 0)");
    });
    await abortAllDurableObjects();
    await runInDurableObject(catalogue(), (object: CatalogueObject) => object.alarm());
    const page = await (await request("GET", `/v1/fragments?prefix=unheard&limit=200`)).text();
    expect(page).toContain(id);
    expect(await rebuildStatus()).toMatchObject({ complete: true });
  });
});

function failing(): never {
  throw new Error("the catalogue is out of order");
}
