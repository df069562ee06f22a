/** What is revoked, ended or lowered, and whom it reaches: requests, open sockets, sleeping ones, and those that just join. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { FragmentId } from "../../src/language/fragment-id.ts";
import type { Workspace } from "../../src/protocol/access.ts";
import { AccessObject } from "../../src/worker/access/object/access-object.ts";
import { DirectoryObject } from "../../src/worker/access/object/directory-object.ts";
import { accessStub, fragmentStub } from "../../src/worker/addresses.ts";
import { FragmentObject } from "../../src/worker/fragment/fragment-object.ts";
import {
  call,
  closeOf,
  codeOf,
  freshWorkspace,
  joinJson,
  joinYjs,
  type MadeToken,
  openSocket,
  operatorKey,
  userToken,
} from "./closed-server.ts";
import { freshId } from "./connect.ts";
import { eventually } from "./eventually.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

afterEach(() => {
  vi.restoreAllMocks();
});

const realNow = Date.now.bind(Date);

/** Sets the clock of the worker and its objects ahead of the real one, by which timers and alarms run. */
function setClock(aheadMs: number): void {
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
}

interface Scene {
  readonly workspace: Workspace;
  /** Of an admin. */
  readonly admin: string;
  /** Of an editor, and its id. */
  readonly key: string;
  readonly keyId: string;
  /** Made with that key, for the user `anna`. */
  readonly token: MadeToken;
  /** A fragment of the workspace. */
  readonly id: FragmentId;
}

async function scene(): Promise<Scene> {
  const workspace = freshWorkspace();
  const { key: admin } = await operatorKey(workspace);
  const { key, id: keyId } = await operatorKey(workspace, { role: "editor" });
  const id = freshId() as FragmentId; // follows the rule
  await call("PUT", `/v1/fragments/${id}`, { credential: admin, body: { content: "text" } });
  return { workspace, admin, key, keyId, token: await userToken(key), id };
}

type Act = (scene: Scene) => Promise<Response>;
const revokeKey: Act = ({ admin, keyId }) => call("DELETE", `/v1/keys/${keyId}`, { credential: admin });
const blockUser: Act = ({ admin }) => call("DELETE", "/v1/users/anna", { credential: admin });
const endToken: Act = ({ admin, token }) => call("DELETE", `/v1/tokens/${token.id}`, { credential: admin });
const lowerKey: Act = ({ admin, keyId }) =>
  call("PATCH", `/v1/keys/${keyId}`, { credential: admin, body: { role: "viewer" } });
const capUser: Act = ({ admin }) =>
  call("PUT", "/v1/users/anna", { credential: admin, body: { role: "viewer" } });
const moveKey: Act = ({ admin, keyId }) =>
  call("PATCH", `/v1/keys/${keyId}`, { credential: admin, body: { prefixes: ["elsewhere/"] } });

const ENDINGS: [string, Act][] = [
  ["its key is revoked", revokeKey],
  ["its user is blocked", blockUser],
  ["the token is ended", endToken],
];
const LOWERINGS: [string, Act][] = [
  ["its key is lowered", lowerKey],
  ["its user is given a lower role", capUser],
];

describe("requests", () => {
  test.each(ENDINGS)("[ACCESS-13] a token is refused after five seconds, when %s", async (_, end) => {
    const here = await scene();
    const ask = async () => (await call("GET", "/v1/tags", { credential: here.token.token })).status;
    expect(await ask()).toBe(200);
    await end(here);
    setClock(5 * SECOND_MS);
    expect(await ask()).toBe(401);
  });

  test.each(LOWERINGS)(
    "[ACCESS-13] a token reads and no longer writes after five seconds, when %s",
    async (_, lower) => {
      const here = await scene();
      const { token } = here.token;
      const path = `/v1/fragments/${here.id}`;
      const put = async (content: string) =>
        (await call("PUT", path, { credential: token, body: { content } })).status;
      expect(await put("one")).toBe(200);
      await lower(here);
      setClock(5 * SECOND_MS);
      expect(await put("two")).toBe(403);
      expect((await call("GET", path, { credential: token })).status).toBe(200);
    },
  );

  test("[ACCESS-13] a key is refused after five seconds, when it is revoked, and the other keys are not", async () => {
    const here = await scene();
    const ask = async (credential: string) => (await call("GET", "/v1/tags", { credential })).status;
    expect(await ask(here.key)).toBe(200);
    expect((await revokeKey(here)).status).toBe(204);
    setClock(5 * SECOND_MS);
    expect([await ask(here.key), await ask(here.admin)]).toEqual([401, 200]);
    expect((await revokeKey(here)).status).toBe(404);
  });
});

