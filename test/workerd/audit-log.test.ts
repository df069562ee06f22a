/** The audit log as requests write it, and as an admin reads it. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { AuditEntry, AuditPage } from "../../src/protocol/audit.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { createFragment, freshId, request } from "./connect.ts";

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

describe("who reads it", () => {
  test.each([
    ["a viewer", { role: "viewer" }],
    ["an editor", { role: "editor" }],
    ["an admin of some fragments", { prefixes: ["a/"] }],
  ] as const)("[AUDIT-2] %s does not", async (_, less) => {
    const answer = await object("default").auditLog({ ...OPEN_ACCESS, ...less }, { limit: 50 });
    expect(answer).toMatchObject({ ok: false, refusal: { code: "forbidden" } });
  });

  test("[AUDIT-5] an object that is only asked stores nothing", async () => {
    const asked = object("never-seen");
    const page = await asked.auditLog(OPEN_ACCESS, { limit: 50 });
    expect(page).toEqual({ ok: true, value: { entries: [], next_cursor: null } });
    const tables = await runInDurableObject(asked, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'audit'").toArray(),
    );
    expect(tables).toEqual([]);
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
