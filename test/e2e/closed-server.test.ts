/**
 * `npm run serve -- --closed` with two workspaces and six callers, whose keys `npm run key` has made: each may do what the
 * tables of docs/access.md say, and nothing else, over REST, both sockets, events and the old paths.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { ERROR_STATUS } from "../../src/protocol/errors.ts";
import { encodeSyncStep1, SUBPROTOCOL } from "../../src/protocol/yjs-frames.ts";
import { CALLERS, type CallerName, type Outcome, type Row, rowsOf } from "../support/access-table.ts";
import { within } from "../support/live-socket.ts";
import { type RunningCommand, runCommandLine, spawnCommand } from "../support/server-command.ts";
import { makeTemporaryDir, removeDir } from "../support/temporary-dir.ts";

/** Stands in all that a caller must not be shown. */
const MARKER = "marker7c1e";
const ELSEWHERE = "elsewhere/";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Got {
  readonly outcome: Outcome;
  readonly shown: string;
}

/** Of no server. */
const OTHER_SECRET = randomBytes(32).toString("base64");

let dir: string;
let server: RunningCommand;
let keys: Readonly<Record<CallerName, string | null>>;
let folders = 0;

beforeAll(async () => {
  dir = await makeTemporaryDir();
  const persistTo = join(dir, "data");
  server = await spawnCommand("serve", ["--closed", `--persist-to=${persistTo}`]);
  const keyOf = async (...args: string[]) => {
    const common = ["--url", server.url, "--persist-to", persistTo];
    const { code, stdout, stderr } = await runCommandLine("tools/access/key.ts", [...common, ...args]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("Made the key ")]);
    return stdout.trim();
  };
  keys = {
    nobody: null,
    viewer: await keyOf("--role", "viewer"),
    editor: await keyOf("--role", "editor"),
    admin: await keyOf("--role", "admin", "--workspace", "default"),
    "editor of other ids": await keyOf("--role", "editor", "--prefix", ELSEWHERE),
    "another workspace": await keyOf("--role", "admin", "--workspace", "acme"),
  };
});

afterAll(async () => {
  await server?.stop();
  await removeDir(dir);
});

function headersOf(caller: CallerName, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const key = keys[caller];
  return { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...more };
}

