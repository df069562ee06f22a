/** Each caller at each address, as the tables of docs/access.md have it; and two workspaces, of which neither shows in the other. */
import type { OpenAPIV3_1 } from "openapi-types";
import { beforeAll, describe, expect, test } from "vitest";
import { ROLES } from "../../src/protocol/access.ts";
import { ERROR_STATUS } from "../../src/protocol/errors.ts";
import { app } from "../../src/worker/app.ts";
import { EXAMPLES } from "../../src/worker/description/examples.ts";
import { operations } from "../../src/worker/description/operations.ts";
import { CALLERS, type CallerName, type Outcome, type Row, rowsOf } from "../support/access-table.ts";
import { EventStream } from "../support/event-stream.ts";
import { JsonClient } from "../support/json-client.ts";
import { Browser, invite } from "./browser.ts";
import { call, freshWorkspace, openSocket, operatorKey, type Sent } from "./closed-server.ts";
import { Description, exampleRequests } from "./described.ts";

/** Stands in everything that callers of other ids, and of other workspaces, must not be shown. */
const MARKER = "marker3f9a";
/** The folders of all examples are in this one. */
const ROOT = "examples/";
const ELSEWHERE = "elsewhere/";
const OWN_CLIENT = { "Sec-WebSocket-Protocol": "prompt-manager.v1" };

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A workspace, and the keys of the callers of the tables. */
interface World {
  readonly keys: Readonly<Record<CallerName | "editor of these ids", string | undefined>>;
}

let world: World;
let description: Description;
let lastFolder = 0;
/** The routes that a test has asked, as the router names them. */
const asked = new Set<unknown>();

async function makeWorld(): Promise<World> {
  const workspace = freshWorkspace();
  const keyOf = async (fields: object) => (await operatorKey(workspace, fields)).key;
  return {
    keys: {
      nobody: undefined,
      viewer: await keyOf({ role: "viewer" }),
      editor: await keyOf({ role: "editor" }),
      admin: await keyOf({ role: "admin" }),
      "editor of other ids": await keyOf({ role: "editor", prefixes: [ELSEWHERE] }),
      "editor of these ids": await keyOf({ role: "editor", prefixes: [ROOT, "team/"] }),
      "another workspace": (await operatorKey(freshWorkspace())).key,
    },
  };
}

async function send(key: string | undefined, { method, path, body, headers = {} }: Asked): Promise<Response> {
  note(method, path);
  return call(method, path, sentWith(key, headers, body));
}

function sentWith(key: string | undefined, headers: Record<string, string>, body?: unknown): Sent {
  return {
    headers,
    ...(key === undefined ? {} : { credential: key }),
    ...(body === undefined ? {} : { body }),
  };
}

function note(method: string, path: string): void {
  const [handlers] = app.router.match(method, new URL(path, "http://localhost").pathname);
  for (const [[, route]] of handlers) asked.add(route);
}

async function bodyOf(answer: Response): Promise<string> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  return text;
}

/** Makes the fragments of the examples in a new folder, marked. Returns the folder, with a slash at its end. */
async function makeFolder(): Promise<string> {
  const folder = `${ROOT}${++lastFolder}/`;
  for (const { id, content } of [EXAMPLES.fragment, EXAMPLES.included]) {
    const body = {
      id: moved(id, folder),
      content: `${moved(content, folder)} ${MARKER}`,
      description: MARKER,
      tags: [MARKER],
    };
    await bodyOf(await send(world.keys.admin, { method: "POST", path: "/v1/fragments", body }));
  }
  return folder;
}

function moved(text: string, folder: string): string {
  return text.replaceAll("team/", folder).replaceAll(encodeURIComponent("team/"), encodeURIComponent(folder));
}

