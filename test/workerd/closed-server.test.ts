/** Who gets in: by the settings of the deployment, and by what a request carries. */
import { describe, expect, test } from "vitest";
import {
  call,
  closeOf,
  codeOf,
  freshWorkspace,
  joinJson,
  joinYjs,
  operatorKey,
  userToken,
} from "./closed-server.ts";
import { createFragment, freshId } from "./connect.ts";

/** One of each kind of address. */
const PATHS = [
  "/",
  "/v1/fragments/a",
  "/v1/tags",
  "/v1/keys",
  "/openapi.json",
  "/docs",
  "/api/prompts/a",
  "/nowhere",
];
const SOCKETS = [
  "/v1/ws/a",
  "/v1/sync/a",
  "/v1/events",
  "/api/prompts/ws/a",
  "/ws/prompts/a",
  "/api/ws/test",
];

describe("a deployment that is not set up", () => {
  const NO_SECRET = { AUTH_SECRET: "" };

  test.each(PATHS)("[ACCESS-2] %s is 503 and names the command, when there is no secret", async (path) => {
    const answer = await call("GET", path, { settings: NO_SECRET });
    expect(answer.status).toBe(503);
    const { code, detail } = await answer.json<{ code: string; detail: string }>();
    expect(code).toBe("not_configured");
    expect(detail).toContain(
      "openssl rand -base64 32 | tee auth-secret | npx wrangler secret put AUTH_SECRET",
    );
  });

  test.each(SOCKETS)("[ACCESS-2] a socket of %s is 503, when there is no secret", async (path) => {
    const answer = await call("GET", path, { settings: NO_SECRET, headers: { Upgrade: "websocket" } });
    expect(answer.status).toBe(503);
    expect(answer.webSocket).toBeNull();
  });

  test("[ACCESS-2] /healthz answers, when there is no secret", async () => {
    expect((await call("GET", "/healthz", { settings: NO_SECRET })).status).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ["a short secret", { AUTH_SECRET: "change-me" }],
    ["a secret that repeats itself", { AUTH_SECRET: "a".repeat(64) }],
    ["a short old secret", { AUTH_SECRET_OLD: "change-me" }],
    [
      "an old secret only",
      { AUTH_SECRET: "", AUTH_SECRET_OLD: "b2xkLXNlY3JldC1hYmNkZWZnaGlqa2xtbm9wcXJzdHU=" },
    ],
    ["a short secret in an open server", { OPEN_ACCESS: "loopback", AUTH_SECRET: "change-me" }],
    ["an openness that is not known", { OPEN_ACCESS: "true" }],
    ["an anonymous admin", { ANONYMOUS_ROLE: "admin" }],
    ["an anonymous role that is not known", { ANONYMOUS_ROLE: "reader" }],
    ["an anonymous workspace that cannot be", { ANONYMOUS_WORKSPACE: "a/b" }],
    ["a role that every object has", { ANONYMOUS_ROLE: "constructor" }],
    ["an openness that every object has", { OPEN_ACCESS: "toString" }],
  ])("[ACCESS-2] everything is 503, when there is %s", async (_, settings) => {
    const answer = await call("GET", "/v1/tags", { settings });
    expect([answer.status, await codeOf(answer)]).toEqual([503, "not_configured"]);
  });
});

