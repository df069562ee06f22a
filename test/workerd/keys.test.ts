/** Keys of programs: who may make them, what they are worth, and what is stored of them. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import type { Key, KeyPage } from "../../src/protocol/principals.ts";
import { accessStub, directoryStub } from "../../src/worker/addresses.ts";
import { call, codeOf, freshWorkspace, operatorKey, operatorToken, userToken } from "./closed-server.ts";
import { freshId } from "./connect.ts";

async function listKeys(credential: string, query = ""): Promise<KeyPage> {
  return (await call("GET", `/v1/keys${query}`, { credential })).json<KeyPage>();
}

describe("the first key", () => {
  test("[ACCESS-8] the operator's token makes a workspace and a key that works, when there was neither", async () => {
    const made = await operatorKey(freshWorkspace(), { name: "CI" });
    expect(made).toMatchObject({ name: "CI", role: "admin", prefixes: null, created_by: "key:operator" });
    const id = freshId();
    const put = await call("PUT", `/v1/fragments/${id}`, {
      credential: made.key,
      body: { content: "hello" },
    });
    expect(put.status).toBe(201);
    expect((await call("GET", `/v1/fragments/${id}`, { credential: made.key })).status).toBe(200);
  });

  test("[ACCESS-8] the operator's token makes no workspace, when it does not say that it does", async () => {
    const credential = await operatorToken(freshWorkspace(), { makesWorkspace: false });
    expect((await call("GET", "/v1/keys", { credential })).status).toBe(401);
  });
});

describe("a workspace", () => {
  test("[ACCESS-1] a key sees and changes the fragments of its own workspace only, when both have the same id", async () => {
    const [mine, theirs] = [await operatorKey(freshWorkspace()), await operatorKey(freshWorkspace())];
    const path = `/v1/fragments/${freshId()}`;
    await call("PUT", path, { credential: mine.key, body: { content: "mine" } });
    expect((await call("GET", path, { credential: theirs.key })).status).toBe(404);
    await call("PUT", path, { credential: theirs.key, body: { content: "theirs" } });
    const { content } = await (await call("GET", path, { credential: mine.key })).json<{ content: string }>();
    expect(content).toBe("mine");
  });

  test("[ACCESS-1] a key is listed, changed and revoked in its own workspace only", async () => {
    const [mine, theirs] = [await operatorKey(freshWorkspace()), await operatorKey(freshWorkspace())];
    expect((await listKeys(mine.key)).keys.map(({ id }) => id)).toEqual([mine.id]);
    const path = `/v1/keys/${theirs.id}`;
    expect((await call("PATCH", path, { credential: mine.key, body: { role: "viewer" } })).status).toBe(404);
    expect((await call("DELETE", path, { credential: mine.key })).status).toBe(404);
    expect((await call("GET", "/v1/keys", { credential: theirs.key })).status).toBe(200);
  });
});

describe("making keys", () => {
  test.each(["viewer", "editor"])(
    "[ACCESS-9] a key with the role %s makes, lists and revokes none",
    async (role) => {
      const workspace = freshWorkspace();
      const admin = await operatorKey(workspace);
      const { key, id } = await operatorKey(workspace, { role });
      const body = { name: "another", role: "viewer" };
      expect((await call("POST", "/v1/keys", { credential: key, body })).status).toBe(403);
      expect((await call("GET", "/v1/keys", { credential: key })).status).toBe(403);
      expect(
        (await call("PATCH", `/v1/keys/${id}`, { credential: key, body: { role: "admin" } })).status,
      ).toBe(403);
      expect((await call("DELETE", `/v1/keys/${admin.id}`, { credential: key })).status).toBe(403);
    },
  );

  test("[ACCESS-9] an admin of some fragments makes keys for these only", async () => {
    const workspace = freshWorkspace();
    const whole = await operatorKey(workspace);
    const { key } = await operatorKey(workspace, { prefixes: ["team/"] });
    const make = async (fields: object) => {
      const body = { name: "n", role: "admin", ...fields };
      return call("POST", "/v1/keys", { credential: key, body });
    };
    for (const prefixes of [null, ["tea"], ["other/"], ["team/a/", "t"], ["team$"]])
      expect((await make({ prefixes })).status, JSON.stringify(prefixes)).toBe(403);
    expect((await (await make({ prefixes: ["team/a/"] })).json<Key>()).prefixes).toEqual(["team/a/"]);
    expect((await (await make({})).json<Key>()).prefixes).toEqual(["team/"]);
    // It has to do with no other key, either.
    expect((await listKeys(key)).keys).toHaveLength(3);
    expect((await call("DELETE", `/v1/keys/${whole.id}`, { credential: key })).status).toBe(404);
    expect((await listKeys(whole.key)).keys).toHaveLength(4);
  });

  test("[ACCESS-9] a key can be given no more than its changer has", async () => {
    const workspace = freshWorkspace();
    const { key } = await operatorKey(workspace, { prefixes: ["team/"] });
    const { id } = await operatorKey(workspace, { role: "viewer", prefixes: ["team/a/"] });
    const change = (body: object) => call("PATCH", `/v1/keys/${id}`, { credential: key, body });
    expect((await change({ prefixes: null })).status).toBe(403);
    expect((await change({ prefixes: ["other/"] })).status).toBe(403);
    expect(await (await change({ role: "admin", prefixes: ["team/b/"] })).json()).toMatchObject({
      role: "admin",
      prefixes: ["team/b/"],
      name: "a program",
    });
  });

  test.each<[string, object]>([
    ["an empty name", { name: "" }],
    ["an invisible name", { name: "a\u200b" }],
    ["a name of two lines", { name: "a\nb" }],
    ["an unknown role", { role: "owner" }],
    ["no prefix at all", { prefixes: [] }],
    ["an empty prefix", { prefixes: [""] }],
    ["a prefix that no id has", { prefixes: ["/team"] }],
    ["a prefix that climbs", { prefixes: ["team/../"] }],
    ["too many prefixes", { prefixes: Array.from({ length: 17 }, (_, n) => `p${n}/`) }],
    ["too long prefixes", { prefixes: Array.from({ length: 5 }, (_, n) => `${"p".repeat(90)}${n}/`) }],
    ["an end that has passed", { expires_at: "2020-01-01T00:00:00Z" }],
    ["an end that is no time", { expires_at: "tomorrow" }],
    ["a field that is not known", { secret: "mine" }],
  ])("[ACCESS-9] a key is refused, when it is made with %s", async (_, fields) => {
    const { key } = await operatorKey(freshWorkspace());
    const body = { name: "n", role: "viewer", ...fields };
    const answer = await call("POST", "/v1/keys", { credential: key, body });
    expect([answer.status, await codeOf(answer)]).toEqual([400, "invalid_body"]);
  });

  test("[ACCESS-9] prefixes are kept as ids are written, when they come in another spelling", async () => {
    const prefixes = ["cafe\u0301/", "two words/", "team/v1.", "team/one$"];
    const made = await operatorKey(freshWorkspace(), { prefixes });
    expect(made.prefixes).toEqual(["café/", "two_words/", "team/v1.", "team/one$"]);
  });

  test("[ACCESS-9] a key is refused, when there are 1,000 already, and no more when one of them was revoked", async () => {
    const workspace = freshWorkspace();
    const { key, id } = await operatorKey(workspace);
    await runInDurableObject(accessStub(env, workspace), (_, { storage }) => {
      const query = `INSERT INTO access_key (id, hash, name, role, created_at_ms, created_by)
        VALUES (?1, ?1, 'a program', 'viewer', 0, 'key:operator')`;
      for (let n = 0; n < 999; n++) storage.sql.exec(query, `key${n}`);
    });
    const body = { name: "one more", role: "viewer" };
    const answer = await call("POST", "/v1/keys", { credential: key, body });
    expect([answer.status, await codeOf(answer)]).toEqual([409, "limit_reached"]);
    expect((await call("DELETE", "/v1/keys/key5", { credential: key })).status).toBe(204);
    expect((await call("POST", "/v1/keys", { credential: key, body })).status).toBe(201);
    expect((await listKeys(key, "?limit=1")).keys).toMatchObject([{ id }]);
  });

  test("[ACCESS-9] an open server makes keys, too, and they work when it is closed", async () => {
    const body = { name: "from my laptop", role: "editor" };
    const made = await call("POST", "/v1/keys", { body, settings: { OPEN_ACCESS: "loopback" } });
    expect(made.status).toBe(201);
    const { key } = await made.json<{ key: string }>();
    expect((await call("GET", "/v1/tags", { credential: key })).status).toBe(200);
  });
});

describe("a key that is refused", () => {
  test("[ACCESS-5] a caller that may make no key makes no workspace by asking, when it has none", async () => {
    const workspace = freshWorkspace();
    const settings = { ANONYMOUS_ROLE: "editor", ANONYMOUS_WORKSPACE: workspace };
    const body = { name: "n", role: "viewer" };
    expect((await call("POST", "/v1/keys", { settings, body })).status).toBe(403);
    expect(await directoryStub(env).has(workspace)).toBe(false);
  });
});

describe("what is known of a key", () => {
  test("[ACCESS-10] nothing that is stored or listed leads to a key's text", async () => {
    const workspace = freshWorkspace();
    const { key } = await operatorKey(workspace);
    const secret = key.split("_").at(-1) ?? "";
    expect(secret).toHaveLength(40);
    expect(JSON.stringify(await listKeys(key))).not.toContain(secret);
    const stored = await runInDurableObject(accessStub(env, workspace), (_, { storage }) => {
      const tables = storage.sql
        .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")
        .toArray();
      return tables.flatMap(({ name }) => storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
    });
    expect(stored.length).toBeGreaterThan(0);
    expect(JSON.stringify(stored)).not.toContain(secret);
  });

  test("[ACCESS-10] no two keys share anything that is random, and all have 200 bits", async () => {
    const workspace = freshWorkspace();
    const made = await Promise.all(Array.from({ length: 20 }, () => operatorKey(workspace)));
    const pattern = new RegExp(`^pm_${workspace}_[a-z2-9]{12}_[a-z2-9]{40}$`);
    for (const { key } of made) expect(key).toMatch(pattern);
    expect(new Set(made.map(({ key }) => key.split("_")[3])).size).toBe(20);
    expect(new Set(made.map(({ id }) => id)).size).toBe(20);
  });

  test("[ACCESS-10] the list says who made a key, and the day of its last use", async () => {
    const workspace = freshWorkspace();
    const admin = await operatorKey(workspace);
    const body = { name: "unused", role: "viewer", expires_at: "2099-01-01T00:00:00Z" };
    await call("POST", "/v1/keys", { credential: admin.key, body });
    const today = new Date().toISOString().slice(0, 10);
    expect((await listKeys(admin.key)).keys).toMatchObject([
      { name: "a program", created_by: "key:operator", last_used: today, expires_at: null },
      {
        name: "unused",
        created_by: `key:${admin.id}`,
        last_used: null,
        expires_at: "2099-01-01T00:00:00.000+00:00",
      },
    ]);
  });

  test("[ACCESS-10] the last use is written once a day, however often a key is used", async () => {
    const workspace = freshWorkspace();
    const { key } = await operatorKey(workspace);
    const changes = () =>
      runInDurableObject(accessStub(env, workspace), (_, { storage }) =>
        Number(storage.sql.exec("SELECT total_changes() AS count").one()["count"]),
      );
    expect((await call("GET", "/v1/tags", { credential: key })).status).toBe(200);
    const before = await changes();
    for (let n = 0; n < 5; n++) {
      const hash = await sha256(key);
      await accessStub(env, workspace).admit({ kind: "key", workspace, hash }, null);
    }
    expect(await changes()).toBe(before);
  });

  test("[ACCESS-10] the list comes in pages, each key once", async () => {
    const workspace = freshWorkspace();
    const { key } = await operatorKey(workspace);
    for (let n = 0; n < 4; n++) await operatorKey(workspace, { name: `key ${n}` });
    const names: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: KeyPage = await listKeys(key, `?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect(page.keys.length).toBeLessThanOrEqual(2);
      names.push(...page.keys.map(({ name }) => name));
      cursor = page.next_cursor;
    }
    expect(names).toEqual(["a program", "key 0", "key 1", "key 2", "key 3"]);
  });

  test.each(["x", "-1", "1.5", "%00", "1e3"])("[ACCESS-10] the cursor %s is refused", async (cursor) => {
    const { key } = await operatorKey(freshWorkspace());
    expect((await call("GET", `/v1/keys?cursor=${cursor}`, { credential: key })).status).toBe(400);
  });

  test("[ACCESS-10] a key and its tokens work until it expires, and not longer", async () => {
    const expiresAtMs = Date.now() + 4_000;
    const expires_at = new Date(expiresAtMs).toISOString();
    const { key } = await operatorKey(freshWorkspace(), { expires_at });
    const { token, expires_at: tokenEnd } = await userToken(key);
    const statuses = async () =>
      Promise.all(
        [key, token].map(async (credential) => (await call("GET", "/v1/tags", { credential })).status),
      );
    expect(Date.parse(tokenEnd)).toBeLessThanOrEqual(expiresAtMs);
    const clock = vi.spyOn(Date, "now").mockReturnValue(expiresAtMs - 1_001);
    expect(await statuses()).toEqual([200, 200]);
    clock.mockReturnValue(expiresAtMs);
    expect(await statuses()).toEqual([401, 401]);
    clock.mockRestore();
  });
});

async function sha256(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