describe("those that change who may come in", () => {
  test("[ACCESS-13] an admin makes no key, caps no user, invites nobody and revokes nothing from the moment it is revoked or lowered", async () => {
    for (const act of ["DELETE", "PATCH"]) {
      const workspace = freshWorkspace();
      const { key: admin } = await operatorKey(workspace);
      const thief = await operatorKey(workspace);
      const other = await operatorKey(workspace, { role: "viewer" });
      const invited = { user: { name: "Otto" }, role: "viewer" };
      const made = await call("POST", "/v1/invitations", { credential: admin, body: invited });
      const invitation = await made.json<{ id: string }>();
      const { token } = await userToken(thief.key, { role: "admin" });
      for (const credential of [thief.key, token])
        expect((await call("GET", "/v1/keys", { credential })).status).toBe(200);
      const body = act === "PATCH" ? { role: "editor" } : undefined;
      await call(act, `/v1/keys/${thief.id}`, { credential: admin, body });
      const status = act === "PATCH" ? 403 : 401;
      for (const credential of [thief.key, token]) {
        const ask = async (method: string, path: string, sent?: object) =>
          (await call(method, path, { credential, body: sent })).status;
        expect(await ask("POST", "/v1/keys", { name: "mine", role: "admin" })).toBe(status);
        expect(await ask("PATCH", `/v1/keys/${other.id}`, { role: "admin" })).toBe(status);
        expect(await ask("DELETE", `/v1/keys/${other.id}`)).toBe(status);
        expect(await ask("PUT", "/v1/users/anna", { role: null })).toBe(status);
        expect(await ask("DELETE", "/v1/users/berta")).toBe(status);
        expect(await ask("POST", "/v1/invitations", { user: { name: "Mallory" }, role: "viewer" })).toBe(
          status,
        );
        expect(await ask("DELETE", `/v1/invitations/${invitation.id}`)).toBe(status);
      }
      expect((await call("GET", "/v1/tags", { credential: other.key })).status).toBe(200);
    }
  });
});

describe("sockets that join", () => {
  test.each(ENDINGS)("[ACCESS-13] a socket is closed with 4401 at once, when %s", async (_, end) => {
    const here = await scene();
    const { token } = here.token;
    (await joinJson(here.id, { credential: token })).send({ action: "ping" });
    await end(here);
    for (const path of [`/v1/ws/${here.id}`, `/v1/sync/${here.id}`, "/v1/events"]) {
      const headers = { "Sec-WebSocket-Protocol": `prompt-manager.v1, ${token}` };
      expect(await closeOf(path, { headers }), path).toBe(4401);
    }
  });

  test("[ACCESS-13] a socket is not found at once, when its key was limited to other fragments", async () => {
    const here = await scene();
    expect((await call("GET", "/v1/tags", { credential: here.key })).status).toBe(200);
    await moveKey(here);
    expect(await closeOf(`/v1/ws/${here.id}`, { credential: here.key })).toBe(4004);
  });

  test("[ACCESS-14] a socket for a fragment that does not exist leaves no note", async () => {
    const here = await scene();
    expect(await closeOf(`/v1/ws/${freshId()}`, { credential: here.key })).toBe(4004);
    expect(await notesOf(here.workspace)).toEqual([]);
    await joinJson(here.id, { credential: here.token.token });
    const grants = [`key:${here.keyId}`, `token:${here.token.id}`, "user:anna"];
    expect(await notesOf(here.workspace)).toEqual(grants.map((grant) => `${grant} ${here.id}`));
  });
});

