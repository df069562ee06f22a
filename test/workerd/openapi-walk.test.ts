/** Every operation of `/openapi.json` against the worker: its examples, its errors, and whether it is all there is. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import type { Workspace } from "../../src/protocol/access.ts";
import { MAX_KEYS, MAX_OPEN_INVITATIONS } from "../../src/protocol/limits.ts";
import { directoryStub } from "../../src/worker/addresses.ts";
import { app } from "../../src/worker/app.ts";
import { operations } from "../../src/worker/description/operations.ts";
import { signedToken } from "../support/signed-token.ts";
import { TEST_SECRET } from "../support/test-secret.ts";
import { createFragment, freshId, openSocket, request } from "./connect.ts";
import {
  Description,
  describedErrors,
  exampleRequests,
  type JsonNode,
  openObjects,
  prepareExample,
  signInAnna,
} from "./described.ts";

const MIB = 1024 * 1024;
const TOO_LARGE_BODY = `{"content":"${" ".repeat(8 * MIB)}"}`;
const TOO_LARGE = "x".repeat(MIB + 1);
const PAGE = { Origin: "http://localhost:5173" };
const ids = Object.keys(operations);
const bodies = ids.filter((id) => "requestBody" in operations[id as keyof typeof operations]); // of its keys

let description: Description;

beforeAll(async () => {
  description = await Description.load();
});

describe("examples", () => {
  test.each(ids)("[API-1] %s does what is described, when it is called by its examples", async (id) => {
    const operation = description.operation(id);
    for (const example of exampleRequests(operation)) {
      const { name, path, body } = await prepareExample(example);
      const answer = await request(operation.method, path, body, PAGE);
      if (path.startsWith("/v1/"))
        expect(answer.headers.get("Access-Control-Allow-Origin"), name).toBe(PAGE.Origin);
      expect([name, Math.floor(answer.status / 100)]).toEqual([name, 2]);
      expect(await description.faults(operation, answer), name).toEqual([]);
    }
  });

  test.each(ids.flatMap((id) => headersOf(id)))(
    "[API-1] %s answers %s with the headers that are described",
    async (id, status) => {
      const operation = description.operation(id);
      const [first] = exampleRequests(operation);
      if (first === undefined) throw new Error("there is no example");
      const { path, body } = await prepareExample(first);
      const headers: Record<string, string> = {};
      if (status === "304") headers["If-None-Match"] = "*";
      if (id === "getExpansion") headers["Accept"] = "text/plain";
      if (id === "putFragment" && status === "201") await request("DELETE", path);
      const answer = await request(operation.method, path, body, headers);
      await answer.body?.cancel();
      expect(String(answer.status)).toBe(status);
      for (const name of Object.keys(operation.responses[status]?.headers ?? {}))
        expect(answer.headers.get(name), name).not.toBeNull();
    },
  );
});

describe("errors", () => {
  const fragment = (id: string) => `/v1/fragments/${id}`;
  const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => () =>
    request(method, path, body, headers);
  /** The same with a key that may only read. */
  const asViewer = (method: string, path: string, body?: unknown) => async () => {
    const made = await request("POST", "/v1/keys", { name: "reader", role: "viewer" });
    const { key } = await made.json<{ key: string }>();
    return request(method, path, body, { Authorization: `Bearer ${key}` });
  };
  const key = { "Idempotency-Key": "k" };
  const badKey = { "Idempotency-Key": "k".repeat(129) };
  const badId = "/v1/fragments/a%2F%2Fb";

  /** What PUT and PATCH have in common. */
  const writeErrors = (method: string) => ({
    invalid_header: send(method, fragment("a"), { content: "" }, badKey),
    invalid_body: send(method, fragment("a"), "{"),
    invalid_content: async () => request(method, fragment((await createFragment("")).id), { content: "\0" }),
    invalid_id: send(method, badId, { content: "" }),
    invalid_metadata: async () => {
      const { id } = await createFragment("", { tags: ["a"] });
      const tags = Array.from({ length: 64 }, (_, n) => `${n}`);
      await request("PATCH", fragment(id), { tags });
      return request(method, fragment(id), { content: "", tags: ["a", "mine"], base_version: 1 });
    },
    not_found: send(method, fragment(freshId()), { content: "", base_version: 1 }),
    stale_base: async () =>
      request(method, fragment((await createFragment("")).id), { content: "", base_version: 9 }),
    version_mismatch: async () =>
      request(method, fragment((await createFragment("")).id), { content: "" }, { "If-Match": '"9"' }),
    content_too_large: async () =>
      request(method, fragment((await createFragment("")).id), { content: TOO_LARGE }),
    body_too_large: send(method, fragment("a"), TOO_LARGE_BODY),
    idempotency_key_reused: async () => {
      const { id } = await createFragment("");
      await request(method, fragment(id), { content: "a" }, key);
      return request(method, fragment(id), { content: "b" }, key);
    },
  });

  /** How each error is reached that an operation names. */
  const CAUSES: Record<string, Record<string, () => Promise<Response>>> = {
    listFragments: { invalid_query: send("GET", "/v1/fragments?limit=0") },
    createFragment: {
      invalid_header: send("POST", "/v1/fragments", { id: "a" }, badKey),
      invalid_body: send("POST", "/v1/fragments", {}),
      invalid_content: send("POST", "/v1/fragments", { id: freshId(), content: "\0" }),
      invalid_id: send("POST", "/v1/fragments", { id: "a//b" }),
      already_exists: async () => request("POST", "/v1/fragments", { id: (await createFragment("")).id }),
      content_too_large: send("POST", "/v1/fragments", { id: freshId(), content: TOO_LARGE }),
      body_too_large: send("POST", "/v1/fragments", TOO_LARGE_BODY),
      idempotency_key_reused: async () => {
        const id = freshId();
        await request("POST", "/v1/fragments", { id, content: "a" }, key);
        return request("POST", "/v1/fragments", { id, content: "b" }, key);
      },
    },
    getFragment: { invalid_id: send("GET", badId), not_found: send("GET", fragment(freshId())) },
    putFragment: writeErrors("PUT"),
    patchFragment: {
      ...writeErrors("PATCH"),
      no_single_match: async () =>
        request("PATCH", fragment((await createFragment("aa")).id), { edits: [{ old: "a", new: "b" }] }),
    },
    deleteFragment: {
      invalid_header: send("DELETE", fragment("a"), undefined, { "If-Match": "1" }),
      invalid_id: send("DELETE", badId),
      not_found: send("DELETE", fragment(freshId())),
      version_mismatch: async () =>
        request("DELETE", fragment((await createFragment("")).id), undefined, { "If-Match": '"9"' }),
    },
    renameFragment: {
      invalid_header: send("POST", "/v1/renames", { from: "a", to: "b" }, badKey),
      idempotency_key_reused: async () => {
        const to = freshId();
        await request("POST", "/v1/renames", { from: (await createFragment("")).id, to }, key);
        return request("POST", "/v1/renames", { from: (await createFragment("")).id, to }, key);
      },
      invalid_body: send("POST", "/v1/renames", { from: "a" }),
      invalid_id: send("POST", "/v1/renames", { from: "a", to: "a//b" }),
      not_found: send("POST", "/v1/renames", { from: freshId(), to: freshId() }),
      already_exists: async () => {
        const { id } = await createFragment("");
        return request("POST", "/v1/renames", { from: id, to: id });
      },
      body_too_large: send("POST", "/v1/renames", TOO_LARGE_BODY),
    },
    listKeys: { invalid_query: send("GET", "/v1/keys?cursor=x"), forbidden: asViewer("GET", "/v1/keys") },
    makeKey: {
      invalid_body: send("POST", "/v1/keys", { name: "" }),
      body_too_large: send("POST", "/v1/keys", TOO_LARGE_BODY),
      forbidden: asViewer("POST", "/v1/keys", { name: "mine", role: "admin" }),
      limit_reached: () =>
        withTooMany("access_key", () => request("POST", "/v1/keys", { name: "one more", role: "viewer" })),
    },
    changeKey: {
      invalid_body: send("PATCH", "/v1/keys/a", { role: "owner" }),
      body_too_large: send("PATCH", "/v1/keys/a", TOO_LARGE_BODY),
      forbidden: asViewer("PATCH", "/v1/keys/a", {}),
      not_found: send("PATCH", "/v1/keys/a", {}),
    },
    listInvitations: { forbidden: asViewer("GET", "/v1/invitations") },
    makeInvitation: {
      invalid_body: send("POST", "/v1/invitations", { role: "editor" }),
      body_too_large: send("POST", "/v1/invitations", TOO_LARGE_BODY),
      forbidden: asViewer("POST", "/v1/invitations", { user: { name: "a" }, role: "viewer" }),
      limit_reached: () =>
        withTooMany("invitation", () =>
          request("POST", "/v1/invitations", { user: { name: "one more" }, role: "viewer" }),
        ),
    },
    withdrawInvitation: {
      forbidden: asViewer("DELETE", "/v1/invitations/a"),
      not_found: send("DELETE", "/v1/invitations/a"),
    },
    listSessions: { forbidden: asViewer("GET", "/v1/sessions?user=a") },
    endSessions: { forbidden: asViewer("DELETE", "/v1/sessions?user=a") },
    endSession: { not_found: send("DELETE", "/v1/sessions/a") },
    revokeKey: { forbidden: asViewer("DELETE", "/v1/keys/a"), not_found: send("DELETE", "/v1/keys/a") },
    makeToken: {
      invalid_body: send("POST", "/v1/tokens", { user: "anna" }),
      invalid_id: send("POST", "/v1/tokens", { user: { id: "anna" }, fragment: "a//b" }),
      body_too_large: send("POST", "/v1/tokens", TOO_LARGE_BODY),
      forbidden: asViewer("POST", "/v1/tokens", { user: { id: "anna" }, role: "editor" }),
    },
    endToken: {
      forbidden: async () => {
        const made = await request("POST", "/v1/tokens", { user: { id: "berta" } });
        const { token } = await made.json<{ token: string }>();
        const headers = { Authorization: `Bearer ${token}` };
        return request("DELETE", `/v1/tokens/${"a".repeat(24)}`, undefined, headers);
      },
      not_found: send("DELETE", "/v1/tokens/a"),
    },
    listUsers: { invalid_query: send("GET", "/v1/users?cursor=*"), forbidden: asViewer("GET", "/v1/users") },
    putUser: {
      invalid_id: send("PUT", "/v1/users/%00", { role: null }),
      invalid_body: send("PUT", "/v1/users/anna", {}),
      body_too_large: send("PUT", "/v1/users/anna", TOO_LARGE_BODY),
      forbidden: asViewer("PUT", "/v1/users/anna", { role: null }),
    },
    blockUser: {
      invalid_id: send("DELETE", "/v1/users/%00"),
      forbidden: asViewer("DELETE", "/v1/users/anna"),
    },
    readAuditLog: { invalid_query: send("GET", "/v1/audit?action=none") },
    listFolders: { invalid_query: send("GET", "/v1/folders?prefix=a//b") },
    listDependents: { invalid_id: send("GET", "/v1/dependents/a%2F%2Fb") },
    startCatalogueRebuild: {
      invalid_body: send("POST", "/v1/catalogue/rebuild", { ids: "a" }),
      invalid_id: send("POST", "/v1/catalogue/rebuild", { ids: ["a//b"] }),
      body_too_large: send("POST", "/v1/catalogue/rebuild", TOO_LARGE_BODY),
    },
    streamEvents: { invalid_query: send("GET", "/v1/events?last_event_id=x") },
    expandText: {
      invalid_body: send("POST", "/v1/expand", {}),
      invalid_content: send("POST", "/v1/expand", { content: "\0" }),
      invalid_id: send("POST", "/v1/expand", { content: "", id: "a//b" }),
      content_too_large: send("POST", "/v1/expand", { content: TOO_LARGE }),
      body_too_large: send("POST", "/v1/expand", TOO_LARGE_BODY),
      unresolved_inclusions: send("POST", "/v1/expand", { content: "[[a b!]]", unresolved: "error" }),
    },
    getExpansion: {
      invalid_id: send("GET", "/v1/expansions/a%2F%2Fb"),
      not_found: send("GET", `/v1/expansions/${freshId()}`),
      content_too_large: async () => {
        const content = "x".repeat(MIB);
        const parts: string[] = [];
        for (let n = 0; n < 33; n++) parts.push((await createFragment(content)).id);
        const { id } = await createFragment(parts.map((part) => `[[${part}]]`).join(""));
        return request("GET", `/v1/expansions/${id}`);
      },
      unresolved_inclusions: async () => {
        const { id } = await createFragment("[[a b!]]");
        return request("GET", `/v1/expansions/${id}?unresolved=error`);
      },
    },
  };

  /** Every operation refuses pages of other origins, then a bad credential, then a parameter that it does not have. */
  for (const id of ids.filter((one) => one !== "getHealth")) {
    CAUSES[id] = {
      ...CAUSES[id],
      unauthorised: async () => {
        const { method, path } = description.operation(id);
        return request(method, path, undefined, { Authorization: "Bearer wrong" });
      },
      expired: async () => {
        const { method, path } = description.operation(id);
        await directoryStub(env).add("default" as Workspace); // follows the rule of workspaces
        const token = await signedToken(TEST_SECRET, { lifeMs: -60_000 });
        return request(method, path, undefined, { Authorization: `Bearer ${token}` });
      },
      page_of_another_origin: async () => {
        const { method, path } = description.operation(id);
        return request(method, path, undefined, { Origin: "https://other.example" });
      },
      unknown_parameter: async () => {
        const operation = description.operation(id);
        const [example] = exampleRequests(operation);
        if (example === undefined) throw new Error("there is no example");
        return request(operation.method, `${example.path}?limits=1`, example.body);
      },
    };
  }

  /** Every operation with a body refuses one that a page has not sent as JSON, with the cookie of a browser session. */
  for (const id of bodies) {
    CAUSES[id] = {
      ...CAUSES[id],
      unsupported_media_type: async () => {
        const { method, path } = description.operation(id);
        const headers = {
          Cookie: await signInAnna(),
          Origin: "http://localhost",
          "Content-Type": "text/plain",
        };
        return request(method, path, "{}", headers);
      },
    };
  }

  /** The codes of causes that are not called by theirs. */
  const CODES: Record<string, string> = {
    unknown_parameter: "invalid_query",
    page_of_another_origin: "forbidden",
  };
  const causes = Object.entries(CAUSES).flatMap(([id, byCode]) =>
    Object.entries(byCode).map(([name, cause]) => {
      const code = CODES[name] ?? name;
      return { id, name, code, cause };
    }),
  );

  test.each(causes)(
    "[API-2] $id answers $code as described, when that is what is wrong: $name",
    async ({ id, code, cause }) => {
      const operation = description.operation(id);
      const answer = await cause();
      const copy = answer.clone();
      expect(await description.faults(operation, answer)).toEqual([]);
      expect((await copy.json<{ code: string }>()).code).toBe(code);
      expect(describedErrors(operation)).toContainEqual([answer.status, code]);
    },
  );

  test("[API-2] each error that is described is reached here, but for outages and limits", () => {
    // caller-limits.test.ts reaches the limits.
    const isOutage = (code: string) =>
      ["internal_error", "unavailable", "not_configured", "rate_limited"].includes(code);
    const described = description.operations.flatMap((operation) =>
      describedErrors(operation).map(([, code]) => `${operation.id} ${code}`),
    );
    const expected = described.filter((name) => !isOutage(name.split(" ")[1] ?? ""));
    expect([...new Set(causes.map(({ id, code }) => `${id} ${code}`))].sort()).toEqual(expected.sort());
  });
});

