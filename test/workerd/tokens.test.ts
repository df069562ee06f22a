/** Tokens for users: who makes them, what they are worth, and how they end. */
import { describe, expect, test } from "vitest";
import type { UserPage } from "../../src/protocol/principals.ts";
import { verifyToken } from "../../src/protocol/tokens.ts";
import { TEST_SECRET } from "../support/test-secret.ts";
import {
  call,
  closeOf,
  codeOf,
  freshWorkspace,
  joinJson,
  type MadeToken,
  operatorKey,
  operatorToken,
  userToken,
} from "./closed-server.ts";
import { freshId } from "./connect.ts";

const OTHER_SECRET = "YW5vdGhlci1zZWNyZXQtYWJjZGVmZ2hpamtsbW5vcHE=";

const statusOf = async (credential: string, path = "/v1/tags", method = "GET", body?: unknown) =>
  (await call(method, path, { credential, body })).status;

describe("making a token", () => {
  test("[ACCESS-11] a token has the rights that were asked for, and names its user, key and end", async () => {
    const workspace = freshWorkspace();
    const { key, id } = await operatorKey(workspace);
    const beforeMs = Date.now();
    const made = await userToken(key, {
      user: { id: "anna", name: "Anna", color: "#c2185b" },
      role: "viewer",
      prefixes: ["team/"],
      ttl_seconds: 120,
    });
    expect(made).toMatchObject({ role: "viewer", prefixes: ["team/"], user: { id: "anna", name: "Anna" } });
    const claims = await verifyToken([TEST_SECRET], made.token, Date.now());
    expect(claims).toMatchObject({ id: made.id, workspace, grants: [`key:${id}`], role: "viewer" });
    const lifeMs = Date.parse(made.expires_at) - beforeMs;
    expect(lifeMs).toBeGreaterThan(118_000);
    expect(lifeMs).toBeLessThan(125_000 + 60_000);
  });

  test.each(["viewer", "editor", "admin"])(
    "[ACCESS-11] a key with the role %s makes tokens up to its own role",
    async (role) => {
      const { key } = await operatorKey(freshWorkspace(), { role });
      const roles = ["viewer", "editor", "admin"];
      for (const asked of roles) {
        const body = { user: { id: "anna" }, role: asked };
        const status = roles.indexOf(asked) <= roles.indexOf(role) ? 201 : 403;
        expect((await call("POST", "/v1/tokens", { credential: key, body })).status, asked).toBe(status);
      }
    },
  );

  test("[ACCESS-11] a token is an editor's at most, when no role is asked for", async () => {
    const workspace = freshWorkspace();
    const roleFrom = async (role: string) =>
      (await userToken((await operatorKey(workspace, { role })).key)).role;
    expect([await roleFrom("viewer"), await roleFrom("editor"), await roleFrom("admin")]).toEqual([
      "viewer",
      "editor",
      "editor",
    ]);
  });

  test("[ACCESS-11] a token holds for no fragment for which its key does not", async () => {
    const { key } = await operatorKey(freshWorkspace(), { prefixes: ["team/"] });
    const make = async (fields: object) => {
      const body = { user: { id: "anna" }, ...fields };
      return (await call("POST", "/v1/tokens", { credential: key, body })).status;
    };
    for (const fields of [
      { prefixes: null },
      { prefixes: ["te"] },
      { fragment: "other" },
      { fragment: "team" },
    ])
      expect(await make(fields), JSON.stringify(fields)).toBe(403);
    expect((await userToken(key)).prefixes).toEqual(["team/"]);
    expect((await userToken(key, { fragment: "team/a" })).prefixes).toEqual(["team/a$"]);
  });

  test("[ACCESS-11] a token for one fragment opens that one, and none whose id begins with it", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const id = freshId();
    for (const one of [id, `${id}b`, `${id}/c`])
      await call("PUT", `/v1/fragments/${one}`, { credential: key, body: { content: one } });
    const { token } = await userToken(key, { fragment: id });
    expect(await statusOf(token, `/v1/fragments/${id}`)).toBe(200);
    expect(await statusOf(token, `/v1/fragments/${id}b`)).toBe(404);
    expect(await statusOf(token, `/v1/fragments/${id}/c`)).toBe(404);
    expect(await closeOf(`/v1/ws/${id}b`, { credential: token })).toBe(4004);
    (await joinJson(id, { credential: token })).send({ action: "ping" });
  });

  test("[ACCESS-11] a user who is no admin makes no token, and an admin makes one that ends with its own", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const [editor, admin] = [
      await userToken(key, { role: "editor" }),
      await userToken(key, { role: "admin" }),
    ];
    const body = { user: { id: "berta" }, ttl_seconds: 86_400 };
    expect(await statusOf(editor.token, "/v1/tokens", "POST", body)).toBe(403);
    const made = await userToken(admin.token, body);
    expect(Date.parse(made.expires_at)).toBeLessThanOrEqual(Date.parse(admin.expires_at));
    expect(await statusOf(made.token)).toBe(200);
    expect((await call("DELETE", `/v1/tokens/${admin.id}`, { credential: key })).status).toBe(204);
    const second = await userToken(key);
    expect([await statusOf(second.token), await freshStatus(made)]).toEqual([200, 4401]);
  });

  test.each<[string, object]>([
    ["less than a minute", { ttl_seconds: 59 }],
    ["more than a day", { ttl_seconds: 86_401 }],
    ["part of a second", { ttl_seconds: 60.5 }],
    ["a fragment and prefixes", { fragment: "a", prefixes: ["b/"] }],
    ["an empty user", { user: { id: "" } }],
    ["a user with a NUL", { user: { id: "a\0" } }],
    ["a user that is long", { user: { id: "a".repeat(129) } }],
    ["a name with half a character", { user: { id: "a", name: "\ud800" } }],
    ["a name of two lines", { user: { id: "a", name: "a\r\nb" } }],
    ["another workspace", { workspace: "default" }],
    ["grants of its own", { grants: [] }],
  ])("[ACCESS-11] a token is refused, when it is asked for with %s", async (_, fields) => {
    const { key } = await operatorKey(freshWorkspace());
    const body = { user: { id: "anna" }, ...fields };
    const answer = await call("POST", "/v1/tokens", { credential: key, body });
    expect([answer.status, await codeOf(answer)]).toEqual([400, "invalid_body"]);
  });

  test("[ACCESS-11] the largest token is short enough to be sent", async () => {
    const wide = "\u{1f600}";
    const prefixes = Array.from({ length: 16 }, (_, n) => `${"\u9577".repeat(23)}${n % 10}/`);
    const { key } = await operatorKey(freshWorkspace());
    const user = { id: "\u9577".repeat(128), name: wide.repeat(50), color: "\u9577".repeat(64) };
    const { token } = await userToken(key, { user, prefixes });
    expect(token.length).toBeLessThanOrEqual(4_096);
    expect(await statusOf(token)).toBe(200);
  });

  test("[ACCESS-11] an open server makes tokens, too, if it has a secret", async () => {
    const body = { user: { id: "anna" } };
    const OPEN_ACCESS = "loopback";
    const made = await call("POST", "/v1/tokens", { body, settings: { OPEN_ACCESS } });
    expect(made.status).toBe(201);
    expect(await statusOf((await made.json<MadeToken>()).token)).toBe(200);
    const refused = await call("POST", "/v1/tokens", { body, settings: { OPEN_ACCESS, AUTH_SECRET: "" } });
    expect([refused.status, await codeOf(refused)]).toEqual([503, "not_configured"]);
  });
});