describe("open sockets", () => {
  test.each(ENDINGS)(
    "[ACCESS-14] sockets of both protocols are closed with 4401, when %s",
    async (_, end) => {
      const here = await scene();
      const credential = here.token.token;
      const [json, yjs] = [await joinJson(here.id, { credential }), await joinYjs(here.id, { credential })];
      const other = await joinJson(here.id, { credential: here.admin });
      await end(here);
      expect([(await json.closed()).code, (await yjs.closed()).code]).toEqual([4401, 4401]);
      await other.barrier();
    },
  );

  test.each(ENDINGS)(
    "[ACCESS-14] sockets of a sleeping fragment are closed with 4401, when %s",
    async (_, end) => {
      const here = await scene();
      const credential = here.token.token;
      const [json, yjs] = [await joinJson(here.id, { credential }), await joinYjs(here.id, { credential })];
      await evictDurableObject(fragmentStub(env, here.workspace, here.id));
      await end(here);
      expect([(await json.closed()).code, (await yjs.closed()).code]).toEqual([4401, 4401]);
    },
  );

  test.each(LOWERINGS)(
    "[ACCESS-14] an open socket may read and no longer write, when %s",
    async (_, lower) => {
      const here = await scene();
      const client = await joinJson(here.id, { credential: here.token.token });
      expect(await client.request({ action: "update", request_id: "1", content: "one" })).toMatchObject({
        success: true,
      });
      await lower(here);
      const refused = await client.request({ action: "update", request_id: "2", content: "two" });
      expect(refused).toMatchObject({ action: "error", code: "forbidden" });
    },
  );

  test("[ACCESS-14] an open socket is closed with 4403, when its key was limited to other fragments", async () => {
    const here = await scene();
    const client = await joinJson(here.id, { credential: here.key });
    await moveKey(here);
    expect((await client.closed()).code).toBe(4403);
  });

  test.each(ENDINGS)("[ACCESS-14] sockets and streams of the events end, when %s", async (_, end) => {
    const here = await scene();
    const credential = here.token.token;
    const socket = await openSocket("/v1/events", { credential });
    const closed = new Promise<CloseEvent>((settle) => socket.addEventListener("close", settle));
    socket.accept();
    const stream = await call("GET", "/v1/events", { credential });
    expect(stream.status).toBe(200);
    await end(here);
    expect((await closed).code).toBe(4401);
    for await (const _ of stream.body ?? []); // until it ends
  });

  test("[ACCESS-14] only the fragments that have such sockets are told", async () => {
    const here = await scene();
    const other = freshId();
    await call("PUT", `/v1/fragments/${other}`, { credential: here.admin, body: { content: "" } });
    await joinJson(other, { credential: here.admin });
    const client = await joinJson(here.id, { credential: here.key });
    const told = vi.spyOn(FragmentObject.prototype, "accessChanged");
    await revokeKey(here);
    await client.closed();
    expect(told.mock.calls).toEqual([[{ grant: `key:${here.keyId}`, cap: null }]]);
  });

  test("[ACCESS-14] two hundred fragments are told, when a key has sockets on all of them", async () => {
    const here = await scene();
    await runInDurableObject(accessStub(env, here.workspace), (_, { storage }) => {
      for (let n = 0; n < 200; n++)
        storage.sql.exec(
          "INSERT INTO socket_note VALUES (?, ?, ?)",
          `key:${here.keyId}`,
          `many/${n}`,
          Date.now(),
        );
    });
    const told = vi.spyOn(FragmentObject.prototype, "accessChanged");
    await revokeKey(here);
    await eventually(() => expect(told.mock.calls.length).toBeGreaterThanOrEqual(200));
  });
});

describe("sockets that were just joining", () => {
  const alarm = (workspace: Workspace) => runDurableObjectAlarm(accessStub(env, workspace));

  test("[ACCESS-14] the fragments are told again after five and twenty seconds, and then no more", async () => {
    const here = await scene();
    await joinJson(here.id, { credential: here.key });
    const told = vi.spyOn(FragmentObject.prototype, "accessChanged");
    await lowerKey(here);
    expect(told).toHaveBeenCalledTimes(1);
    const counts: number[] = [];
    for (const second of [4, 5, 19, 20, 60, 600]) {
      setClock(second * SECOND_MS);
      await alarm(here.workspace);
      counts.push(told.mock.calls.length);
    }
    expect(counts).toEqual([1, 2, 2, 3, 3, 3]);
    const change = { grant: `key:${here.keyId}`, cap: { role: "viewer", prefixes: null } };
    for (const [first] of told.mock.calls) expect(first).toMatchObject(change);
  });

  test("[ACCESS-14] a change is told as it is by then, when the key was changed again meanwhile", async () => {
    const here = await scene();
    await joinJson(here.id, { credential: here.key });
    await lowerKey(here);
    const told = vi.spyOn(FragmentObject.prototype, "accessChanged");
    setClock(3 * SECOND_MS);
    await revokeKey(here);
    setClock(30 * SECOND_MS);
    await alarm(here.workspace);
    expect(told.mock.calls.map(([change]) => change.cap)).toEqual([null, null]);
  });

  test("[ACCESS-14] a fragment that could not be told is told later, until it was", async () => {
    const here = await scene();
    await joinJson(here.id, { credential: here.key });
    vi.spyOn(console, "error").mockReturnValue();
    const told = vi.spyOn(FragmentObject.prototype, "accessChanged").mockImplementation(() => {
      throw new Error("the fragment fails");
    });
    expect((await revokeKey(here)).status).toBe(204);
    const counts: number[] = [];
    for (const second of [5, 20, 80, 140]) {
      setClock(second * SECOND_MS);
      await alarm(here.workspace);
      counts.push(told.mock.calls.length);
    }
    expect(counts).toEqual([2, 3, 4, 5]);
    told.mockRestore();
    const toldAgain = vi.spyOn(FragmentObject.prototype, "accessChanged");
    setClock(200 * SECOND_MS);
    await alarm(here.workspace);
    setClock(900 * SECOND_MS);
    await alarm(here.workspace);
    expect(toldAgain).toHaveBeenCalledTimes(1);
  });
});