describe("misspelt requests", () => {
  test.each(ids.filter((id) => id !== "getHealth"))(
    "[REST-27] %s refuses a parameter that it does not have, and does nothing",
    async (id) => {
      const operation = description.operation(id);
      for (const example of exampleRequests(operation)) {
        const { path, body } = await prepareExample(example);
        const before = await idsIn(path, body);
        for (const query of ["unknown=1", "unknown=", "unknown"]) {
          const answer = await request(operation.method, `${path}?${query}`, body);
          const { code, detail } = await answer.json<{ code: string; detail: string }>();
          expect([answer.status, code]).toEqual([400, "invalid_query"]);
          expect(detail).toMatch(/^unknown: is not known; /);
        }
        expect(await idsIn(path, body)).toEqual(before);
      }
    },
  );

  test.each([
    ["/v1/fragments?q=word", "q: is not known; did you mean `query`?"],
    ["/v1/fragments?limit=2&tags=a", "tags: is not known; did you mean `tag`?"],
    ["/v1/folders?perfix=a", "perfix: is not known; did you mean `prefix`?"],
    ["/v1/events?last-event-id=0", "last-event-id: is not known; did you mean `last_event_id`?"],
    ["/v1/tags?sort=id", "sort: is not known; nothing is known here."],
  ])("[REST-27] GET %s names the nearest known parameter", async (path, detail) => {
    expect(await (await request("GET", path)).json()).toMatchObject({ code: "invalid_query", detail });
  });

  test("[REST-27] a socket's address and the old paths take parameters that nobody knows", async () => {
    const { id } = await createFragment("here");
    for (const path of [`/v1/ws/${id}`, `/v1/sync/${id}`, `/ws/prompts/${id}`, "/v1/events"]) {
      const socket = await openSocket(`${path}?yauth=1&unknown`);
      socket.accept();
      socket.close();
    }
    for (const path of [`/api/prompts/${id}?unknown=1`, "/healthz?unknown=1"])
      expect((await request("GET", path)).status).toBe(200);
  });

  test.each(bodies)(
    "[REST-27] %s refuses a body with an unknown field, at whichever depth, and does nothing",
    async (id) => {
      const operation = description.operation(id);
      let refused = 0;
      for (const example of exampleRequests(operation)) {
        const { path, body } = await prepareExample(example);
        const before = await idsIn(path, body);
        for (const [field, misspelt] of misspellings(body)) {
          const answer = await request(operation.method, path, misspelt);
          const { code, detail } = await answer.json<{ code: string; detail: string }>();
          expect([answer.status, code], detail).toEqual([400, "invalid_body"]);
          expect(detail).toContain(`${field}: is not known; `);
          refused++;
        }
        expect(await idsIn(path, body)).toEqual(before);
      }
      expect(refused).toBeGreaterThan(0);
    },
  );

  test.each(bodies)("[API-8] the body of %s is described as one that has no other fields", (id) => {
    const { requestBody } = description.operation(id);
    const schema = requestBody?.content["application/json"]?.schema as JsonNode; // ours have one
    expect(openObjects(schema, description.schemas)).toEqual([]);
    expect(openObjects({ properties: {} }, {})).toEqual(["here"]);
  });

  test("[API-8] the frames of clients are described as ones that have no other fields", async () => {
    const { components } = await (await request("GET", "/asyncapi.json")).json<{
      components: { schemas: Record<string, JsonNode> };
    }>();
    const frames = Object.entries(components.schemas).filter(([name]) => name.startsWith("Client"));
    expect(frames.length).toBeGreaterThan(5);
    for (const [name, schema] of frames) expect([name, openObjects(schema, {})]).toEqual([name, []]);
  });
});

