/** Expansions for callers that may not read every fragment: what is forbidden looks like what is missing. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Access } from "../../src/protocol/access.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { call, freshWorkspace, joinJson, operatorKey } from "./closed-server.ts";
import { connectJsonWith, createFragment, freshId, objectOf, request } from "./connect.ts";

const TEXT = "[[mine/leaf]] [[theirs/a]] [[theirs/b.md]] [[theirs/c]] [[mine/none]]";

let admin: string;
let limited: string;

beforeAll(async () => {
  const workspace = freshWorkspace();
  admin = (await operatorKey(workspace)).key;
  limited = (await operatorKey(workspace, { role: "editor", prefixes: ["mine/"] })).key;
  await made("PUT", "mine/leaf", "leaf [[theirs/a]]");
  await made("PUT", "mine/root", TEXT);
});

async function made(method: string, id: string, content?: string): Promise<void> {
  const body = content === undefined ? {} : { body: { content } };
  const answer = await call(method, `/v1/fragments/${id}`, { credential: admin, ...body });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

/** Everything that the limited caller gets of expansions. */
async function answers(): Promise<unknown> {
  const asked: [method: string, path: string, body: object | null, headers?: Record<string, string>][] = [
    ["GET", "/v1/expansions/mine/root", null],
    ["GET", "/v1/expansions/mine/root", null, { Accept: "text/plain" }],
    ["POST", "/v1/expand", { content: TEXT, id: "theirs/a" }],
    ["POST", "/v1/expand", { content: `${TEXT} [[mine/root]]` }],
    ["POST", "/api/prompts/expand", { content: TEXT }],
    ["POST", "/api/prompts/expand", { prompt_id: "mine/root" }],
    ["GET", "/api/prompts/mine/root/render", null],
    ["GET", "/v1/expansions/theirs/a", null],
  ];
  const got: unknown[] = [];
  for (const [method, path, body, headers = {}] of asked) {
    const answer = await call(method, path, {
      credential: limited,
      headers,
      ...(body === null ? {} : { body }),
    });
    const text = (await answer.text()).replace(/"request_id":"[^"]*"/, "");
    got.push([answer.status, [...answer.headers].sort(), text]);
  }
  const client = await joinJson("mine/root", { credential: limited });
  client.send({ action: "expand", request_id: "e" });
  const { request_id: _, ...expanded } = await client.next("expanded");
  client.close();
  return [...got, expanded];
}

describe("an expansion", () => {
  test("[VIEW-10] is byte for byte the same, whether what its caller may not read is missing, there, changed or deleted", async () => {
    const missing = await answers();
    expect(JSON.stringify(missing)).toContain("PROMPT NOT FOUND: theirs/a");
    await made("PUT", "theirs/a", "secret [[mine/none]] [[theirs/c]]");
    await made("PUT", "theirs/b", "secret");
    expect(await answers()).toEqual(missing);
    await made("PUT", "theirs/a", "another secret");
    expect(await answers()).toEqual(missing);
    await made("DELETE", "theirs/a");
    expect(await answers()).toEqual(missing);
    const whole = await call("GET", "/v1/expansions/mine/root", { credential: admin });
    expect(await whole.text()).toContain("secret");
  });

  test("[VIEW-10] wakes no object for what its caller may not read", async () => {
    await made("PUT", "theirs/c", "secret");
    const getByName = vi.spyOn(env.FRAGMENT, "getByName");
    await answers();
    const reached = getByName.mock.calls.map(([name]) => String(name));
    getByName.mockRestore();
    expect(reached.some((name) => name.includes("/mine/"))).toBe(true);
    expect(reached.filter((name) => name.includes("/theirs/"))).toEqual([]);
  });

  test("[VIEW-10] over a socket shows what its session may read by then, when the access was lowered meanwhile", async () => {
    const [root, secret] = [freshId(), freshId()];
    await createFragment(`[[${secret}]]`, { id: root });
    await createFragment("secret", { id: secret });
    const access: Access = { ...OPEN_ACCESS, role: "editor", grants: ["key:1"] };
    const client = await connectJsonWith(root, access);
    await client.next("initial");
    client.send({ action: "expand", request_id: "before" });
    expect(await client.next("expanded")).toMatchObject({ expanded: "secret" });
    const cap = { role: "editor", prefixes: [`${root}$`] } as const;
    await objectOf(root).accessChanged({ grant: "key:1", cap });
    client.send({ action: "expand", request_id: "after" });
    expect(await client.next("expanded")).toMatchObject({ expanded: `[[${secret}]]`, dependencies: [] });
    expect((await request("GET", `/v1/fragments/${secret}`)).status).toBe(200);
    client.close();
  });
});
