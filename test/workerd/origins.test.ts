/** Which pages may call from a browser. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app } from "../../src/worker/app.ts";
import { createFragment, freshId, readFragment } from "./connect.ts";

const FRIEND = "https://friend.example";
const STRANGER = "https://stranger.example";

/** Asks a server that is told whose pages may call. */
async function call(
  method: string,
  path: string,
  {
    allowed = ` ${FRIEND}/, https://Other.example`,
    ...headers
  }: { allowed?: string; [name: string]: string },
  body?: string,
): Promise<Response> {
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  const url = new URL(path, "http://localhost");
  // The type of the variable is what wrangler.toml says.
  const settings = { ...env, ALLOWED_ORIGINS: allowed } as unknown as Env;
  return app.fetch(new Request(url, init), settings, createExecutionContext());
}

async function closeOf(response: Response): Promise<number> {
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no socket, but ${response.status}`);
  const closed = new Promise<CloseEvent>((settle) => socket.addEventListener("close", settle));
  socket.accept();
  return (await closed).code;
}

describe("pages that may call are named", () => {
  test.each([STRANGER, "null", "http://friend.example", `${FRIEND}:8443`, "https://localhost"])(
    "[ORIGIN-2] a request is 403 and changes nothing, when its origin is %s",
    async (Origin) => {
      const { id } = await createFragment("kept");
      const body = JSON.stringify({ from: id, to: freshId() });
      const answer = await call("POST", "/v1/renames", { Origin, "Content-Type": "text/plain" }, body);
      expect(answer.status).toBe(403);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
      expect(await answer.json()).toMatchObject({ code: "forbidden" });
      expect((await readFragment(id)).version).toBe(1);
      const asking = { Origin, "Access-Control-Request-Method": "PUT" };
      expect((await call("OPTIONS", `/v1/fragments/${id}`, asking)).status).toBe(403);
    },
  );

  test.each(["/v1/ws/", "/v1/sync/", "/api/prompts/ws/", "/ws/prompts/"])(
    "[ORIGIN-2] a socket of %s is closed with 4403, when its origin is not named",
    async (prefix) => {
      const { id } = await createFragment("kept");
      const headers = { Origin: STRANGER, Upgrade: "websocket" };
      expect(await closeOf(await call("GET", `${prefix}${id}`, headers))).toBe(4403);
    },
  );

  test("[ORIGIN-2] the events and the echo are closed with 4403, when their origin is not named", async () => {
    for (const path of ["/v1/events", "/api/ws/test"])
      expect(await closeOf(await call("GET", path, { Origin: STRANGER, Upgrade: "websocket" }))).toBe(4403);
  });

  test.each<[string, Record<string, string>]>([
    ["a page that is named", { Origin: FRIEND }],
    ["another one", { Origin: "https://other.example" }],
    ["a page of the server", { Origin: "http://localhost" }],
    ["a program", {}],
  ])("[ORIGIN-2] requests and sockets are taken, when they come from %s", async (_, headers) => {
    const { id } = await createFragment("text");
    expect((await call("PUT", `/v1/fragments/${id}`, headers, '{"content": "new"}')).status).toBe(200);
    const upgrade = await call("GET", `/v1/ws/${id}`, { ...headers, Upgrade: "websocket" });
    expect(upgrade.status).toBe(101);
    upgrade.webSocket?.accept();
    upgrade.webSocket?.close();
  });

  test("[ORIGIN-3] an answer names the origin that may read it, and varies with it", async () => {
    const { id } = await createFragment("text");
    for (const path of [
      `/v1/fragments/${id}`,
      "/v1/events",
      "/v1/nothing",
      `/v1/ws/${id}`,
      "/openapi.json",
    ]) {
      const answer = await call("GET", path, { Origin: FRIEND });
      await answer.body?.cancel();
      expect(answer.headers.get("Access-Control-Allow-Origin"), path).toBe(FRIEND);
      expect(answer.headers.get("Vary"), path).toContain("Origin");
    }
    const asking = { Origin: FRIEND, "Access-Control-Request-Method": "PATCH" };
    const preflight = await call("OPTIONS", `/v1/fragments/${id}`, asking);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe(FRIEND);
    expect(preflight.headers.get("Access-Control-Allow-Methods")).toBe("GET,HEAD,POST,PUT,PATCH,DELETE");
  });
});

describe("all pages may call", () => {
  test("[ORIGIN-1] requests and sockets are taken and all may read the answers, when none is named", async () => {
    const { id } = await createFragment("text");
    for (const path of [
      `/v1/fragments/${id}`,
      `/v1/ws/${id}`,
      `/v1/sync/${id}`,
      "/v1/events",
      "/v1/nothing",
    ]) {
      const answer = await call("GET", path, { allowed: " , ", Origin: STRANGER });
      await answer.body?.cancel();
      expect(answer.headers.get("Access-Control-Allow-Origin"), path).toBe("*");
    }
    const upgrade = await call("GET", `/v1/ws/${id}`, {
      allowed: "",
      Origin: STRANGER,
      Upgrade: "websocket",
    });
    expect(upgrade.status).toBe(101);
    upgrade.webSocket?.accept();
    upgrade.webSocket?.close();
  });
});

describe("a proxy speaks TLS", () => {
  test("[ORIGIN-4] the descriptions show its scheme, and no other, when the proxy names it", async () => {
    for (const [scheme, seen] of [
      ["https", "https://localhost"],
      ["https, http", "https://localhost"],
      ["http", "http://localhost"],
      ["javascript", "http://localhost"],
    ] as const) {
      const headers = { "X-Forwarded-Proto": scheme };
      expect(await (await call("GET", "/docs", headers)).text()).toContain(`curl ${seen}/`);
      const { servers } = await (await call("GET", "/asyncapi.json", headers)).json<{ servers: object }>();
      const protocol = seen.startsWith("https") ? "wss" : "ws";
      expect(JSON.stringify(servers)).toContain(`"protocol":"${protocol}"`);
    }
  });

  test("[ORIGIN-4] the server's own pages may call under the scheme that the proxy names", async () => {
    const own = { Origin: "https://localhost", "X-Forwarded-Proto": "https" };
    expect((await call("GET", "/v1/tags", own)).status).toBe(200);
    expect((await call("GET", "/v1/tags", { ...own, Origin: "http://localhost" })).status).toBe(403);
  });
});