function send(caller: CallerName, { method, path, body, headers }: Asked): Promise<Response> {
  const json: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  return fetch(`${server.url}${path}`, {
    method,
    headers: headersOf(caller, { ...json, ...headers }),
    redirect: "manual",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function succeed(caller: CallerName, asked: Asked): Promise<unknown> {
  const answer = await send(caller, asked);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${asked.method} ${asked.path}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

/** Two marked fragments in a folder that no other request uses. */
async function makeFolder(): Promise<string> {
  const folder = `closed/${++folders}/`;
  for (const [name, content] of [
    ["name", MARKER],
    ["greeting", `Hello, [[${folder}name]] ${MARKER}`],
  ]) {
    const body = { id: `${folder}${name}`, content, tags: [MARKER], description: MARKER };
    await succeed("admin", { method: "POST", path: "/v1/fragments", body });
  }
  return folder;
}

/** All of the folder, for admins. */
async function stateOf(folder: string): Promise<unknown> {
  const paths = ["name", "greeting", "new"].map((name) => `/v1/fragments/${folder}${name}`);
  return Promise.all(
    paths.map(async (path) => {
      const answer = await send("admin", { method: "GET", path });
      const text = await answer.text();
      return answer.ok ? text : answer.status;
    }),
  );
}

/** Asks as each caller, in a folder of its own, and compares what came with the row. */
async function expectRow(
  { outcomes }: Row,
  prepare: (folder: string) => Asked | Promise<Asked>,
  ask: (caller: CallerName, asked: Asked) => Promise<Got>,
): Promise<void> {
  for (const caller of CALLERS) {
    const folder = await makeFolder();
    const asked = await prepare(folder);
    const before = await stateOf(folder);
    const { outcome, shown } = await ask(caller, asked);
    const expected = outcomes[caller];
    expect([caller, outcome]).toEqual([caller, expected === "own" ? "yes" : expected]);
    if (expected === "yes") continue;
    expect(await stateOf(folder), caller).toEqual(before);
    expect(shown, caller).not.toContain(MARKER);
  }
}

async function askRest(caller: CallerName, asked: Asked): Promise<Got> {
  if (asked.path === "/v1/events") return readEvents(caller, asked);
  const answer = await send(caller, asked);
  const shown = await answer.text();
  return { outcome: answer.ok ? "yes" : answer.status, shown };
}

/** What the caller is told up to a fragment of which it may know. */
async function readEvents(caller: CallerName, asked: Asked): Promise<Got> {
  const answer = await send(caller, asked);
  if (!answer.ok) return { outcome: answer.status, shown: await answer.text() };
  const last = await makeLast(caller);
  let shown = "";
  for await (const text of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    shown += text;
    if (shown.includes(last)) break; // this ends the stream, too
  }
  return { outcome: "yes", shown };
}

/** Makes a fragment whose event every listener that is let in gets. Returns its id. */
async function makeLast(caller: CallerName): Promise<string> {
  const id = `${ELSEWHERE}${++folders}`;
  const maker = caller === "another workspace" ? caller : "admin";
  await succeed(maker, { method: "POST", path: "/v1/fragments", body: { id } });
  return id;
}

/** The first frame, or how the socket was closed. A write is sent after the first frame, and its answer counts. */
async function askSocket(caller: CallerName, { path, body }: Asked): Promise<Got> {
  const isYjs = path.startsWith("/v1/sync/");
  const url = `${server.url.replace(/^http/, "ws")}${path}`;
  const socket = new WebSocket(url, isYjs ? [SUBPROTOCOL] : [], { headers: headersOf(caller) });
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  socket.on("error", reject);
  socket.on("close", (code) => resolve({ outcome: code, shown: "" }));
  socket.on("message", (data) => {
    const shown = String(data);
    if (body === undefined) return resolve({ outcome: "yes", shown });
    const frame = JSON.parse(shown) as { action: string; code?: keyof typeof ERROR_STATUS };
    if (frame.action === "initial") socket.send(JSON.stringify(body));
    else if (frame.action === "update_status") resolve({ outcome: "yes", shown });
    else if (frame.action === "error" && frame.code !== undefined)
      resolve({ outcome: ERROR_STATUS[frame.code], shown });
  });
  socket.on("open", () => {
    if (isYjs) socket.send(encodeSyncStep1(new Uint8Array([0])));
    else if (path.startsWith("/api/ws/test")) socket.send("hello");
    else if (path.startsWith("/v1/events") && keys[caller] !== null) makeLast(caller).catch(reject);
  });
  try {
    return await within(`the answer to ${caller} at ${path}`, promise);
  } finally {
    socket.terminate();
  }
}

/** An id of something that an admin of the workspace has made. */
async function made(path: string, body: object): Promise<string> {
  const answer = (await succeed("admin", { method: "POST", path, body })) as { id: string }; // as the API describes it
  return answer.id;
}

const USER = { id: "anna", name: "Anna" };

/** A request for each operation, about what an admin has made. */
const REST: Readonly<Record<string, (folder: string) => Asked | Promise<Asked>>> = {
  listFragments: () => ({ method: "GET", path: "/v1/fragments?query=hello" }),
  createFragment: (f) => ({ method: "POST", path: "/v1/fragments", body: { id: `${f}new` } }),
  getFragment: (f) => ({ method: "GET", path: `/v1/fragments/${f}greeting` }),
  putFragment: (f) => ({ method: "PUT", path: `/v1/fragments/${f}greeting`, body: { content: "new" } }),
  patchFragment: (f) => ({
    method: "PATCH",
    path: `/v1/fragments/${f}greeting`,
    body: { description: "new" },
  }),
  deleteFragment: (f) => ({ method: "DELETE", path: `/v1/fragments/${f}greeting` }),
  renameFragment: (f) => ({
    method: "POST",
    path: "/v1/renames",
    body: { from: `${f}greeting`, to: `${f}new` },
  }),
  listTags: () => ({ method: "GET", path: "/v1/tags" }),
  listFolders: () => ({ method: "GET", path: "/v1/folders" }),
  listDependents: (f) => ({ method: "GET", path: `/v1/dependents/${f}name` }),
  getCatalogueRebuild: () => ({ method: "GET", path: "/v1/catalogue/rebuild" }),
  startCatalogueRebuild: () => ({ method: "POST", path: "/v1/catalogue/rebuild", body: {} }),
  streamEvents: () => ({ method: "GET", path: "/v1/events", headers: { "last-event-id": "0" } }),
  listKeys: () => ({ method: "GET", path: "/v1/keys" }),
  makeKey: () => ({ method: "POST", path: "/v1/keys", body: { name: "made", role: "viewer" } }),
  changeKey: async () => ({
    method: "PATCH",
    path: `/v1/keys/${await made("/v1/keys", { name: MARKER, role: "viewer" })}`,
    body: { name: "changed" },
  }),
  revokeKey: async () => ({
    method: "DELETE",
    path: `/v1/keys/${await made("/v1/keys", { name: MARKER, role: "viewer" })}`,
  }),
  makeToken: () => ({ method: "POST", path: "/v1/tokens", body: { user: USER, prefixes: null } }),
  endToken: async () => ({
    method: "DELETE",
    path: `/v1/tokens/${await made("/v1/tokens", { user: USER })}`,
  }),
  listUsers: () => ({ method: "GET", path: "/v1/users" }),
  putUser: () => ({ method: "PUT", path: "/v1/users/bob", body: { role: "viewer" } }),
  blockUser: () => ({ method: "DELETE", path: "/v1/users/carol" }),
  readAuditLog: () => ({ method: "GET", path: "/v1/audit" }),
  getMe: () => ({ method: "GET", path: "/v1/me" }),
  listInvitations: () => ({ method: "GET", path: "/v1/invitations" }),
  makeInvitation: () => ({ method: "POST", path: "/v1/invitations", body: { user: USER, role: "viewer" } }),
  withdrawInvitation: async () => ({
    method: "DELETE",
    path: `/v1/invitations/${await made("/v1/invitations", { user: { name: MARKER }, role: "viewer" })}`,
  }),
  listSessions: () => ({ method: "GET", path: "/v1/sessions" }),
  endSessions: () => ({ method: "DELETE", path: "/v1/sessions" }),
  endSession: async () => ({ method: "DELETE", path: `/v1/sessions/${await signedIn()}` }),
  expandText: (f) => ({ method: "POST", path: "/v1/expand", body: { content: `[[${f}name]]` } }),
  getExpansion: (f) => ({ method: "GET", path: `/v1/expansions/${f}greeting` }),
  getHealth: () => ({ method: "GET", path: "/healthz" }),
};

/** Signs a person in with an invitation. Returns the id of the session. */
async function signedIn(): Promise<string> {
  const invitation = { user: { name: MARKER }, role: "viewer" };
  const asked = { method: "POST", path: "/v1/invitations", body: invitation };
  const { link } = (await succeed("admin", asked)) as { link: string };
  const answer = await fetch(`${server.url}/sign-in`, {
    method: "POST",
    headers: { origin: server.url },
    body: new URLSearchParams({ invitation: new URL(link).hash.slice(1) }),
    redirect: "manual",
  });
  const cookie = answer.headers
    .getSetCookie()
    .map((one) => one.split(";")[0])
    .join("; ");
  const me = await fetch(`${server.url}/v1/me`, { headers: { cookie } });
  return ((await me.json()) as { session: string }).session;
}

const OLD_BODIES: Readonly<Record<string, (folder: string) => unknown>> = {
  "POST /api/prompts": (f) => ({ id: `${f}new`, content: "" }),
  "PUT /api/prompts/{id}": () => ({ content: "written" }),
  "POST /api/prompts/expand, a text": (f) => ({ content: `[[${f}name]]` }),
  "POST /api/prompts/expand, a prompt_id": (f) => ({ prompt_id: `${f}greeting` }),
};

describe("each of six callers on a closed server", () => {
  const rest = rowsOf("REST");

  test("[VIEW-8] is tried at each operation of the table", () => {
    expect(Object.keys(REST).toSorted()).toEqual(rest.map(({ name }) => name).toSorted());
  });

  test.each(rest)("[VIEW-8] may do at $name what the table says, and no more", async (row) => {
    const prepare = REST[row.name];
    if (prepare === undefined) throw new Error("the test before has told");
    await expectRow(row, prepare, askRest);
  });

  test.each(rowsOf("Sockets"))(
    "[VIEW-8] may do at the socket $name what the table says, and no more",
    async (row) => {
      const [template = "", variant = ""] = row.name.split(", ");
      const update = { action: "update", request_id: "r", content: "written" };
      const prepare = (folder: string) => ({
        method: "GET",
        path: template.replace("{id}", `${folder}${variant === "a new id" ? "new" : "greeting"}`),
        ...(variant === "to write" ? { body: update } : {}),
      });
      await expectRow(row, prepare, askSocket);
    },
  );

  test.each(rowsOf("Old paths"))("[VIEW-8] may do at $name what the table says, and no more", async (row) => {
    const [method = "", template = ""] = row.name.split(", ")[0]?.split(" ") ?? [];
    const query = template.endsWith("search_suggestions") ? "?query=greeting" : "";
    const prepare = (folder: string) => {
      const body = OLD_BODIES[row.name]?.(folder);
      const path = template.replace("{id}", `${folder}greeting`) + query;
      return { method, path, ...(body === undefined ? {} : { body }) };
    };
    await expectRow(row, prepare, askRest);
  });

  test.each(rowsOf("For everybody"))("[VIEW-8] may do $name, as the table says", async (row) => {
    const [method = "", path = ""] = row.name.split(", ")[0]?.split(" ") ?? [];
    await expectRow(row, () => ({ method, path }), askRest);
  });
});

test("[CLI-14] a revoked key is worth nothing, when npm run key has revoked it", async () => {
  const common = ["--url", server.url, "--persist-to", join(dir, "data")];
  const name = "to be revoked";
  const made = await runCommandLine("tools/access/key.ts", [...common, "--role", "viewer", "--name", name]);
  const key = made.stdout.trim();
  const list = await runCommandLine("tools/access/key.ts", [...common, "--list"]);
  const line = list.stdout.split("\n").find((one) => one.endsWith(`  ${name}`)) ?? "";
  expect(line).toMatch(/^\w{12} {2}viewer {2}all ids {2}no end {2}never used {2}to be revoked$/);
  expect(list.stdout).not.toContain(key);
  const revoked = await runCommandLine("tools/access/key.ts", [...common, "--revoke", line.slice(0, 12)]);
  expect(revoked).toMatchObject({ code: 0, stdout: "" });
  const answer = await fetch(`${server.url}/v1/tags`, { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(401);
});

test("[CLI-14] npm run key makes no key, when --key is of another workspace than --workspace says", async () => {
  const args = ["--url", server.url, "--key", keys.admin ?? "", "--workspace", "acme", "--role", "viewer"];
  const ended = await runCommandLine("tools/access/key.ts", args);
  expect(ended).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/workspace "default".* says "acme"/),
  });
});

test("[CLI-14] npm run key takes the key of the environment, when it knows no secret that the server takes", async () => {
  const url = server.url.replace("127.0.0.1", "0.0.0.0"); // of no server on this machine that it knows
  const callers: [string, Record<string, string>][] = [
    [url, { PROMPT_MANAGER_KEY: keys.admin ?? "" }],
    [url, { PROMPT_MANAGER_KEY: keys.admin ?? "", AUTH_SECRET: OTHER_SECRET }],
  ];
  for (const [at, env] of callers) {
    const ended = await runCommandLine("tools/access/key.ts", ["--url", at, "--list"], env);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining("  admin   all ids") });
  }
});

test("[CLI-14] npm run key names everything that it tried and shows none of it, when the server takes nothing", async () => {
  const env = { PROMPT_MANAGER_KEY: `${keys.admin}x`, AUTH_SECRET: OTHER_SECRET };
  const { code, stdout, stderr } = await runCommandLine(
    "tools/access/key.ts",
    ["--url", server.url, "--list"],
    env,
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain(
    `${server.url} does not take AUTH_SECRET of the environment, nor the key in PROMPT_MANAGER_KEY.`,
  );
  expect(stderr).not.toContain(OTHER_SECRET);
  expect(stderr).not.toContain(`${keys.admin}`);
});

describe.each([
  ["seed", "tools/dev/seed.ts"],
  ["load", "tools/load/main.ts"],
  ["e2e", "tools/check/main.ts"],
])("npm run %s", (name, script) => {
  test.each<[string, string, Record<string, string>]>([
    ["it has no key for a closed server", "is closed: give a key", {}],
    [
      "the server does not take its key",
      "does not take the key: ",
      { PROMPT_MANAGER_KEY: "pm_default_none_none" },
    ],
  ])(
    "[CLI-17] the command says so in one sentence and sends nothing further, when %s",
    async (_, says, env) => {
      const before = await totalOf("admin");
      const ended = await runCommandLine(script, ["--url", server.url], env);
      expect(ended.code).toBe(1);
      expect(ended.stderr.trimEnd().split("\n")).toEqual([
        expect.stringContaining(`npm run ${name}: ${server.url} ${says}`),
      ]);
      expect(ended.stdout).toBe("");
      expect(await totalOf("admin")).toBe(before);
    },
  );
});

async function totalOf(caller: CallerName): Promise<number> {
  const answer = await send(caller, { method: "GET", path: "/v1/fragments?limit=1" });
  return ((await answer.json()) as { total: number }).total; // the server is ours
}

test("[CLI-15] npm run audit prints what was done in a workspace and nothing of another one, in lines or as JSON", async () => {
  const id = `${ELSEWHERE}deleted`;
  await succeed("another workspace", {
    method: "PUT",
    path: `/v1/fragments/${id}`,
    body: { content: MARKER },
  });
  await succeed("another workspace", { method: "DELETE", path: `/v1/fragments/${id}` });
  const common = ["--url", server.url, "--persist-to", join(dir, "data"), "--id", id];
  const audit = (...args: string[]) => runCommandLine("tools/access/audit.ts", [...common, ...args]);
  const lines = await audit("--workspace", "acme");
  expect(lines.stdout).toMatch(/^\S+ {2}done {2}fragment_deleted {2}elsewhere\/deleted {2}by key:\w+.*\n$/);
  const json = await audit("--workspace", "acme", "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({ action: "fragment_deleted", id, result: "done" });
  expect(await audit()).toMatchObject({ code: 0, stdout: "" });
});