describe("a caller without a credential", () => {
  test.each(["/v1/tags", "/v1/fragments/a", "/v1/keys", "/api/prompts/a", "/nowhere"])(
    "[ACCESS-3] a request of %s is 401 and says how to come in, when it has no credential",
    async (path) => {
      const answer = await call("GET", path);
      expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect([answer.status, await codeOf(answer)]).toEqual([401, "unauthorised"]);
    },
  );

  test.each(SOCKETS)(
    "[ACCESS-3] a socket of %s is closed with 4401, when it has no credential",
    async (path) => {
      const stock = { "Sec-WebSocket-Protocol": "prompt-manager.v1" };
      expect(await closeOf(path, { headers: stock })).toBe(4401);
    },
  );

  test("[ACCESS-3] what describes the server is for everybody", async () => {
    for (const path of ["/healthz", "/", "/openapi.json", "/asyncapi.json", "/docs"])
      expect((await call("GET", path)).status, path).toBe(200);
  });

  test("[ACCESS-3] a page may read the refusal, and may ask whether it may call", async () => {
    const Origin = "http://localhost";
    const answer = await call("GET", "/v1/tags", { headers: { Origin } });
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(Origin);
    const asking = {
      Origin,
      "Access-Control-Request-Method": "PUT",
      "Access-Control-Request-Headers": "authorization",
    };
    const preflight = await call("OPTIONS", "/v1/fragments/a", { headers: asking });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toBe("authorization");
  });

  test.each([
    ["viewer", 200, 403],
    ["editor", 200, 200],
  ])(
    "[ACCESS-3] a caller without a credential may do what a role may, when ANONYMOUS_ROLE is %s",
    async (role, read, write) => {
      const { id } = await createFragment("text");
      const settings = { ANONYMOUS_ROLE: role };
      const path = `/v1/fragments/${id}`;
      expect((await call("GET", path, { settings })).status).toBe(read);
      expect((await call("PUT", path, { settings, body: { content: "new" } })).status).toBe(write);
      expect((await call("GET", "/v1/keys", { settings })).status).toBe(403);
      expect((await call("POST", "/v1/tokens", { settings, body: { user: { id: "anna" } } })).status).toBe(
        403,
      );
    },
  );

  test("[ACCESS-3] a caller without a credential is in the workspace that ANONYMOUS_WORKSPACE names", async () => {
    const workspace = freshWorkspace();
    const { key } = await operatorKey(workspace);
    const path = `/v1/fragments/${freshId()}`;
    await call("PUT", path, { credential: key, body: { content: "public" } });
    const settings = { ANONYMOUS_ROLE: "viewer", ANONYMOUS_WORKSPACE: workspace };
    expect((await call("GET", path, { settings })).status).toBe(200);
    expect((await call("GET", path, { settings: { ANONYMOUS_ROLE: "viewer" } })).status).toBe(404);
  });
});

describe("a credential", () => {
  test("[ACCESS-4] a key or token works in the header, in the address, and as a subprotocol, over REST and both sockets", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const { token } = await userToken(key);
    const id = freshId();
    await call("PUT", `/v1/fragments/${id}`, { credential: key, body: { content: "text" } });
    for (const credential of [key, token]) {
      expect((await call("GET", `/v1/fragments/${id}`, { credential })).status).toBe(200);
      expect((await call("GET", `/v1/fragments/${id}?token=${credential}`)).status).toBe(200);
      expect((await call("GET", `/api/prompts/${id}?token=${credential}`)).status).toBe(200);
      const asSubprotocol = { headers: { "Sec-WebSocket-Protocol": `prompt-manager.v1, ${credential}` } };
      for (const sent of [{ credential }, asSubprotocol, { query: `?token=${credential}` }]) {
        expect((await joinYjs(id, sent)).text).toBe("text");
        (await joinJson(id, sent)).send({ action: "ping" });
      }
    }
  });

  test.each([
    ["prompt-manager.v1", "prompt-manager.v1"],
    ["json", "json"],
  ])("[ACCESS-4] the answer to a socket agrees to %s, and repeats no token", async (offered, agreed) => {
    const { key } = await operatorKey(freshWorkspace());
    const { token } = await userToken(key);
    for (const credential of [token, `${token}x`]) {
      const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": `${offered}, ${credential}` };
      const answer = await call("GET", "/v1/ws/a", { headers });
      expect(answer.headers.get("Sec-WebSocket-Protocol")).toBe(agreed);
      expect(JSON.stringify([...answer.headers])).not.toContain(token);
      answer.webSocket?.accept();
      answer.webSocket?.close();
    }
  });

  test.each(["/v1/tags", "/v1/fragments", "/v1/keys", "/v1/fragments/missing"])(
    "[ACCESS-19] no shared cache keeps what %s answers to a credential, and other answers are as before",
    async (path) => {
      const { key } = await operatorKey(freshWorkspace());
      const answer = await call("GET", `${path}?token=${key}`);
      expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
      const open = await call("GET", path, { settings: { OPEN_ACCESS: "loopback" } });
      expect(open.headers.get("Cache-Control")).toBeNull();
    },
  );

  test("[ACCESS-5] a wrong credential is refused in an open server, too", async () => {
    const settings = { OPEN_ACCESS: "loopback" };
    expect((await call("GET", "/v1/tags", { settings })).status).toBe(200);
    expect((await call("GET", "/v1/tags", { settings, credential: "wrong" })).status).toBe(401);
    expect(await closeOf("/v1/ws/a?token=wrong", { settings })).toBe(4401);
  });
});
