/** Which pages may call from a browser. */
import { describe, expect, test } from "vitest";
import { createFragment, freshId, readFragment } from "./connect.ts";
import { callWith, closeOf, type Settings } from "./settings.ts";

const FRIEND = "https://friend.example";
const STRANGER = "https://stranger.example";
const NAMED: Settings = {
  OPEN_ACCESS: "anyone",
  ALLOWED_ORIGINS: ` ${FRIEND}/, https://Other.example`,
};

/** In each mode, pages that are not named get nowhere. */
const MODES: readonly (readonly [string, Settings])[] = [
  ["is open to this machine", { OPEN_ACCESS: "loopback" }],
  ["is open to anyone", { OPEN_ACCESS: "anyone" }],
  ["names some pages", NAMED],
  ["is closed", { OPEN_ACCESS: "" }],
  ["is closed, but for anonymous editors", { OPEN_ACCESS: "", ANONYMOUS_ROLE: "editor" }],
];
const STRANGERS = [
  STRANGER,
  "null",
  "http://friend.example",
  `${FRIEND}:8443`,
  "https://localhost.evil.example",
];

describe.each(MODES)("a server that %s", (_, settings) => {
  test.each(STRANGERS)(
    "[ORIGIN-2] a request is 403 and changes nothing, when its origin is %s",
    async (Origin) => {
      const { id } = await createFragment("kept");
      const body = JSON.stringify({ from: id, to: freshId() });
      const answer = await callWith(
        settings,
        "POST",
        "/v1/renames",
        { Origin, "Content-Type": "text/plain" },
        body,
      );
      expect(answer.status).toBe(403);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
      expect(await answer.json()).toMatchObject({ code: "forbidden" });
      expect((await readFragment(id)).version).toBe(1);
      const asking = { Origin, "Access-Control-Request-Method": "PUT" };
      expect((await callWith(settings, "OPTIONS", `/v1/fragments/${id}`, asking)).status).toBe(403);
    },
  );

  test.each(["/v1/ws/", "/v1/sync/", "/api/prompts/ws/", "/ws/prompts/", "/v1/events?", "/api/ws/test?"])(
    "[ORIGIN-2] a socket of %s is closed with 4403, when its origin is not named",
    async (prefix) => {
      const { id } = await createFragment("kept");
      const headers = { Origin: STRANGER, Upgrade: "websocket" };
      expect(await closeOf(await callWith(settings, "GET", `${prefix}${id}`, headers))).toBe(4403);
    },
  );

  test.each([
    ["a picture", { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" }],
    ["a script", { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script" }],
    ["a frame", { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe" }],
    ["something for later", { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty" }],
  ])("[ORIGIN-5] a page of another origin gets 403, when it loads %s", async (_what, headers) => {
    for (const path of [`/v1/fragments/${(await createFragment("text")).id}`, "/docs", "/v1/events"]) {
      const answer = await callWith(settings, "GET", path, { "Sec-Fetch-Site": "cross-site", ...headers });
      await answer.body?.cancel();
      expect(answer.status, path).toBe(403);
    }
  });

  test("[ORIGIN-5] a link is answered, and nothing but a link, when a person follows it from another page", async () => {
    const link = {
      "Sec-Fetch-Site": "cross-site",
      "Sec-Fetch-Mode": "navigate",
      "Sec-Fetch-Dest": "document",
    };
    expect((await callWith(settings, "GET", "/healthz", link)).status).toBe(200);
    expect((await callWith(settings, "DELETE", `/v1/fragments/${freshId()}`, link)).status).toBe(403);
  });
});

describe("the pages that may call", () => {
  test.each<[string, Settings, Record<string, string>]>([
    ["a page that is named", NAMED, { Origin: FRIEND }],
    ["another one", NAMED, { Origin: "https://other.example" }],
    ["a page of the server", NAMED, { Origin: "http://localhost" }],
    ["a program", NAMED, {}],
    ["a page of this machine", { OPEN_ACCESS: "loopback" }, { Origin: "http://localhost:5173" }],
    ["a page of its IPv4 address", { OPEN_ACCESS: "loopback" }, { Origin: "http://127.0.0.1:3000" }],
    ["a page of its IPv6 address", { OPEN_ACCESS: "loopback" }, { Origin: "https://[::1]:3000" }],
    [
      "a page that is named beside those of this machine",
      { OPEN_ACCESS: "loopback", ALLOWED_ORIGINS: FRIEND },
      { Origin: FRIEND },
    ],
    ["another port of this machine", { OPEN_ACCESS: "loopback" }, { "Sec-Fetch-Site": "same-site" }],
  ])("[ORIGIN-1] requests and sockets are taken, when they come from %s", async (_, settings, headers) => {
    const { id } = await createFragment("text");
    const answer = await callWith(settings, "PUT", `/v1/fragments/${id}`, headers, '{"content": "new"}');
    expect(answer.status).toBe(200);
    const upgrade = await callWith(settings, "GET", `/v1/ws/${id}`, { ...headers, Upgrade: "websocket" });
    expect(upgrade.status).toBe(101);
    upgrade.webSocket?.accept();
    upgrade.webSocket?.close();
  });

  test.each(["http://localhost:5173", "http://127.0.0.1:3000"])(
    "[ORIGIN-2] a page of the machine's origin %s is refused, when the server is open to others too",
    async (Origin) => {
      for (const settings of [NAMED, { OPEN_ACCESS: "anyone" }, { OPEN_ACCESS: "" }] satisfies Settings[])
        expect((await callWith(settings, "GET", "/healthz", { Origin })).status).toBe(403);
    },
  );

  test("[ORIGIN-5] another port of the same host is refused what it loads, when the server is not for this machine only", async () => {
    const headers = { "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" };
    expect((await callWith({ OPEN_ACCESS: "anyone" }, "GET", "/v1/tags", headers)).status).toBe(403);
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
      const answer = await callWith(NAMED, "GET", path, { Origin: FRIEND });
      await answer.body?.cancel();
      expect(answer.headers.get("Access-Control-Allow-Origin"), path).toBe(FRIEND);
      expect(answer.headers.get("Access-Control-Allow-Credentials"), path).toBeNull();
      expect(answer.headers.get("Vary"), path).toContain("Origin");
    }
    const asking = {
      Origin: FRIEND,
      "Access-Control-Request-Method": "PATCH",
      "Access-Control-Request-Headers": "authorization",
    };
    const preflight = await callWith(NAMED, "OPTIONS", `/v1/fragments/${id}`, asking);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe(FRIEND);
    expect(preflight.headers.get("Access-Control-Allow-Methods")).toBe("GET,HEAD,POST,PUT,PATCH,DELETE");
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toBe("authorization");
  });
});

describe("a proxy speaks TLS", () => {
  const SETTINGS: Settings = { OPEN_ACCESS: "anyone" };

  test("[ORIGIN-4] the descriptions show its scheme, and no other, when the proxy names it", async () => {
    for (const [scheme, seen] of [
      ["https", "https://localhost"],
      ["https, http", "https://localhost"],
      ["http", "http://localhost"],
      ["javascript", "http://localhost"],
    ] as const) {
      const headers = { "X-Forwarded-Proto": scheme };
      expect(await (await callWith(SETTINGS, "GET", "/docs", headers)).text()).toContain(`curl ${seen}/`);
      const { servers } = await (await callWith(SETTINGS, "GET", "/asyncapi.json", headers)).json<{
        servers: object;
      }>();
      const protocol = seen.startsWith("https") ? "wss" : "ws";
      expect(JSON.stringify(servers)).toContain(`"protocol":"${protocol}"`);
    }
  });

  test("[ORIGIN-4] the server's own pages may call under the scheme that the proxy names", async () => {
    const own = { Origin: "https://localhost", "X-Forwarded-Proto": "https" };
    expect((await callWith(SETTINGS, "GET", "/v1/tags", own)).status).toBe(200);
    expect((await callWith(SETTINGS, "GET", "/v1/tags", { ...own, Origin: "http://localhost" })).status).toBe(
      403,
    );
  });

  test("[ORIGIN-4] a page of another scheme is refused, when it writes the header of a proxy itself", async () => {
    const forged = {
      Origin: "https://localhost",
      "X-Forwarded-Proto": "https",
      "Sec-Fetch-Site": "cross-site",
    };
    expect((await callWith(SETTINGS, "GET", "/v1/tags", forged)).status).toBe(403);
  });

  test("[ORIGIN-4] the server's own pages may call, when the proxy names no scheme and the browser says whose they are", async () => {
    const own = { Origin: "https://localhost", "Sec-Fetch-Site": "same-origin" };
    expect((await callWith(SETTINGS, "GET", "/v1/tags", own)).status).toBe(200);
    for (const other of [{ Origin: STRANGER }, { "Sec-Fetch-Site": "cross-site" }])
      expect((await callWith(SETTINGS, "GET", "/v1/tags", { ...own, ...other })).status).toBe(403);
  });
});
