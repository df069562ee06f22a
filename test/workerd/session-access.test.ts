/** Accesses on real sockets: they end, are renewed and taken back, also while the object sleeps, and no key travels on. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Workspace } from "../../src/protocol/access.ts";
import { directoryStub } from "../../src/worker/addresses.ts";
import { FragmentObject } from "../../src/worker/fragment/fragment-object.ts";
import { userAccess } from "../support/open-access.ts";
import { signedToken, type TokenRights } from "../support/signed-token.ts";
import { TEST_SECRET } from "../support/test-secret.ts";
import { YjsClient } from "../support/yjs-client.ts";
import { call, joinJson as joinClosedJson, joinYjs as joinClosedYjs, openSocket } from "./closed-server.ts";
import {
  connectJsonWith,
  createFragment,
  freshId,
  joinJson,
  joinYjs,
  joinYjsWith,
  objectOf,
  readFragment,
} from "./connect.ts";

const WORKSPACE = "default" as Workspace;
const ANN = userAccess("ann");
const REVOKED = { grant: "user:ann", cap: null };
const TO_VIEWER = { grant: "user:ann", cap: { role: "viewer", prefixes: null } } as const;

beforeAll(async () => {
  await directoryStub(env).add(WORKSPACE);
});

afterEach(() => {
  vi.restoreAllMocks();
});

const tokenOf = (rights?: TokenRights) => signedToken(TEST_SECRET, rights);

/** Our own client says so in front of its token. */
const ownClient = (token: string) => ({
  headers: { "Sec-WebSocket-Protocol": `prompt-manager.v1, ${token}` },
});

describe("an access that ends", () => {
  const soon = () => ({ ...ANN, expiresAtMs: Date.now() + 1_500 });

  test.each([
    ["JSON", async (id: string) => connectJsonWith(id, soon())],
    ["own Yjs", async (id: string) => joinYjsWith(id, soon())],
    ["stock Yjs", async (id: string) => joinYjsWith(id, soon(), { isStock: true })],
  ])("[SESSION-4] closes its %s socket with 4501, when the object sleeps", async (_protocol, connect) => {
    const { id } = await createFragment("text");
    const client = await connect(id);
    await evictDurableObject(objectOf(id));
    expect((await client.closed()).code).toBe(4501);
    expect(await objectOf(id).openSessions()).toEqual({ sessions: 0, editors: [] });
  });

  test("[SESSION-4] sets the alarm for the notice, and no timer", async () => {
    const { id } = await createFragment("text");
    const expiresAtMs = Date.now() + 1_000_000;
    await connectJsonWith(id, { ...ANN, expiresAtMs });
    const alarm = () => runInDurableObject(objectOf(id), (_, ctx) => ctx.storage.getAlarm());
    await vi.waitFor(async () => expect(await alarm()).toBe(expiresAtMs - 60_000), { timeout: 30_000 });
    await evictDurableObject(objectOf(id)); // which fails while a timer runs
    await objectOf(id).openSessions();
    expect(await alarm()).toBe(expiresAtMs - 60_000);
  });

  test("[SESSION-4] ends with the socket's own token, and with no alarm for those whose access has no end", async () => {
    const { id } = await createFragment("text");
    await joinJson(id);
    const open = await runInDurableObject(objectOf(id), (_, ctx) =>
      ctx.getWebSockets().map((socket) => socket.deserializeAttachment().access.expiresAtMs),
    );
    expect(open).toEqual([null]);
    const expiresAtMs = Date.now() + 300_000;
    const client = await joinClosedJson(id, { credential: await tokenOf({ lifeMs: 300_000 }) });
    const { expires_at } = await client.next("access");
    expect(Math.abs(Date.parse(expires_at ?? "") - expiresAtMs)).toBeLessThan(60_000);
  });
});

