/** People of an identity provider in front of a closed server. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Workspace } from "../../src/protocol/access.ts";
import { DirectoryObject } from "../../src/worker/access/object/directory-object.ts";
import { IdentityIssuer } from "../support/identity-issuer.ts";
import { signedIn } from "./browser.ts";
import { call, closeOf, codeOf, freshWorkspace, openSocket, operatorKey } from "./closed-server.ts";
import { freshId } from "./connect.ts";

const HEADER = "Cf-Access-Jwt-Assertion";

let issuers = 0;
let issuer: IdentityIssuer;
let workspace: Workspace;
let settings: Record<string, string>;

beforeEach(async () => {
  issuer = await IdentityIssuer.make(`https://callers-${++issuers}.example`, "prompts");
  workspace = freshWorkspace();
  settings = {
    IDENTITY_ISSUER: issuer.issuer,
    IDENTITY_AUDIENCE: "prompts",
    IDENTITY_JWKS_URL: `${issuer.issuer}/keys`,
    IDENTITY_RULES: JSON.stringify([
      { when: { groups: "writers" }, workspace, role: "editor", prefixes: ["team/"] },
      { when: { email: "*@example.com" }, workspace, role: "viewer" },
    ]),
  };
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(await issuer.keySet()));
});

afterEach(() => {
  vi.restoreAllMocks();
});

const writer = { sub: "ann", name: "Ann", groups: ["writers"] };

/** `GET /v1/me` with a token in the header of the proxy. */
function meByHeader(token: string, sent: { settings?: Record<string, string>; headers?: object } = {}) {
  const headers = { [HEADER]: token, ...sent.headers };
  return call("GET", "/v1/me", { headers, settings: { ...settings, ...sent.settings } });
}

describe("a token that a client sends", () => {
  test("[IDP-1] it is taken as Bearer, as a parameter, and by a socket, like one of ours", async () => {
    const credential = await issuer.sign(writer);
    const me = await call("GET", "/v1/me", { credential, settings });
    expect(await me.json()).toMatchObject({
      workspace,
      principal: { id: "user:idp:ann", name: "Ann" },
      role: "editor",
      prefixes: ["team/"],
    });
    expect((await call("GET", `/v1/me?token=${credential}`, { settings })).status).toBe(200);
    const path = `team/${freshId()}`;
    const put = await call("PUT", `/v1/fragments/${path}`, {
      credential,
      settings,
      body: { content: "hello" },
    });
    expect(put.status).toBe(201);
    const headers = { "Sec-WebSocket-Protocol": `prompt-manager.v1, ${credential}` };
    const socket = await openSocket(`/v1/ws/${path}`, { headers, settings });
    const first = new Promise<string>((settle) =>
      socket.addEventListener("message", ({ data }) => settle(String(data))),
    );
    socket.accept();
    expect(JSON.parse(await first)).toMatchObject({ content: "hello" });
    socket.close();
    expect(await closeOf(`/v1/ws/elsewhere/${path}`, { headers, settings })).toBe(4004);
  });

  test("[IDP-2] a person to whom no rule applies gets 403, and a socket 4403", async () => {
    const credential = await issuer.sign({ sub: "eve", email: "eve@evil.example" });
    const answer = await call("GET", "/v1/me", { credential, settings });
    expect([answer.status, await codeOf(answer)]).toEqual([403, "forbidden"]);
    expect(await closeOf(`/v1/ws/${freshId()}?token=${credential}`, { settings })).toBe(4403);
    const open = { ...settings, ANONYMOUS_ROLE: "editor" };
    expect((await call("GET", "/v1/me", { credential, settings: open })).status).toBe(403);
  });

  test("[IDP-1] a bad one is 401, also where anonymous callers may come in", async () => {
    const credential = await issuer.sign({ ...writer, aud: "another service" });
    const open = { ...settings, ANONYMOUS_ROLE: "editor" };
    const answer = await call("GET", "/v1/me", { credential, settings: open });
    expect(answer.status).toBe(401);
    expect((await answer.json<{ detail: string }>()).detail).toContain("`aud`");
  });

  test("[ACCESS-21] one that has expired is 401 `expired`, and 4501 for a socket, unless its user is blocked", async () => {
    const { key } = await operatorKey(workspace);
    const expired = await issuer.sign({ ...writer, exp: Math.floor(Date.now() / 1_000) - 3_600 });
    const answers = async () => {
      const answer = await call("GET", "/v1/me", { credential: expired, settings });
      return [answer.status, await codeOf(answer), await closeOf(`/v1/ws/a?token=${expired}`, { settings })];
    };
    expect(await answers()).toEqual([401, "expired", 4501]);
    await call("DELETE", "/v1/users/idp:ann", { credential: key });
    expect(await answers()).toEqual([401, "unauthorised", 4401]);
  });

  test("[ACCESS-21] one that has expired makes no workspace", async () => {
    const expired = await issuer.sign({ ...writer, exp: Math.floor(Date.now() / 1_000) - 3_600 });
    const add = vi.spyOn(DirectoryObject.prototype, "add");
    const answer = await call("GET", "/v1/me", { credential: expired, settings });
    expect([answer.status, await codeOf(answer), add.mock.calls]).toEqual([401, "unauthorised", []]);
  });

  test("[IDP-5] nobody gets in, when the provider does not answer", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    vi.mocked(globalThis.fetch).mockImplementation(async () => new Response(null, { status: 500 }));
    const credential = await issuer.sign(writer);
    const open = { ...settings, ANONYMOUS_ROLE: "editor" };
    const answer = await call("GET", "/v1/me", { credential, settings: open });
    expect([answer.status, await codeOf(answer)]).toEqual([503, "unavailable"]);
    expect(answer.headers.get("Retry-After")).not.toBeNull();
  });
});

