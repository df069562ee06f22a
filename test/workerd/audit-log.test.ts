/** The audit log as requests write it, and as an admin reads it. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { Access } from "../../src/protocol/access.ts";
import type { AuditEntry, AuditPage } from "../../src/protocol/audit.ts";
import { AUDIT_AGE_MS } from "../../src/protocol/limits.ts";
import { encodeUpdate } from "../../src/protocol/yjs-frames.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { updateOf } from "../support/update-of.ts";
import { call, freshWorkspace, operatorKey, operatorToken, userToken } from "./closed-server.ts";
import { createFragment, freshId, request } from "./connect.ts";
import { callWith, type Settings } from "./settings.ts";

const FROM = { "CF-Connecting-IP": "2001:db8::7" };

describe("what is recorded", () => {
  test("[AUDIT-1] a deletion is in the log, when it is answered", async () => {
    const { id } = await createFragment("a secret text");
    await request("DELETE", `/v1/fragments/${id}`, undefined, FROM);
    expect(await entriesOn(id)).toEqual([
      {
        time: expect.any(String),
        action: "fragment_deleted",
        principal: "anonymous",
        via: null,
        id,
        detail: null,
        address: "2001:db8::7",
        result: "done",
        count: 1,
      },
    ]);
  });

  test("[AUDIT-1] a deletion on an old path is in the log, and so is a rename with both ids", async () => {
    const { id } = await createFragment("here");
    const to = freshId();
    await request("POST", "/v1/renames", { from: id, to });
    await request("DELETE", `/api/prompts/${to}`);
    expect(await entriesOn(id)).toMatchObject([{ action: "fragment_renamed", detail: `to ${to}` }]);
    expect(await entriesOn(to)).toMatchObject([{ action: "fragment_deleted", address: null }]);
  });

  test("[AUDIT-1] a rebuild is in the log", async () => {
    await request("POST", "/v1/catalogue/rebuild");
    expect((await read("?action=catalogue_rebuilt")).entries).toMatchObject([{ result: "done", id: null }]);
  });

  test("[AUDIT-1] what was not done is not in the log", async () => {
    const { id } = await createFragment("here");
    await request("DELETE", `/v1/fragments/${id}`, undefined, { "If-Match": '"9"' });
    await request("DELETE", `/v1/fragments/${freshId()}`);
    await request("POST", "/v1/renames", { from: freshId(), to: id });
    expect(await entriesOn(id)).toEqual([]);
  });

  test("[AUDIT-1] an address that is none is left out", async () => {
    const { id } = await createFragment("here");
    await request("DELETE", `/v1/fragments/${id}`, undefined, { "CF-Connecting-IP": "<script>" });
    expect(await entriesOn(id)).toMatchObject([{ address: null }]);
  });
});

describe("refusals", () => {
  const VIEWER: Settings = { OPEN_ACCESS: "", ANONYMOUS_ROLE: "viewer", ANONYMOUS_WORKSPACE: "refusals" };

  async function refusals() {
    const page = await env.ACCESS.getByName("refusals").auditLog(within("refusals"), {
      limit: 50,
      action: "refused",
    });
    return page.ok ? page.value.entries : [];
  }

  test("[AUDIT-3] a refused request is in the log after a second, with its place and its id", async () => {
    const id = freshId();
    await callWith(
      { ...VIEWER, ANONYMOUS_ROLE: "editor" },
      "PUT",
      `/v1/fragments/${id}`,
      {},
      '{"content":""}',
    );
    for (let number = 0; number < 3; number++) {
      const answer = await callWith(VIEWER, "PUT", `/v1/fragments/${id}`, FROM, '{"content":"secret"}');
      expect(answer.status).toBe(403);
    }
    await expect.poll(async () => (await refusals()).map(({ count }) => count)).toEqual([3]);
    expect(await refusals()).toMatchObject([
      {
        action: "refused",
        result: "forbidden",
        principal: "anonymous",
        address: "2001:db8::7",
        detail: "PUT /v1/fragments",
        id,
      },
    ]);
  });

  test.each([
    ["JSON", "/v1/ws/", '{"action":"update","content":"secret"}'],
    ["Yjs", "/v1/sync/", encodeUpdate(updateOf(new Y.Doc(), (text) => text.insert(0, "secret")))],
  ])("[AUDIT-3] a frame on a %s socket that may only read is in the log", async (_, prefix, frame) => {
    const id = freshId();
    await callWith(
      { ...VIEWER, ANONYMOUS_ROLE: "editor" },
      "PUT",
      `/v1/fragments/${id}`,
      {},
      '{"content":""}',
    );
    const { webSocket } = await callWith(VIEWER, "GET", `${prefix}${id}`, { Upgrade: "websocket" });
    webSocket?.accept();
    webSocket?.send(frame);
    webSocket?.send(frame);
    const found = async () => (await refusals()).filter((entry) => entry.id === id);
    await expect.poll(async () => (await found())[0]?.count).toBe(2);
    expect(await found()).toMatchObject([{ result: "forbidden", detail: "a frame", address: null }]);
    expect((await found())[0]?.principal).toMatch(/^anonymous:/);
    webSocket?.close();
  });

  test("[AUDIT-3] nothing is recorded of a caller that belongs to no workspace", async () => {
    const closed: Settings = { OPEN_ACCESS: "" };
    const unknown = { Authorization: `Bearer pm_refusals_${"a".repeat(12)}_${"a".repeat(40)}` };
    expect((await callWith(closed, "GET", "/v1/fragments/secret")).status).toBe(401);
    expect((await callWith(closed, "GET", "/v1/fragments/secret", unknown)).status).toBe(401);
    await callWith(VIEWER, "GET", "/v1/audit", { "CF-Connecting-IP": "192.0.2.9" });
    await expect
      .poll(async () => (await refusals()).some(({ address }) => address === "192.0.2.9"))
      .toBe(true);
    expect((await refusals()).filter(({ result }) => result === "unauthorised")).toEqual([]);
  });
});

describe("refused credentials", () => {
  test("[AUDIT-3] a token that has ended is recorded under its user, an unknown key without a principal", async () => {
    const workspace = freshWorkspace();
    const { id, key } = await operatorKey(workspace, { role: "editor" });
    const { token } = await userToken(key, { user: { id: "anna" } });
    const admin = await operatorToken(workspace);
    expect((await call("GET", "/v1/tags", { credential: token })).status).toBe(200);
    expect((await call("DELETE", `/v1/keys/${id}`, { credential: admin })).status).toBe(204);
    const isRefused = async () => (await call("GET", "/v1/tags", { credential: token })).status === 401;
    await expect.poll(isRefused, { timeout: 20_000, interval: 500 }).toBe(true);
    await call("GET", "/v1/tags", { credential: key });
    await call("GET", "/v1/tags", { credential: key.replace(workspace, "unknown-workspace") });
    const refused = async () => {
      const page = await env.ACCESS.getByName(workspace).auditLog(within(workspace), {
        limit: 50,
        action: "refused",
      });
      return page.ok ? page.value.entries.map(({ principal, result }) => [principal, result]) : [];
    };
    await expect.poll(async () => (await refused()).length).toBe(2);
    expect(await refused()).toContainEqual(["user:anna", "unauthorised"]);
    expect(await refused()).toContainEqual([null, "unauthorised"]);
  });
});

describe("age", () => {
  test("[AUDIT-4] the object drops old entries by its alarm, which rings every day", async () => {
    const { id } = await createFragment("here");
    await request("DELETE", `/v1/fragments/${id}`);
    const object = env.ACCESS.getByName("default");
    await runInDurableObject(object, async (_, { storage }) => {
      storage.sql.exec("UPDATE audit SET time_ms = time_ms - ?", AUDIT_AGE_MS);
      storage.sql.exec("UPDATE due SET at_ms = 0 WHERE kind = 'audit'");
      await storage.deleteAlarm();
    });
    await evictDurableObject(object); // it reads what is due when it begins
    await runInDurableObject(object, (instance) => instance.alarm());
    expect(await entriesOn(id)).toEqual([]);
    const alarmMs = await runInDurableObject(object, (_, { storage }) => storage.getAlarm());
    expect(alarmMs).toBeGreaterThan(Date.now());
  });
});

describe("who reads it", () => {
  test.each([
    ["a viewer", { role: "viewer" }],
    ["an editor", { role: "editor" }],
    ["an admin of some fragments", { prefixes: ["a/"] }],
  ] as const)("[AUDIT-2] %s does not", async (_, less) => {
    const answer = await object("default").auditLog({ ...OPEN_ACCESS, ...less }, { limit: 50 });
    expect(answer).toMatchObject({ ok: false, refusal: { code: "forbidden" } });
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])("[AUDIT-5] %s does nothing to the log", async (method) => {
    const { id } = await createFragment("here");
    await request("DELETE", `/v1/fragments/${id}`);
    const before = await entriesOn(id);
    expect((await request(method, "/v1/audit")).status).toBe(405);
    expect(await entriesOn(id)).toEqual(before);
  });
});

function object(workspace: string) {
  return env.ACCESS.getByName(workspace);
}

async function read(query: string): Promise<AuditPage> {
  const answer = await request("GET", `/v1/audit${query}`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json<AuditPage>();
}

async function entriesOn(id: string): Promise<readonly AuditEntry[]> {
  return (await read(`?id=${encodeURIComponent(id)}`)).entries;
}

function within(workspace: string): Access {
  return { ...OPEN_ACCESS, workspace: workspace as Access["workspace"] }; // follows the rule of workspaces
}