describe("what cannot be asked", () => {
  test("[ACCESS-15] requests are 503 and sockets are closed with 1011, when the access object or the directory fails", async () => {
    const here = await scene();
    vi.spyOn(console, "error").mockReturnValue();
    const fail = () => {
      throw new Error("the object fails");
    };
    const ask = async (credential: string) => {
      const answer = await call("GET", "/v1/tags", { credential });
      expect([answer.status, await codeOf(answer)]).toEqual([503, "unavailable"]);
      expect(answer.headers.get("Retry-After")).toBe("1");
      expect(await closeOf(`/v1/ws/${here.id}`, { credential })).toBe(1011);
    };
    const failing = vi.spyOn(AccessObject.prototype, "admit").mockImplementation(fail);
    setClock(10 * SECOND_MS);
    await ask(here.key);
    failing.mockRestore();
    vi.spyOn(DirectoryObject.prototype, "has").mockImplementation(fail);
    await ask(`pm_unknown_${here.keyId}_${"a".repeat(40)}`);
  });

  test("[ACCESS-15] a socket is closed with 1011, when its access cannot be checked anew", async () => {
    const here = await scene();
    expect((await call("GET", "/v1/tags", { credential: here.key })).status).toBe(200);
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(AccessObject.prototype, "admit").mockImplementation(() => {
      throw new Error("the object fails");
    });
    expect(await closeOf(`/v1/ws/${here.id}`, { credential: here.key })).toBe(1011);
  });
});

describe("what a check costs", () => {
  test("[ACCESS-17] a key and a token are asked for once in five seconds, however many requests they make", async () => {
    const here = await scene();
    const admit = vi.spyOn(AccessObject.prototype, "admit");
    const has = vi.spyOn(DirectoryObject.prototype, "has");
    setClock(10 * SECOND_MS);
    for (const credential of [here.key, here.token.token]) {
      admit.mockClear();
      for (let n = 0; n < 5; n++) await call("GET", "/v1/tags", { credential });
      expect(admit).toHaveBeenCalledTimes(1);
    }
    setClock(16 * SECOND_MS);
    await call("GET", "/v1/tags", { credential: here.key });
    expect(admit).toHaveBeenCalledTimes(2);
    expect(has).not.toHaveBeenCalled();
  });

  test("[ACCESS-17] a refused key is asked for each time", async () => {
    const here = await scene();
    const admit = vi.spyOn(AccessObject.prototype, "admit");
    const wrong = here.key.replace(/.$/, (last) => (last === "a" ? "b" : "a"));
    for (let n = 0; n < 3; n++)
      expect((await call("GET", "/v1/tags", { credential: wrong })).status).toBe(401);
    expect(admit).toHaveBeenCalledTimes(3);
  });

  test("[ACCESS-17] a caller without a credential costs no call for access, in an open server or as anonymous", async () => {
    const admit = vi.spyOn(AccessObject.prototype, "admit");
    const has = vi.spyOn(DirectoryObject.prototype, "has");
    for (const settings of [{ OPEN_ACCESS: "loopback" }, { ANONYMOUS_ROLE: "viewer" }]) {
      expect((await call("GET", "/v1/tags", { settings })).status).toBe(200);
      expect(await closeOf(`/v1/ws/${freshId()}`, { settings })).toBe(4004);
    }
    expect((await call("GET", "/v1/tags")).status).toBe(401);
    expect([admit.mock.calls.length, has.mock.calls.length]).toEqual([0, 0]);
  });
});

