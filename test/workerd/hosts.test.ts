/** Under which names the server may be called. */
import { describe, expect, test } from "vitest";
import { createFragment, freshId, readFragment } from "./connect.ts";
import { callWith, type Settings } from "./settings.ts";

const LOOPBACK: Settings = { OPEN_ACCESS: "loopback" };
const ANYONE: Settings = { OPEN_ACCESS: "anyone" };
const ANONYMOUS: Settings = { OPEN_ACCESS: "", ANONYMOUS_ROLE: "editor" };
const CLOSED: Settings = { OPEN_ACCESS: "" };

/** The status of a request for this host. */
async function statusFor(settings: Settings, host: string, scheme = "http"): Promise<number> {
  const answer = await callWith(settings, "GET", `${scheme}://${host}/v1/tags`);
  await answer.body?.cancel();
  return answer.status;
}

const OWN = [
  "localhost",
  "localhost.",
  "LOCALHOST:8081",
  "127.0.0.1:8081",
  "127.8.0.2",
  "[::1]:8081",
  "[::1]",
];
const FOREIGN = [
  "evil.example",
  "evil.example:8081",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "evil-localhost",
  "app.localhost",
  "0.0.0.0:8081",
  "[::]:8081",
  "192.168.0.7",
  "[::ffff:10.0.0.1]",
  "10.127.0.0.1.nip.io",
];

describe("a server that is open to this machine", () => {
  test.each(OWN)("[HOST-1] a request is answered, when its host is %s", async (host) => {
    expect(await statusFor(LOOPBACK, host)).toBe(200);
  });

  test.each(FOREIGN)("[HOST-1] a request is 403 on every path, when its host is %s", async (host) => {
    for (const path of [
      "/",
      "/docs",
      "/healthz",
      "/openapi.json",
      "/v1/tags",
      "/v1/events",
      "/api/prompts",
    ]) {
      const answer = await callWith(LOOPBACK, "GET", `http://${host}${path}`);
      expect(answer.status, path).toBe(403);
      expect(await answer.json()).toMatchObject({ code: "forbidden" });
    }
  });

  test("[HOST-1] nothing is changed and no socket is opened, when the host is foreign and the page is of that host", async () => {
    const { id } = await createFragment("kept");
    const page = { Origin: "http://evil.example", "Sec-Fetch-Site": "same-origin", Host: "evil.example" };
    const body = JSON.stringify({ from: id, to: freshId() });
    const answer = await callWith(LOOPBACK, "POST", "http://evil.example/v1/renames", page, body);
    expect(answer.status).toBe(403);
    expect((await readFragment(id)).version).toBe(1);
    for (const path of [`/v1/ws/${id}`, `/v1/sync/${id}`, `/ws/prompts/${id}`, "/v1/events"]) {
      const headers = { ...page, Upgrade: "websocket" };
      expect((await callWith(LOOPBACK, "GET", `http://evil.example${path}`, headers)).status).toBe(403);
    }
  });

  test.each([
    ["the header", "http://localhost", "evil.example"],
    ["the address", "http://evil.example", "localhost"],
  ])("[HOST-1] a request is 403, when only %s names a foreign host", async (_, address, Host) => {
    expect((await callWith(LOOPBACK, "GET", `${address}/v1/tags`, { Host })).status).toBe(403);
  });

  test("[HOST-1] a proxy's word about the host counts for nothing", async () => {
    const headers = { "X-Forwarded-Host": "localhost", Forwarded: "host=localhost" };
    expect((await callWith(LOOPBACK, "GET", "http://evil.example/v1/tags", headers)).status).toBe(403);
  });

  test("[HOST-2] a request is answered, when its host is named", async () => {
    const settings = { ...LOOPBACK, ALLOWED_HOSTS: " Prompts.example.com., other.example" };
    expect(await statusFor(settings, "prompts.example.com:8081")).toBe(200);
    expect(await statusFor(settings, "localhost")).toBe(200);
    expect(await statusFor(settings, "evil.example")).toBe(403);
  });
});

describe.each([
  ["anyone", ANYONE],
  ["anonymous editors", ANONYMOUS],
])("a server for %s", (_, settings) => {
  test.each(["localhost", "192.168.0.7:8081", "[fd00::7]:8081", "prompts", "prompts:8081"])(
    "[HOST-3] a request is answered, when its host is %s",
    async (host) => {
      expect(await statusFor(settings, host)).toBe(200);
    },
  );

  test.each(["evil.example", "192.168.0.7.evil.example", "prompts.local"])(
    "[HOST-3] a request is 403, when its host is %s, which others can own",
    async (host) => {
      expect(await statusFor(settings, host)).toBe(403);
      expect(await statusFor(settings, host, "https")).toBe(200); // nobody else has a certificate
    },
  );

  test("[HOST-2] only these hosts and loopback ones are answered, when hosts are named", async () => {
    const named = { ...settings, ALLOWED_HOSTS: "prompts.example.com" };
    expect(await statusFor(named, "prompts.example.com")).toBe(200);
    expect(await statusFor(named, "127.0.0.1:8081")).toBe(200);
    for (const host of ["evil.example", "192.168.0.7", "prompts"])
      expect(await statusFor(named, host)).toBe(403);
  });
});

describe("a closed server", () => {
  test("[HOST-3] any host reaches it, since it does nothing without a credential", async () => {
    expect(await statusFor(CLOSED, "prompts.example.com")).toBe(401);
  });

  test("[HOST-2] only the named hosts reach it, when hosts are named", async () => {
    expect(await statusFor({ ...CLOSED, ALLOWED_HOSTS: "prompts.example.com" }, "evil.example")).toBe(403);
  });
});

test.each([
  ["OPEN_ACCESS", "yes"],
  ["OPEN_ACCESS", "Loopback"],
  ["ANONYMOUS_ROLE", "admin"],
  ["ANONYMOUS_ROLE", "reader"],
  ["ANONYMOUS_WORKSPACE", "Big Team"],
  ["ALLOWED_HOSTS", "https://prompts.example.com"],
  ["ALLOWED_HOSTS", "prompts.example.com:443"],
  ["ALLOWED_ORIGINS", "*"],
  ["ALLOWED_ORIGINS", "null"],
  ["ALLOWED_ORIGINS", "prompts.example.com"],
  ["AUTH_SECRET", "short"],
])("[MODE-2] everything but /healthz is 503 and says why, when %s is %j", async (name, value) => {
  for (const path of ["/", "/docs", "/openapi.json", "/v1/tags", "/v1/nothing", "/api/prompts"]) {
    const answer = await callWith({ [name]: value }, "GET", path);
    expect(answer.status, path).toBe(503);
    expect(await answer.text()).toContain(name);
  }
  const socket = await callWith({ [name]: value }, "GET", "/v1/ws/x", { Upgrade: "websocket" });
  expect(socket.status).toBe(503);
  expect((await callWith({ [name]: value }, "GET", "/healthz")).status).toBe(200);
});