describe("secrets that change", () => {
  test("[ACCESS-7] a token outlives the change of the secret, as long as the old one is known", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const { token } = await userToken(key);
    const underSecrets = (settings: Record<string, string>) =>
      call("GET", "/v1/tags", { credential: token, settings });
    // A token that this isolate has seen is remembered for some seconds, so another one is asked with each setting.
    const changed = { AUTH_SECRET: OTHER_SECRET };
    expect((await underSecrets(changed)).status).toBe(401);
    expect((await underSecrets({ ...changed, AUTH_SECRET_OLD: TEST_SECRET })).status).toBe(200);
    const body = { user: { id: "anna" } };
    const settings = { ...changed, AUTH_SECRET_OLD: TEST_SECRET };
    const made = await (
      await call("POST", "/v1/tokens", { credential: key, body, settings })
    ).json<MadeToken>();
    expect(await verifyToken([TEST_SECRET], made.token, Date.now())).toBeNull();
    expect(await verifyToken([OTHER_SECRET], made.token, Date.now())).not.toBeNull();
  });
});

describe("the operator", () => {
  test("[ACCESS-8] an operator's token is worth nothing, when another secret has signed it", async () => {
    const workspace = freshWorkspace();
    const credential = await operatorToken(workspace, { secret: OTHER_SECRET });
    expect(await statusOf(credential, "/v1/keys")).toBe(401);
    expect(await statusOf(await operatorToken(workspace, { makesWorkspace: false }), "/v1/keys")).toBe(401);
  });
});

describe("ending a token", () => {
  test("[ACCESS-13] a token ends, and no other one of its user, when its id is deleted", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const [one, other] = [await userToken(key), await userToken(key)];
    expect(await statusOf(key, `/v1/tokens/${one.id}`, "DELETE")).toBe(204);
    expect(await statusOf(key, `/v1/tokens/${one.id}`, "DELETE")).toBe(204);
    expect([await statusOf(one.token), await statusOf(other.token)]).toEqual([401, 200]);
  });

  test("[ACCESS-13] a token may end itself, and no other one", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const [mine, other] = [await userToken(key), await userToken(key, { user: { id: "berta" } })];
    expect(await statusOf(mine.token, `/v1/tokens/${other.id}`, "DELETE")).toBe(403);
    expect(await statusOf(mine.token, `/v1/tokens/${mine.id}`, "DELETE")).toBe(204);
    expect(await freshStatus(mine)).toBe(4401);
    expect(await statusOf(other.token)).toBe(200);
  });

  test("[ACCESS-1] a token is not ended from another workspace", async () => {
    const [mine, theirs] = [await operatorKey(freshWorkspace()), await operatorKey(freshWorkspace())];
    const { id, token } = await userToken(theirs.key);
    expect(await statusOf(mine.key, `/v1/tokens/${id}`, "DELETE")).toBe(204);
    expect(await statusOf(token)).toBe(200);
  });

  test.each(["a", "a".repeat(25), "A".repeat(24), "..", "%2e%2e", "%00"])(
    "[ACCESS-13] nothing is ended, when %s can be the id of no token",
    async (id) => {
      const { key } = await operatorKey(freshWorkspace());
      expect(await statusOf(key, `/v1/tokens/${id}`, "DELETE")).not.toBe(204);
    },
  );
});