describe("the whole", () => {
  test("[API-3] each route under /v1 is described, as an operation or as a socket, and nothing else is", async () => {
    const sockets = await (await request("GET", "/asyncapi.json")).json<{ channels: object }>();
    const channels = Object.values(sockets.channels as Record<string, { address: string }>);
    const described = new Set([
      ...description.operations.map(({ method, path }) => `${method} ${path}`),
      ...channels.map(({ address }) => `GET ${address}`),
    ]);
    const routes = new Set(
      app.routes
        .filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1"))
        .map(({ method, path }) => `${method} ${path.replace(/\/(?:\*|:id\{.*\})$/, "/{id}")}`),
    );
    expect(routes.size).toBeGreaterThan(10);
    expect([...described].filter((one) => one.includes(" /v1")).sort()).toEqual([...routes].sort());
  });

  test("[API-3] every operation says what it is, and nothing is told twice", () => {
    expect(description.operations.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });
});

/** Makes one of these, under an id of its own. */
const FILL = {
  access_key: `INSERT INTO access_key (id, hash, name, role, created_at_ms, created_by)
    VALUES (?1, ?1, 'a program', 'viewer', 0, 'nobody')`,
  invitation: `INSERT INTO invitation
      (id, hash, user_id, user_name, role, created_at_ms, created_by, maker_grants, expires_at_ms, state)
    VALUES (?1, ?1, 'a', 'A', 'viewer', 0, 'nobody', '[]', 4000000000000, 'open')`,
};

/** Asks while the workspace has as many keys or invitations as it can have. */
async function withTooMany(table: keyof typeof FILL, ask: () => Promise<Response>): Promise<Response> {
  const object = env.ACCESS.getByName("default");
  await runInDurableObject(object, (_, { storage }) => {
    for (let n = 0; n < Math.max(MAX_KEYS, MAX_OPEN_INVITATIONS); n++) storage.sql.exec(FILL[table], `n${n}`);
  });
  const answer = await ask();
  await runInDurableObject(object, (_, { storage }) => {
    storage.sql.exec(`DELETE FROM ${table} WHERE created_by = 'nobody'`);
  });
  return answer;
}

/** The fragments that an example speaks of, as they are: what a request that is refused must leave as it was. */
async function idsIn(path: string, body: unknown): Promise<unknown> {
  const [folder] = /test(?:\/|%2F)\d+(?:\/|%2F)/.exec(path + JSON.stringify(body ?? "")) ?? [];
  if (folder === undefined) return null;
  const prefix = encodeURIComponent(decodeURIComponent(folder));
  const { fragments } = await (await request("GET", `/v1/fragments?sort=id&prefix=${prefix}`)).json<{
    fragments: { id: string; version: number }[];
  }>();
  return fragments.map(({ id, version }) => `${id} ${version}`);
}

/** The body with one unknown field more, in each object that it holds; with the path of that field. */
function* misspellings(body: unknown): Generator<[field: string, body: unknown]> {
  if (Array.isArray(body)) {
    for (const [index, item] of body.entries()) {
      for (const [field, changed] of misspellings(item))
        yield [`${index}.${field}`, body.with(index, changed)];
    }
  } else if (typeof body === "object" && body !== null) {
    yield ["unknown", { ...body, unknown: null }];
    for (const [name, value] of Object.entries(body)) {
      for (const [field, changed] of misspellings(value))
        yield [`${name}.${field}`, { ...body, [name]: changed }];
    }
  }
}

/** The answers of an operation that have headers, but for those of outages. */
function headersOf(id: string): [id: string, status: string][] {
  const { responses } = operations[id as keyof typeof operations]; // of its keys
  return Object.entries(responses)
    .filter(([status, { headers }]) => Number(status) < 400 && Object.keys(headers ?? {}).length > 0)
    .map(([status]) => [id, status]);
}