describe("a token over an open socket", () => {
  test("[SESSION-6] gives a JSON session its access, also when the object has slept", async () => {
    const { id } = await createFragment("text");
    const client = await joinClosedJson(id, { credential: await tokenOf({ role: "viewer" }) });
    const refused = { action: "update", content: "mine", base_version: 1, request_id: "w" };
    expect(await client.request(refused)).toMatchObject({ action: "error", code: "forbidden" });
    await evictDurableObject(objectOf(id));
    client.send({ action: "authenticate", token: await tokenOf(), request_id: "a" });
    expect(
      await client.inbox.next("the new access", (frame) => "request_id" in frame && frame.request_id === "a"),
    ).toMatchObject({ action: "access", role: "editor" });
    await evictDurableObject(objectOf(id));
    expect(await client.request(refused)).toMatchObject({ action: "update_status", version: 2 });
  });

  test("[SESSION-6] gives a Yjs session its access, and brings what it typed before", async () => {
    const { id } = await createFragment("text");
    const client = await joinClosedYjs(id, ownClient(await tokenOf({ role: "viewer" })));
    client.type((text) => text.insert(0, "as a viewer "));
    expect(await client.next("notice")).toMatchObject({ code: "forbidden" });
    client.renew(await tokenOf());
    await client.inbox.next("the new access", (frame) => frame.kind === "access" && frame.role === "editor");
    await client.typeSaved((text) => text.insert(0, "and "));
    expect((await readFragment(id)).content).toBe("and as a viewer text");
  });

  test.each<readonly [string, () => Promise<string> | string, string]>([
    ["is no token", () => "nonsense", "unauthorised"],
    ["has expired", () => tokenOf({ lifeMs: -1_000 }), "expired"],
    ["is somebody else's", () => tokenOf({ user: "bob" }), "forbidden"],
    ["is for other fragments", () => tokenOf({ prefixes: ["elsewhere/"] }), "forbidden"],
  ])("[SESSION-6] is refused and nothing else happens, when it %s", async (_what, makeToken, code) => {
    const { id } = await createFragment("text");
    const [json, yjs] = [
      await joinClosedJson(id, { credential: await tokenOf() }),
      await joinClosedYjs(id, ownClient(await tokenOf())),
    ];
    const token = await makeToken();
    json.send({ action: "authenticate", token, request_id: "a" });
    expect(await json.next("error")).toMatchObject({ code, request_id: "a" });
    yjs.renew(token);
    expect(await yjs.next("notice")).toMatchObject({ code });
    await yjs.typeSaved((text) => text.insert(0, "still "));
    expect(await json.next("update")).toMatchObject({ content: "still text" });
  });

  test("[SESSION-6] is refused, when the session is anonymous", async () => {
    const { id } = await createFragment("text");
    const client = await joinJson(id);
    client.send({ action: "authenticate", token: await tokenOf(), request_id: "a" });
    expect(await client.next("error")).toMatchObject({ code: "forbidden", request_id: "a" });
  });
});

describe("a change of a grant", () => {
  test.each([
    ["is awake", false],
    ["sleeps", true],
  ])(
    "[SESSION-7] closes all sockets that stand on it with 4401, when the object %s",
    async (_what, sleeps) => {
      const { id } = await createFragment("text");
      const other = await joinYjs(id);
      const [json, own] = [await connectJsonWith(id, ANN), await joinYjsWith(id, ANN)];
      const stock = await joinYjsWith(id, ANN, { isStock: true });
      await json.next("initial");
      if (sleeps) await evictDurableObject(objectOf(id));
      await objectOf(id).accessChanged(REVOKED);
      expect([(await json.closed()).code, (await own.closed()).code]).toEqual([4401, 4401]);
      await other.typeSaved((text) => text.insert(0, "secret "));
      stock.sendUpdate(stock.edit((text) => text.insert(0, "lost ")));
      expect((await stock.closed()).code, "after the pause").toBe(4401);
      expect(stock.text).not.toContain("secret");
      expect((await readFragment(id)).content).toBe("secret text");
      expect((await objectOf(id).openSessions()).sessions).toBe(1);
    },
  );

  test("[SESSION-7] makes a viewer of a session that sleeps", async () => {
    const { id } = await createFragment("text");
    const json = await connectJsonWith(id, ANN);
    await evictDurableObject(objectOf(id));
    await objectOf(id).accessChanged(TO_VIEWER);
    await evictDurableObject(objectOf(id));
    const write = { action: "update", content: "mine", request_id: "w" };
    expect(await json.request(write)).toMatchObject({ action: "error", code: "forbidden" });
    expect((await readFragment(id)).content).toBe("text");
  });

  test("[SESSION-8] refuses a socket that was checked before it and arrives after it", async () => {
    const { id } = await createFragment("text");
    await objectOf(id).accessChanged(REVOKED);
    await expect(connectJsonWith(id, ANN)).rejects.toThrow('"code":4401');
  });
});