describe("pruning", () => {
  test("[ACCESS-18] what means nothing any more is removed, and what still does stays", async () => {
    const here = await scene();
    const today = Math.floor(Date.now() / DAY_MS);
    const nowMs = Date.now();
    const stub = accessStub(env, here.workspace);
    await runInDurableObject(stub, (_, { storage }) => {
      const { sql } = storage;
      for (const [fragment, hours] of [
        ["old", 3],
        ["recent", 1],
      ])
        sql.exec(
          "INSERT INTO socket_note VALUES ('key:k', ?, ?)",
          fragment ?? "",
          nowMs - Number(hours) * HOUR_MS,
        );
      sql.exec(
        "INSERT INTO ended_token VALUES ('over', ?), ('running', ?)",
        nowMs - 1,
        nowMs + DAY_MS + HOUR_MS,
      );
      const user = "INSERT INTO access_user (id, role, is_blocked, seen_on) VALUES (?, ?, ?, ?)";
      sql.exec(user, "gone", null, 0, today - 100);
      sql.exec(user, "capped", "viewer", 0, today - 100);
      sql.exec(user, "blocked", null, 1, today - 100);
      sql.exec(user, "present", null, 0, today - 1);
      const invitation = `INSERT INTO invitation
          (id, hash, user_id, user_name, role, created_at_ms, created_by, maker_grants, expires_at_ms, state)
        VALUES (?1, ?1, 'a', 'A', 'viewer', 0, 'key:k', '["key:k"]', ?2, ?3)`;
      sql.exec(invitation, "long ago", nowMs - 30 * DAY_MS, "used");
      sql.exec(invitation, "a month ago", nowMs - 28 * DAY_MS, "used");
      sql.exec(invitation, "open", nowMs + 2 * DAY_MS, "open");
      const session = `INSERT INTO browser_session
          (id, user_id, hash, renewed_at_ms, role, browser, created_at_ms, seen_at_ms, expires_at_ms)
        VALUES (?1, 'a', ?1, 0, 'viewer', 'Firefox', 0, ?2, ?3)`;
      sql.exec(session, "idle", nowMs - 7 * DAY_MS, nowMs + 9 * DAY_MS);
      sql.exec(session, "expired", nowMs, nowMs);
      sql.exec(session, "live", nowMs - 5 * DAY_MS, nowMs + 9 * DAY_MS);
      sql.exec("UPDATE access_key SET expires_at_ms = ? WHERE id = ?", nowMs - 31 * DAY_MS, here.keyId);
    });
    await call("GET", "/v1/tags", { credential: here.admin });
    setClock(DAY_MS);
    await runDurableObjectAlarm(stub);
    const left = await runInDurableObject(stub, (_, { storage }) => ({
      notes: storage.sql
        .exec("SELECT fragment FROM socket_note")
        .toArray()
        .map(({ fragment }) => fragment),
      tokens: storage.sql
        .exec("SELECT id FROM ended_token")
        .toArray()
        .map(({ id }) => id),
      users: storage.sql
        .exec("SELECT id FROM access_user ORDER BY id")
        .toArray()
        .map(({ id }) => id),
      invitations: storage.sql
        .exec("SELECT id FROM invitation ORDER BY id")
        .toArray()
        .map(({ id }) => id),
      sessions: storage.sql
        .exec("SELECT id FROM browser_session")
        .toArray()
        .map(({ id }) => id),
      keys: storage.sql
        .exec("SELECT role FROM access_key")
        .toArray()
        .map(({ role }) => role),
    }));
    expect(left).toEqual({
      notes: ["recent"],
      tokens: ["running"],
      users: ["blocked", "capped", "present"],
      invitations: ["a month ago", "open"],
      sessions: ["live"],
      keys: ["admin"],
    });
  });
});

async function notesOf(workspace: Workspace): Promise<string[]> {
  return runInDurableObject(accessStub(env, workspace), (_, { storage }) => {
    const rows = storage.sql.exec("SELECT grant_id, fragment FROM socket_note ORDER BY grant_id").toArray();
    return rows.map(({ grant_id, fragment }) => `${grant_id} ${fragment}`);
  });
}