describe("users", () => {
  const list = async (credential: string, query = "") =>
    (await call("GET", `/v1/users${query}`, { credential })).json<UserPage>();

  test("[ACCESS-12] a user is listed with its name and day, when its token was seen, and not before", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const { token } = await userToken(key, { user: { id: "anna@acme.example", name: "Anna" } });
    expect(await list(key)).toEqual({ users: [], next_cursor: null });
    await statusOf(token);
    const last_seen = new Date().toISOString().slice(0, 10);
    const anna = { id: "anna@acme.example", name: "Anna", role: null, blocked: false, last_seen };
    expect((await list(key)).users).toEqual([anna]);
  });

  test("[ACCESS-12] a cap lowers every token of its user, and of nobody else, and ends when it is taken away", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const path = `/v1/fragments/${freshId()}`;
    await call("PUT", path, { credential: key, body: { content: "" } });
    const put = (credential: string) => statusOf(credential, path, "PUT", { content: "new" });
    const cap = (role: string | null) => call("PUT", "/v1/users/anna", { credential: key, body: { role } });
    expect(await (await cap("viewer")).json()).toMatchObject({ id: "anna", role: "viewer", blocked: false });
    const [anna, berta] = [await userToken(key), await userToken(key, { user: { id: "berta" } })];
    expect([await put(anna.token), await put(berta.token)]).toEqual([403, 200]);
    await cap("admin");
    expect(await put((await userToken(key)).token)).toBe(200);
    await cap(null);
    expect(await put((await userToken(key)).token)).toBe(200);
  });

  test("[ACCESS-12] a user is put and blocked under any id, percent-encoded, in either spelling", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const id = "caf\u00e9/\u{1f600} x?#%";
    const path = `/v1/users/${encodeURIComponent(id.normalize("NFD"))}`;
    await call("PUT", path, { credential: key, body: { role: "viewer" } });
    expect((await list(key)).users.map((user) => user.id)).toEqual([id]);
    expect(await statusOf(key, path, "DELETE")).toBe(204);
    expect((await list(key)).users).toMatchObject([{ id, blocked: true }]);
    const { token } = await userToken(key, { user: { id } });
    expect(await statusOf(token)).toBe(401);
  });

  test("[ACCESS-12] a blocked user's earlier tokens stay refused, when the user may come in again", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const before = await userToken(key);
    expect(await statusOf(key, "/v1/users/anna", "DELETE")).toBe(204);
    const during = await userToken(key);
    expect([await statusOf(before.token), await statusOf(during.token)]).toEqual([401, 401]);
    expect(await statusOf(key, "/v1/users/anna", "PUT", { role: "editor" })).toBe(200);
    const after = await userToken(key);
    expect([await statusOf(before.token), await statusOf(after.token)]).toEqual([401, 200]);
  });

  test("[ACCESS-12] the list comes in pages, each user once", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const ids = ["a", "b/c", "\u00e4", "\u{1f600}", "z"];
    for (const id of ids)
      await call("PUT", `/v1/users/${encodeURIComponent(id)}`, { credential: key, body: { role: null } });
    const found: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: UserPage = await list(key, `?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      found.push(...page.users.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(found.toSorted()).toEqual(ids.toSorted());
  });

  test("[ACCESS-12] users are for admins of all fragments", async () => {
    const workspace = freshWorkspace();
    for (const fields of [{ role: "editor" }, { prefixes: ["team/"] }]) {
      const { key } = await operatorKey(workspace, fields);
      expect(await statusOf(key, "/v1/users")).toBe(403);
      expect(await statusOf(key, "/v1/users/anna", "PUT", { role: null })).toBe(403);
      expect(await statusOf(key, "/v1/users/anna", "DELETE")).toBe(403);
    }
  });

  test("[ACCESS-1] a user of one workspace is nobody in another one", async () => {
    const [mine, theirs] = [await operatorKey(freshWorkspace()), await operatorKey(freshWorkspace())];
    await call("DELETE", "/v1/users/anna", { credential: mine.key });
    expect((await list(theirs.key)).users).toEqual([]);
    expect(await statusOf((await userToken(theirs.key)).token)).toBe(200);
  });
});

/** How a socket is closed that shows the token now: a socket is checked anew, so nothing remembered counts. */
async function freshStatus({ token }: MadeToken): Promise<number> {
  return closeOf("/v1/events", { credential: token });
}