describe("a token that a proxy adds", () => {
  test("[IDP-8] it counts only under the header that is configured", async () => {
    const token = await issuer.sign(writer);
    expect((await meByHeader(token)).status).toBe(401);
    expect((await meByHeader(token, { settings: { IDENTITY_HEADER: "X-Other" } })).status).toBe(401);
    const answer = await meByHeader(token, { settings: { IDENTITY_HEADER: HEADER } });
    expect(await answer.json()).toMatchObject({ principal: { id: "user:idp:ann" }, session: null });
    expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
  });

  test("[IDP-8] the header takes tokens of the provider only, and says what is wrong with others", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const configured = { settings: { IDENTITY_HEADER: HEADER } };
    expect((await meByHeader(key, configured)).status).toBe(401);
    const stranger = await IdentityIssuer.make("https://stranger.example", "prompts");
    const answer = await meByHeader(await stranger.sign(writer), configured);
    expect(answer.status).toBe(401);
    const other = await meByHeader(
      await issuer.sign({ ...writer, iss: "https://other.example" }),
      configured,
    );
    expect((await other.json<{ detail: string }>()).detail).toContain("`iss`");
  });

  test("[IDP-1] a token with very many groups is taken", async () => {
    const groups = Array.from({ length: 200 }, (_, n) => `a group with a long name, ${n}`);
    const credential = await issuer.sign({ ...writer, groups: [...groups, "writers"] });
    expect(credential.length).toBeGreaterThan(8_000);
    expect((await call("GET", "/v1/me", { credential, settings })).status).toBe(200);
  });

  test("[IDP-8] a page of another origin writes nothing with it", async () => {
    const token = await issuer.sign(writer);
    settings["IDENTITY_HEADER"] = HEADER;
    const path = `/v1/fragments/team/${freshId()}`;
    const put = (headers: Record<string, string>) =>
      call("PUT", path, { body: { content: "" }, settings, headers: { [HEADER]: token, ...headers } });
    const json = { "Content-Type": "application/json" };
    expect((await put({ ...json, Origin: "https://evil.example" })).status).toBe(403);
    expect((await put({ "Content-Type": "text/plain" })).status).toBe(415);
    expect((await put({ ...json, Origin: "http://localhost" })).status).toBe(201);
  });

  test("[COOKIE-2] the session counts, when somebody behind the proxy has signed in with an invitation", async () => {
    const { browser } = await signedIn({ user: { id: "bob", name: "Bob" } });
    const token = await issuer.sign(writer);
    settings["IDENTITY_HEADER"] = HEADER;
    const me = async () => (await meByHeader(token, { headers: { Cookie: browser.cookie } })).json();
    expect(await me()).toMatchObject({ principal: { id: "user:bob" } });
    await browser.sendForm("/sign-out", { sessions: "all" });
    browser.cookie = `prompt_session=pms_default_abcdefghijkm_${"a".repeat(40)}`;
    expect(await me()).toMatchObject({ principal: { id: "user:idp:ann" } });
  });
});

describe("the user behind it", () => {
  test("[IDP-7] its role is capped, and it is blocked, like any other user's", async () => {
    const { key } = await operatorKey(freshWorkspace());
    settings["IDENTITY_RULES"] = JSON.stringify([
      {
        when: {},
        workspace: (await (await call("GET", "/v1/me", { credential: key })).json<{ workspace: string }>())
          .workspace,
        role: "admin",
      },
    ]);
    const me = async () =>
      call("GET", "/v1/me", { credential: await issuer.sign({ sub: "ann", iat: 1 }), settings });
    expect(await (await me()).json()).toMatchObject({ role: "admin" });
    const path = `/v1/users/${encodeURIComponent("idp:ann")}`;
    await call("PUT", path, { credential: key, body: { role: "viewer" } });
    await expect
      .poll(async () => (await (await me()).json<{ role: string }>()).role, { timeout: 10_000 })
      .toBe("viewer");
    const users = await (await call("GET", "/v1/users", { credential: key })).json<{
      users: { id: string }[];
    }>();
    expect(users.users.map(({ id }) => id)).toContain("idp:ann");
    await call("DELETE", path, { credential: key });
    await expect.poll(async () => (await me()).status, { timeout: 10_000 }).toBe(401);
  });
});

describe("a setting that is wrong", () => {
  test.each<Record<string, string>>([
    { IDENTITY_AUDIENCE: "" },
    { IDENTITY_RULES: "[" },
    { IDENTITY_RULES: '[{"when": {}, "workspace": "a", "role": "root"}]' },
    { IDENTITY_JWKS_URL: "http://login.example/keys" },
    {
      IDENTITY_ISSUER: "",
      IDENTITY_AUDIENCE: "",
      IDENTITY_JWKS_URL: "",
      IDENTITY_RULES: "",
      IDENTITY_HEADER: HEADER,
    },
  ])("[IDP-6] nobody gets in, and the answer names it: %j", async (wrong) => {
    const { key: credential } = await operatorKey(freshWorkspace());
    const open = { ...settings, ...wrong, ANONYMOUS_ROLE: "editor" };
    for (const sent of [{ credential }, {}]) {
      const answer = await call("GET", "/v1/me", { ...sent, settings: open });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({
        code: "not_configured",
        detail: expect.stringMatching(/^IDENTITY_[A-Z_]+: /),
      });
    }
    expect((await call("GET", "/healthz", { settings: open })).status).toBe(200);
  });
});