describe("a key or token", () => {
  const WAYS: readonly (readonly [
    string,
    (token: string) => { query?: string; headers?: Record<string, string> },
  ])[] = [
    [
      "in the header",
      (token) => ({ headers: { Authorization: `Bearer ${token}`, Cookie: "session=secret" } }),
    ],
    [
      "as a subprotocol",
      (token) => ({ headers: { "Sec-WebSocket-Protocol": `prompt-manager.v1, ${token}` } }),
    ],
    ["behind another subprotocol", (token) => ({ headers: { "Sec-WebSocket-Protocol": `json, ${token}` } })],
    ["in the address", (token) => ({ query: `?token=${token}` })],
  ];
  const PATHS = ["/v1/ws/", "/v1/sync/", "/api/prompts/ws/fragments/", "/api/prompts/ws/", "/ws/prompts/"];

  test.each(WAYS.flatMap(([way, make]) => PATHS.map((path) => [way, path, make] as const)))(
    "[SESSION-13] does not reach the fragment's object, its storage or a log, when it comes %s to %s",
    async (_way, path, make) => {
      const logged = (["log", "info", "warn", "error", "debug"] as const).map((level) =>
        vi.spyOn(console, level).mockImplementation(() => undefined),
      );
      const fetched = vi.spyOn(FragmentObject.prototype, "fetch");
      const { id } = await createFragment("text");
      const token = await tokenOf();
      const { query = "", headers = {} } = make(token);
      const socket = await openSocket(`${path}${id}${query}`, { headers });
      socket.accept();
      expect(fetched).toHaveBeenCalledTimes(1);
      const request = fetched.mock.calls[0]?.[0] as Request; // called once
      const secrets = new RegExp(`${token}|secret|Bearer`);
      expect(JSON.stringify([request.url, ...request.headers])).not.toMatch(secrets);
      expect(
        atob(new URL(request.url).search.slice(1).replaceAll("-", "+").replaceAll("_", "/")),
      ).not.toMatch(secrets);
      const attachments = await runInDurableObject(objectOf(id), (_, ctx) =>
        ctx.getWebSockets().map((one) => JSON.stringify(one.deserializeAttachment())),
      );
      expect(attachments.join()).not.toMatch(secrets);
      for (const { mock } of logged) expect(JSON.stringify(mock.calls)).not.toContain(token);
    },
  );

  const BAD: readonly (readonly [string, () => Promise<string | null> | null | string])[] = [
    ["there is none", () => null],
    ["it is nonsense", () => "nonsense"],
    [
      "it is of a workspace that does not exist",
      () => "pm_nowhere_0123456789_0123456789012345678901234567890123",
    ],
  ];

  test.each(BAD.flatMap(([what, make]) => PATHS.map((path) => [path, what, make] as const)))(
    "[SESSION-14] a socket at %s is closed with 4401, and no fragment is woken, when %s",
    async (path, _what, make) => {
      const { id } = await createFragment("text");
      const getByName = vi.spyOn(env.FRAGMENT, "getByName");
      const token = await make();
      const socket = await openSocket(`${path}${id}`, token === null ? {} : ownClient(token));
      const closed = new Promise<CloseEvent>((settle) => socket.addEventListener("close", settle));
      socket.accept();
      expect((await closed).code).toBe(4401);
      expect(getByName).not.toHaveBeenCalled();
    },
  );

  test("[SESSION-14] a stock provider is closed with 4401 after the pause, and told nothing before", async () => {
    const { id } = await createFragment("text");
    const socket = await openSocket(`/v1/sync/${id}?token=nonsense`);
    const client = new YjsClient(socket);
    socket.accept();
    client.sendUpdate(client.edit((text) => text.insert(0, "lost")));
    expect((await client.closed()).code).toBe(4401);
    expect(client.inbox.all).toEqual([]);
    expect((await readFragment(id)).content).toBe("text");
  });
});

describe("a request that is remembered", () => {
  const KEY = { "Idempotency-Key": "k" };

  test("[SESSION-11] is nobody else's over REST, when two users send the same key", async () => {
    const { id } = await createFragment("text");
    const [ann, bob] = await Promise.all([tokenOf(), tokenOf({ user: "bob" })]);
    const put = async (token: string, content: string) => {
      const answer = await call("PUT", `/v1/fragments/${id}`, {
        credential: token,
        headers: KEY,
        body: { content },
      });
      return { status: answer.status, ...(await answer.json<{ version?: number; content?: string }>()) };
    };
    expect(await put(ann, "of Ann")).toMatchObject({ status: 200, version: 2 });
    expect(await put(bob, "of Bob")).toMatchObject({ status: 200, version: 3, content: "of Bob" });
    expect(await put(ann, "of Ann")).toMatchObject({ status: 200, version: 2, content: "of Ann" });
  });

  test("[SESSION-11] makes nobody the maker of another's fragment", async () => {
    const id = freshId();
    const [ann, bob] = await Promise.all([tokenOf(), tokenOf({ user: "bob" })]);
    const make = (token: string) =>
      call("POST", "/v1/fragments", { credential: token, headers: KEY, body: { id, content: "" } });
    expect((await make(ann)).status).toBe(201);
    expect((await make(bob)).status).toBe(409);
    expect((await make(ann)).status).toBe(201);
  });

  test("[SESSION-11] is nobody else's on a socket, when two users chose the same client name", async () => {
    const { id } = await createFragment("text");
    const ann = await joinClosedJson(id, { credential: await tokenOf(), query: "?client=tab" });
    const bob = await joinClosedJson(id, {
      credential: await tokenOf({ user: "bob" }),
      query: "?client=tab",
    });
    const write = (description: string) => ({ action: "update_metadata", description, request_id: "r" });
    expect(await ann.request(write("of Ann"))).toMatchObject({ action: "update_status", version: 2 });
    expect(await bob.request(write("of Bob"))).toMatchObject({ action: "update_status", version: 3 });
    expect(await ann.request(write("of Ann"))).toMatchObject({ action: "update_status", version: 2 });
  });
});