/** Everything that a request about this folder could change. */
async function stateOf(folder: string): Promise<unknown> {
  const ids = ["greeting", "name", "farewell", "welcome", "new"].map(
    (name) => `/v1/fragments/${folder}${name}`,
  );
  const answers = [...ids, "/v1/keys", "/v1/users", "/v1/invitations"].map(async (path) => {
    const answer = await send(world.keys.admin, { method: "GET", path });
    const text = await answer.text();
    return answer.ok ? text.replaceAll(/"last_used":(?:null|"[^"]*")/g, "") : answer.status;
  });
  return Promise.all(answers);
}

/** Makes a request in a fresh folder as each caller, and compares the outcome with the row. */
async function expectRow(
  outcomes: Readonly<Record<CallerName, Outcome>>,
  prepare: (folder: string) => Asked | Promise<Asked>,
  ask: (key: string | undefined, asked: Asked, caller: string) => Promise<{ got: Outcome; shown: string }>,
): Promise<void> {
  const callers = [...CALLERS.map((name) => [name, outcomes[name]] as const)];
  for (const [caller, expected] of [...callers, ["editor of these ids", outcomes.editor] as const]) {
    const folder = await makeFolder();
    const request = await prepare(folder);
    const before = expected === "yes" ? null : await stateOf(folder);
    const { got, shown } = await ask(world.keys[caller], request, caller);
    expect([caller, got]).toEqual([caller, expected === "own" ? "yes" : expected]);
    if (expected !== "yes") {
      expect(await stateOf(folder), caller).toEqual(before);
      expect(shown, caller).not.toContain(MARKER);
    }
  }
}

/** What the caller is told of events up to one that it may know of. */
async function readEvents(caller: string, answer: Response): Promise<string> {
  if (answer.body === null) throw new Error("no body");
  const stream = new EventStream(answer.body);
  const id = `${caller === "editor of these ids" ? ROOT : ELSEWHERE}${crypto.randomUUID()}`;
  const key = caller === "another workspace" ? world.keys["another workspace"] : world.keys.admin;
  await bodyOf(await send(key, { method: "POST", path: "/v1/fragments", body: { id } }));
  let shown = "";
  for (;;) {
    const event = await stream.any();
    shown += JSON.stringify(event);
    if (event.event === "created" && event.fragment.id === id) break;
  }
  await stream.close();
  return shown;
}

async function askRest(key: string | undefined, request: Asked, caller: string) {
  const answer = await send(key, request);
  const isStream = answer.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
  const shown = isStream ? await readEvents(caller, answer) : await answer.text();
  if (isStream && caller === "admin") expect(shown).toContain(MARKER);
  return { got: answer.ok ? ("yes" as const) : answer.status, shown };
}

/** Opens the socket, speaks first where the server waits for that, and returns the first frame or the close code. */
async function askSocket(key: string | undefined, { path, headers = {}, body }: Asked) {
  note("GET", path);
  const socket = await openSocket(path, sentWith(key, headers));
  const first = Promise.withResolvers<{ got: Outcome; shown: string }>();
  const isWrite = body !== undefined;
  socket.addEventListener("close", ({ code }) => first.resolve({ got: code, shown: "" }));
  socket.addEventListener("message", ({ data }) => {
    const shown = typeof data === "string" ? data : new TextDecoder().decode(data as ArrayBuffer);
    if (!isWrite) return first.resolve({ got: "yes", shown });
    const frame = JSON.parse(shown) as { action: string; code?: keyof typeof ERROR_STATUS };
    if (frame.action === "initial") socket.send(JSON.stringify(body));
    if (frame.action === "update_status") first.resolve({ got: "yes", shown });
    if (frame.action === "error" && frame.code !== undefined)
      first.resolve({ got: ERROR_STATUS[frame.code], shown: "" });
  });
  socket.accept();
  if (path.startsWith("/v1/sync/")) socket.send(new Uint8Array([0, 0, 1, 0])); // sync step 1: I have nothing
  const result = await first.promise;
  socket.close();
  return result;
}

beforeAll(async () => {
  description = await Description.load();
  world = await makeWorld();
});

describe("each caller", () => {
  const rest = rowsOf("REST");

  test("[VIEW-8] has a row for each operation of the description", () => {
    expect(rest.map(({ name }) => name).sort()).toEqual(Object.keys(operations).sort());
  });

  test.each(rest)(
    "[API-11] $name is described with the least role that the table lets in",
    async ({ name, outcomes }) => {
      const document = await (await call("GET", "/openapi.json")).json<OpenAPIV3_1.Document>();
      const described = Object.values(document.paths ?? {})
        .flatMap((path) => Object.values(path ?? {}) as OpenAPIV3_1.OperationObject[])
        .find(({ operationId }) => operationId === name);
      const least = ROLES.find((role) => outcomes[role] !== 403);
      const role = outcomes.nobody === "yes" ? undefined : least;
      expect((described as { "x-needed-role"?: string })["x-needed-role"]).toBe(role);
      expect(described?.security).toEqual(outcomes.nobody === "yes" ? [] : undefined);
      expect(Object.keys(described?.responses ?? {})).toEqual(
        role === undefined ? ["200"] : expect.arrayContaining(["401", "403", "429", "503"]),
      );
    },
  );

  test.each(rest)("[VIEW-8] may do at $name what the table says, and no more", async ({ name, outcomes }) => {
    await expectRow(outcomes, (folder) => exampleOf(name, folder), askRest);
  });

  /** The example request of an operation, moved to a folder; with a key of its own if it is about one. */
  async function exampleOf(name: string, folder: string): Promise<Asked> {
    const { method } = description.operation(name);
    const [example] = exampleRequests(description.operation(name));
    if (example === undefined) throw new Error(`${name} has no example`);
    let path = moved(example.path, folder);
    const collection = Object.keys(MAKE_NAMED).find((prefix) => path.startsWith(prefix));
    if (collection !== undefined) path = collection + (await MAKE_NAMED[collection]?.());
    const headers: Record<string, string> = name === "streamEvents" ? { "Last-Event-ID": "0" } : {};
    if (example.body === undefined) return { method, path, headers };
    const body = JSON.parse(moved(JSON.stringify(example.body), folder)) as Record<string, unknown>;
    if (name === "makeToken") delete body["role"]; // the caller's own
    return { method, path, headers, body };
  }

  /** Makes what an example names whose address begins so, in the workspace of the tables. Each returns its id. */
  const MAKE_NAMED: Readonly<Record<string, () => Promise<string>>> = {
    "/v1/keys/": async () => {
      const body = { name: MARKER, role: "viewer" };
      const made = await send(world.keys.admin, { method: "POST", path: "/v1/keys", body });
      return (await made.json<{ id: string }>()).id;
    },
    "/v1/invitations/": async () => (await invite(world.keys.admin ?? "", { user: { name: MARKER } })).id,
    "/v1/sessions/": async () => {
      const browser = new Browser();
      await browser.signIn((await invite(world.keys.admin ?? "", { user: { name: MARKER } })).link);
      return (await browser.me()).session ?? "";
    },
  };

  test.each([
    [
      "from an id that the caller may not know of",
      (folder: string) => [`${folder}name`, `${ELSEWHERE}${folder}b`],
    ],
    [
      "to an id that the caller may not know of",
      (folder: string) => [`${ELSEWHERE}${folder}a`, `${folder}new`],
    ],
  ])("[VIEW-5] a rename %s is 404, and changes nothing", async (_, idsIn) => {
    const folder = await makeFolder();
    const [from, to] = idsIn(folder);
    const own = { method: "POST", path: "/v1/fragments", body: { id: `${ELSEWHERE}${folder}a` } };
    await bodyOf(await send(world.keys.admin, own));
    const before = await stateOf(folder);
    const request = { method: "POST", path: "/v1/renames", body: { from, to } };
    const { got } = await askRest(world.keys["editor of other ids"], request, "editor of other ids");
    expect(got).toBe(404);
    expect(await stateOf(folder)).toEqual(before);
    const stays = await send(world.keys.admin, {
      method: "GET",
      path: `/v1/fragments/${ELSEWHERE}${folder}a`,
    });
    expect(stays.status).toBe(200);
  });

  const SOCKET_ROWS = rowsOf("Sockets");

  test.each(SOCKET_ROWS)(
    "[VIEW-8] may do at the socket $name what the table says, and no more",
    async (row) => {
      const [template = "", variant = ""] = row.name.split(", ");
      await expectRow(
        row.outcomes,
        (folder) => {
          const id = `${folder}${variant === "a new id" ? "new" : "greeting"}`;
          const path = template.replace("{id}", id) + (template === "/v1/events" ? "?last_event_id=0" : "");
          const headers: Record<string, string> = path.startsWith("/v1/sync/") ? OWN_CLIENT : {};
          const update = { action: "update", request_id: "r", content: "written" };
          return { method: "GET", path, headers, ...(variant === "to write" ? { body: update } : {}) };
        },
        async (key, request, caller) => {
          // A listener is told something in any case.
          if (template === "/v1/events" && key !== undefined) {
            const body = { id: `${ELSEWHERE}${crypto.randomUUID()}` };
            const admin = caller === "another workspace" ? key : world.keys.admin;
            await bodyOf(await send(admin, { method: "POST", path: "/v1/fragments", body }));
          }
          return askSocket(key, request);
        },
      );
    },
  );

  const BODIES: Record<string, (folder: string) => unknown> = {
    "POST /api/prompts": (folder) => ({ id: `${folder}farewell`, content: "" }),
    "PUT /api/prompts/{id}": () => ({ content: "written" }),
    "POST /api/prompts/expand, a text": (folder) => ({ content: `[[${folder}name]]` }),
    "POST /api/prompts/expand, a prompt_id": (folder) => ({ prompt_id: `${folder}greeting` }),
  };

  /** The request of a row, with the path spelt in another way. */
  function oldRequest({ name }: Row, folder: string, spell = (path: string) => path): Asked {
    const [request = ""] = name.split(", ");
    const [method = "", template = ""] = request.split(" ");
    const query = template.endsWith("search_suggestions") ? "?query=greeting" : "";
    const body = BODIES[name]?.(folder);
    const path = spell(template.replace("{id}", `${folder}greeting`)) + query;
    return { method, path, ...(body === undefined ? {} : { body }) };
  }

  const OLD_ROWS = rowsOf("Old paths");

  test.each(OLD_ROWS)("[VIEW-8] may do at $name what the table says, and no more", async (row) => {
    await expectRow(row.outcomes, (folder) => oldRequest(row, folder), askRest);
  });

  test.each<[string, (path: string) => string]>([
    ["without `all`", (path) => path.replace(/\/all$/, "")],
    ["with a slash at the end", (path) => `${path}/`],
    ["under `fragments`", (path) => path.replace("/api/prompts", "/api/prompts/fragments")],
    [
      "under `fragments`, without `all`",
      (path) => path.replace(/(?:\/all)?$/, "").replace("prompts", "prompts/fragments"),
    ],
    ["under `fragments`, with a slash", (path) => `${path.replace("prompts", "prompts/fragments")}/`],
    ["without `all`, with a slash", (path) => `${path.replace(/\/all$/, "")}/`],
    ["all of that", (path) => `${path.replace(/\/all$/, "").replace("prompts", "prompts/fragments")}/`],
  ])("[VIEW-8] may do the same at the old paths %s", async (_, spell) => {
    const folder = await makeFolder();
    const before = await stateOf(folder);
    for (const row of OLD_ROWS) {
      for (const caller of ["nobody", "editor of other ids"] as const) {
        const { got, shown } = await askRest(world.keys[caller], oldRequest(row, folder, spell), caller);
        const expected = row.outcomes[caller];
        expect([row.name, caller, got]).toEqual([row.name, caller, expected === "own" ? "yes" : expected]);
        expect(shown).not.toContain(MARKER);
      }
    }
    expect(await stateOf(folder)).toEqual(before);
  });

  test.each(rowsOf("For everybody"))("[VIEW-8] may do $name, as the table says", async (row) => {
    const [request = ""] = row.name.split(", ");
    const [method = "", path = ""] = request.split(" ");
    await expectRow(row.outcomes, () => ({ method, path }), askRest);
    if (path === "/docs") await expectRow(row.outcomes, () => ({ method, path: "/docs/" }), askRest);
  });

  test("[VIEW-8] was tried at every route that the server has", () => {
    const routes = app.routes.filter(({ method }) => method !== "ALL");
    const untried = routes
      .filter((route) => !asked.has(route))
      .map(({ method, path }) => `${method} ${path}`);
    expect(untried).toEqual([]);
  });
});

describe("a workspace", () => {
  test("[VIEW-9] is answered byte for byte the same, whether or not another one has fragments, keys and users of the same names", async () => {
    const before = await walk();
    const rich = await walk({ isRich: true });
    const after = await walk();
    for (const [at, step] of before.steps.entries()) expect(after.steps[at]).toEqual(step);
    expect(after.steps).toHaveLength(before.steps.length);
    expect(before.operations).toEqual(new Set(Object.keys(operations)));
    expect(rich.steps.length).toBeGreaterThan(before.steps.length);
  });
});

interface Walk {
  readonly steps: readonly unknown[];
  readonly operations: ReadonlySet<string>;
}

/** Goes through everything in a new workspace, and notes each answer without what is random in it. */
async function walk({ isRich = false } = {}): Promise<Walk> {
  const { keys } = await makeWorld();
  const steps: unknown[] = [];
  const done = new Set<string>();
  const ask = async (caller: keyof World["keys"], request: Asked, isTold = true) => {
    const answer = await send(keys[caller], request);
    const text = await answer.text();
    const { method, path } = request;
    steps.push({
      caller,
      method,
      path,
      status: answer.status,
      headers: headersOf(answer),
      body: isTold ? plain(text) : null,
    });
    return text;
  };
  const admin = (method: string, path: string, body?: unknown) => ask("admin", { method, path, body });

  for (const { id, content } of [EXAMPLES.included, EXAMPLES.fragment])
    await admin("POST", "/v1/fragments", { id, content, tags: ["t"], description: "words" });
  await admin("POST", "/v1/fragments", { id: `${ELSEWHERE}a`, content: "[[team/name]] [[only/there]]" });
  if (isRich) {
    for (const id of ["only/there", "team/more", `${ELSEWHERE}b`])
      await admin("POST", "/v1/fragments", {
        id,
        content: "words [[team/name]] [[team/greeting]]",
        tags: ["t", "u"],
      });
    await admin("DELETE", "/v1/fragments/team/more");
    await admin("PUT", "/v1/users/anna", { role: "viewer", name: "Anna" });
    await admin("PATCH", "/v1/fragments/only/there", { description: "changed" });
  }

  const callers = [
    "nobody",
    "viewer",
    "editor",
    "admin",
    "editor of other ids",
    "editor of these ids",
  ] as const;
  const reads = Object.keys(operations).filter((name) => description.operation(name).method === "GET");
  for (const caller of callers) {
    for (const name of [...reads, "expandText"]) {
      if (name === "streamEvents") continue;
      done.add(name);
      const { method } = description.operation(name);
      // The log tells of each request in the order in which it was written there, which varies.
      for (const { path, body } of exampleRequests(description.operation(name)))
        await ask(caller, { method, path, body }, name !== "readAuditLog");
    }
    for (const path of READS) await ask(caller, { method: "GET", path });
    for (const content of ["[[only/there]] [[team/greeting]]", "[[elsewhere/a]]"])
      for (const path of ["/v1/expand", "/api/prompts/expand"])
        await ask(caller, { method: "POST", path, body: { content } });
    done.add("streamEvents");
    steps.push([
      caller,
      await eventsOf(
        keys[caller],
        `${caller === "editor of these ids" ? "team/" : ELSEWHERE}end`,
        keys.admin,
      ),
    ]);
  }
  for (const caller of callers) {
    for (const path of ["/v1/ws/team/name", "/v1/ws/only/there", "/ws/prompts/only/there"])
      steps.push([caller, path, await firstOf(keys[caller], path)]);
    for (const name of Object.keys(operations)) {
      if (done.has(name) && name !== "expandText") continue;
      const { method } = description.operation(name);
      for (const { path, body } of exampleRequests(description.operation(name)))
        await ask(caller, { method, path, body }, name !== "startCatalogueRebuild");
    }
    for (const [method, path, body] of WRITES) await ask(caller, { method, path, body });
  }
  return { steps, operations: new Set([...done, ...Object.keys(operations)]) };
}

/** Further addresses, among them those of what only the rich workspace has. */
const READS = [
  "/v1/fragments?query=words",
  "/v1/fragments?query=changed",
  "/v1/fragments?sort=id&limit=1",
  "/v1/fragments?tag=u",
  "/v1/fragments?prefix=only",
  "/v1/fragments/only/there",
  "/v1/fragments/team/more",
  "/v1/folders?prefix=elsewhere",
  "/v1/dependents/only/there",
  "/v1/dependents/team/greeting",
  "/v1/expansions/elsewhere/a",
  "/v1/expansions/only/there",
  "/v1/users?limit=1",
  "/v1/nowhere",
  "/api/prompts/all",
  "/api/prompts/only/there",
  "/api/prompts/elsewhere/a/render",
  "/api/prompts/team/name/referenced_by",
  "/api/prompts/check_exists/only/there",
  "/api/prompts/search_suggestions?query=e",
];

const WRITES: [method: string, path: string, body?: unknown][] = [
  ["POST", "/v1/fragments", { id: "team/name" }],
  ["PATCH", "/v1/fragments/only/there", { content: "x" }],
  ["DELETE", "/v1/fragments/only/there"],
  ["POST", "/v1/renames", { from: "only/there", to: "team/name" }],
  ["POST", "/v1/renames", { from: "team/name", to: "elsewhere/name" }],
  ["PUT", "/v1/fragments/team/more", { content: "again" }],
  ["PUT", "/api/prompts/only/there", { content: "x" }],
  ["POST", "/api/prompts", { id: "team/old", content: "x" }],
  ["DELETE", "/api/prompts/team/old"],
  ["DELETE", "/v1/fragments/team/more"],
];

/** All events, up to the creation of one more fragment. */
async function eventsOf(key: string | undefined, id: string, admin: string | undefined): Promise<unknown> {
  const request = { method: "GET", path: "/v1/events", headers: { "Last-Event-ID": "0" } };
  const answer = await send(key, request);
  if (!answer.ok || answer.body === null)
    return [answer.status, headersOf(answer), plain(await answer.text())];
  const stream = new EventStream(answer.body);
  const last = `${id}-${++lastFolder}`;
  await bodyOf(await send(admin, { method: "POST", path: "/v1/fragments", body: { id: last } }));
  const told: string[] = [];
  for (;;) {
    const event = await stream.any();
    if (event.event === "created" && event.fragment.id === last) break;
    told.push(plain(JSON.stringify(event)));
  }
  await stream.close();
  return told;
}

async function firstOf(key: string | undefined, path: string): Promise<unknown> {
  note("GET", path);
  const socket = await openSocket(path, sentWith(key, {}));
  const client = new JsonClient(socket);
  socket.accept();
  const first = await Promise.race([client.next("initial"), client.closed()]);
  if (!client.inbox.isClosed) socket.close();
  return plain(JSON.stringify(first));
}

function headersOf(answer: Response): string[] {
  return Array.from(answer.headers, ([name, value]) => plain(`${name}: ${value}`)).sort();
}

/** Without what is random, or tells the time. */
function plain(text: string): string {
  return sorted(text)
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)/g, "TIME")
    .replaceAll(/pm[a-z]?_[\w-]+/g, "KEY")
    .replaceAll(/\bw\d+\b/g, "WORKSPACE")
    .replaceAll(/ey[\w-]+\.[\w-]+\.[\w-]+/g, "TOKEN")
    .replaceAll(/"next_cursor":"[^"]+"/g, '"next_cursor":"CURSOR"')
    .replaceAll(/\b(?:[a-z2-9]{12}|[a-z2-9]{24})\b/g, "ID")
    .replaceAll(/-end-\d+|end-\d+/g, "END");
}

/** A list in the order of ids, because two times may be the same. */
function sorted(text: string): string {
  if (!text.startsWith('{"fragments":')) return text;
  const page = JSON.parse(text) as { fragments: { id: string }[] };
  return JSON.stringify({ ...page, fragments: page.fragments.toSorted((a, b) => (a.id < b.id ? -1 : 1)) });
}
