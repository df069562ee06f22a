/** Browser sessions: their cookie, how long they last, and how they end. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import {
  SESSION_IDLE_MS,
  SESSION_MAX_MS,
  SESSION_OVERLAP_MS,
  SESSION_ROTATION_MS,
  SESSION_SEEN_EVERY_MS,
} from "../../src/protocol/limits.ts";
import { BrowserSessions } from "../../src/worker/access/object/browser-sessions.ts";
import { accessStub } from "../../src/worker/addresses.ts";
import { SessionTable } from "../../src/worker/storage/access-sessions.ts";
import { Browser, invite, signedIn } from "./browser.ts";
import {
  call,
  closeOf,
  codeOf,
  freshWorkspace,
  openSocket,
  operatorKey,
  userToken,
} from "./closed-server.ts";
import { freshId } from "./connect.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
const HTTPS = { "X-Forwarded-Proto": "https", Origin: "https://localhost" };
const CAP = { role: "editor", prefixes: null } as const;

interface ShownSession {
  readonly id: string;
  readonly browser: string;
  readonly current: boolean;
  readonly created_at: string;
  readonly last_seen_at: string;
}

async function sessionsOf(browser: Browser, query = ""): Promise<ShownSession[]> {
  const answer = await browser.send("GET", `/v1/sessions${query}`);
  return (await answer.json<{ sessions: ShownSession[] }>()).sessions;
}

/** Another browser of the same user. */
async function another(key: string, id: string, fields: object = {}): Promise<Browser> {
  const browser = new Browser();
  await browser.signIn((await invite(key, { user: { id, name: id }, ...fields })).link);
  return browser;
}

/** The sessions of a new workspace, at times that the test chooses, and the ids of those that ended early. */
async function withSessions(check: (sessions: BrowserSessions, ended: string[]) => void): Promise<void> {
  await runInDurableObject(accessStub(env, freshWorkspace()), (_, { storage }) => {
    const ended: string[] = [];
    const table = new SessionTable(storage);
    check(
      new BrowserSessions(table, { hasEnded: async (id) => void ended.push(id), wasCopied: () => undefined }),
      ended,
    );
  });
}

const START = { id: "s", hash: "first", browser: "Firefox on Linux" };
const DAY_MS = 86_400_000;

describe("the cookie", () => {
  test("[COOKIE-1] pages cannot read it, and it is for this port alone, when the server speaks http", async () => {
    const { browser } = await signedIn();
    await browser.sendForm("/sign-out", { sessions: "this" });
    expect(browser.setCookie).toMatch(/^prompt_session=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/);
    const { browser: other } = await signedIn();
    expect(other.setCookie).toMatch(
      /^prompt_session=pms_[a-z0-9-]+_[a-z2-9]{12}_[a-z2-9]{40}\.[a-z0-9]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  test("[COOKIE-1] it is bound to this host and to TLS, when a proxy speaks https", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const browser = new Browser();
    const fields = { invitation: (await invite(key)).link };
    await browser.sendForm("/sign-in", fields, { headers: HTTPS });
    expect(browser.setCookie).toMatch(
      /^__Host-prompt_session=[^;]+; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect((await browser.send("GET", "/v1/me", { headers: HTTPS })).status).toBe(200);
    // A cookie without the prefix may have been planted.
    browser.cookie = browser.cookie?.replace("__Host-", "") ?? "";
    expect((await browser.send("GET", "/v1/me", { headers: HTTPS })).status).toBe(401);
  });

  test("[COOKIE-1] it is bound to TLS, too, when the proxy does not say that it speaks TLS", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const browser = new Browser();
    const headers = { Origin: "https://localhost", "Sec-Fetch-Site": "same-origin" };
    await browser.sendForm("/sign-in", { invitation: (await invite(key)).link }, { headers });
    expect(browser.setCookie).toContain("__Host-prompt_session=");
    expect((await browser.send("GET", "/v1/me")).status).toBe(200);
  });

  test("[COOKIE-2] a key or token counts, and not the cookie, when a request brings both", async () => {
    const { browser, key } = await signedIn({ role: "viewer" });
    const { token } = await userToken(key, { user: { id: "bob", name: "Bob" } });
    const answer = await browser.send("GET", "/v1/me", { credential: token });
    expect((await answer.json<{ principal: object }>()).principal).toMatchObject({ id: "user:bob" });
    expect((await browser.send("GET", "/v1/me", { credential: "pm_bad" })).status).toBe(401);
    const foreign = { Origin: "https://evil.example" };
    const settings = { ALLOWED_ORIGINS: foreign.Origin };
    const put = { body: { content: "" }, headers: foreign, settings };
    const path = `/v1/fragments/${freshId()}`;
    expect((await browser.send("PUT", path, { ...put, credential: key })).status).toBe(201);
    expect((await browser.send("PUT", path, put)).status).toBe(403);
  });

  test("[COOKIE-2] it is no key: as a Bearer token or a parameter its secret is refused", async () => {
    const { browser } = await signedIn();
    await browser.me();
    const [, value = ""] = browser.cookie?.split("=") ?? [];
    const [secret = ""] = value.split(".");
    for (const credential of [value, secret]) {
      expect((await call("GET", "/v1/me", { credential })).status).toBe(401);
      expect((await call("GET", `/v1/me?token=${credential}`)).status).toBe(401);
    }
  });

  test.each([
    ["", 401],
    ["viewer", 200],
  ])(
    "[COOKIE-6] one that is not good any more is taken back, when anonymous callers have the role %j",
    async (ANONYMOUS_ROLE, status) => {
      const settings = { ANONYMOUS_ROLE };
      for (const value of [
        "rubbish",
        `pms_default_abcdefghijkm_${"a".repeat(40)}.t`,
        `pms_nowhere_abcdefghijkm_${"a".repeat(40)}`,
      ]) {
        const browser = new Browser();
        browser.cookie = `prompt_session=${value}`;
        expect((await browser.send("GET", "/v1/tags", { settings })).status).toBe(status);
        expect(browser.cookie).toBeNull();
      }
    },
  );

  test("[COOKIE-6] an answer to it is kept by no shared cache", async () => {
    const { browser } = await signedIn();
    const answer = await browser.send("GET", "/v1/tags");
    expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
    expect(answer.headers.get("Vary")).toContain("Cookie");
    expect(answer.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
    expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
  });
});

describe("requests of pages", () => {
  test("[COOKIE-3] a page of the server reads, writes, deletes and opens sockets", async () => {
    const { browser } = await signedIn();
    const id = freshId();
    expect((await browser.send("PUT", `/v1/fragments/${id}`, { body: { content: "hello" } })).status).toBe(
      201,
    );
    expect((await browser.send("GET", `/v1/fragments/${id}`)).status).toBe(200);
    const headers = { Cookie: browser.cookie ?? "", Origin: "http://localhost" };
    for (const path of [`/v1/ws/${id}`, `/v1/sync/${id}`, `/api/prompts/ws/fragments/${id}`, "/v1/events"]) {
      const socket = await openSocket(path, { headers });
      socket.accept();
      const answer = new Promise((settle) => {
        socket.addEventListener("message", () => settle("a message"));
        socket.addEventListener("close", ({ code }) => settle(code));
      });
      if (path.startsWith("/v1/sync/")) socket.send(new Uint8Array([0, 0, 1, 0])); // sync step 1
      if (path !== "/v1/events") expect(await answer, path).toBe("a message");
      socket.close();
    }
    expect((await browser.send("DELETE", `/v1/fragments/${id}`)).status).toBe(204);
  });

  test.each<[string, Record<string, string>]>([
    ["another origin", { Origin: "https://evil.example" }],
    ["an origin that may call with tokens", { Origin: "https://friend.example" }],
    ["another port", { Origin: "http://localhost:3000" }],
    ["a page without an origin", { Origin: "null" }],
  ])("[COOKIE-3] nothing is changed and no socket opens, when the page is of %s", async (_, foreign) => {
    const { browser } = await signedIn();
    const id = freshId();
    await browser.send("PUT", `/v1/fragments/${id}`, { body: { content: "kept" } });
    const settings = { ALLOWED_ORIGINS: "https://friend.example" };
    for (const [method, path] of [
      ["PUT", `/v1/fragments/${id}`],
      ["PATCH", `/v1/fragments/${id}`],
      ["DELETE", `/v1/fragments/${id}`],
      ["POST", "/v1/expand"],
      ["POST", `/api/prompts/${id}`],
    ] as const) {
      const body = method === "DELETE" ? {} : { body: { content: "changed" } };
      const answer = await browser.send(method, path, { ...body, settings, headers: foreign });
      expect([answer.status, await codeOf(answer)], `${method} ${path}`).toEqual([403, "forbidden"]);
      expect(answer.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    }
    const headers = { Cookie: browser.cookie ?? "", ...foreign };
    for (const path of [`/v1/ws/${id}`, `/v1/sync/${id}`, `/ws/prompts/${id}`, "/v1/events"])
      expect(await closeOf(path, { headers, settings }), path).toBe(4403);
    const kept = await browser.send("GET", `/v1/fragments/${id}`);
    expect(await kept.json()).toMatchObject({ content: "kept", version: 1 });
  });

  test("[COOKIE-3] a write and a socket are refused, when nobody says from where they come", async () => {
    const { browser } = await signedIn();
    const id = freshId();
    const headers = { Cookie: browser.cookie ?? "", "Content-Type": "application/json" };
    const put = await call("PUT", `/v1/fragments/${id}`, { headers, body: { content: "" } });
    expect(put.status).toBe(403);
    expect(await closeOf(`/v1/ws/${id}`, { headers })).toBe(4403);
  });

  test("[COOKIE-5] what a form can send is refused with 415, and changes nothing", async () => {
    const { browser } = await signedIn();
    const id = freshId();
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
    ]) {
      const headers = { "Content-Type": type };
      const answer = await browser.send("PUT", `/v1/fragments/${id}`, { headers, body: { content: "" } });
      expect([answer.status, await codeOf(answer)], type).toEqual([415, "unsupported_media_type"]);
    }
    expect((await browser.send("GET", `/v1/fragments/${id}`)).status).toBe(404);
  });

  test("[COOKIE-7] the cookie counts for nothing in a page of another origin, when everybody may read", async () => {
    const { browser } = await signedIn({ role: "admin" });
    const settings = { ANONYMOUS_ROLE: "viewer", ALLOWED_ORIGINS: "https://friend.example" };
    const headers = { Origin: "https://friend.example" };
    const answer = await browser.send("GET", "/v1/me", { settings, headers });
    expect(await answer.json()).toMatchObject({
      principal: { id: "anonymous" },
      role: "viewer",
      session: null,
    });
  });
});

describe("how long a session lasts", () => {
  test("[BROWSER-1] it ends a week after it was last seen, and is seen at most once an hour in the table", () =>
    withSessions((sessions) => {
      sessions.start(START, "ann", CAP, 0);
      expect(sessions.show("s", "first", SESSION_SEEN_EVERY_MS - 1)).not.toBeNull();
      expect(sessions.get("s", 0)?.seenAtMs).toBe(0);
      expect(sessions.show("s", "first", SESSION_SEEN_EVERY_MS)).not.toBeNull();
      expect(sessions.get("s", SESSION_SEEN_EVERY_MS)?.seenAtMs).toBe(SESSION_SEEN_EVERY_MS);
      const endMs = SESSION_SEEN_EVERY_MS + SESSION_IDLE_MS;
      expect(sessions.get("s", endMs - 1)).not.toBeNull();
      expect(sessions.show("s", "first", endMs)).toBeNull();
    }));

  test("[BROWSER-1] it ends after thirty days, even if it was seen every day", () =>
    withSessions((sessions) => {
      sessions.start(START, "ann", CAP, 0);
      for (let nowMs = 0; nowMs < SESSION_MAX_MS; nowMs += DAY_MS)
        expect(sessions.show("s", "first", nowMs)).not.toBeNull();
      expect(sessions.show("s", "first", SESSION_MAX_MS)).toBeNull();
      expect(sessions.list("ann", SESSION_MAX_MS)).toEqual([]);
    }));

  test("[BROWSER-2] its secret is renewed once a day, and both secrets are good until the new one was seen", () =>
    withSessions((sessions, ended) => {
      sessions.start(START, "ann", CAP, 0);
      expect(sessions.renew("s", "first", "second", SESSION_ROTATION_MS - 1)).toBeNull();
      expect(sessions.renew("s", "first", "second", SESSION_ROTATION_MS)).not.toBeNull();
      // Requests of other tabs that come at the same moment renew nothing.
      expect(sessions.renew("s", "first", "third", SESSION_ROTATION_MS)).toBeNull();
      expect(sessions.show("s", "third", SESSION_ROTATION_MS)).toBeNull();
      // The answer may be under way for a long time.
      expect(sessions.show("s", "first", 3 * DAY_MS)).not.toBeNull();
      const seenMs = 3 * DAY_MS + 1;
      expect(sessions.show("s", "second", seenMs)).not.toBeNull();
      expect(sessions.show("s", "first", seenMs + SESSION_OVERLAP_MS - 1)).not.toBeNull();
      expect(ended).toEqual([]);
    }));

  test("[BROWSER-2] a browser gets another secret, when the answer with the last one was lost", () =>
    withSessions((sessions) => {
      sessions.start(START, "ann", CAP, 0);
      sessions.renew("s", "first", "lost", DAY_MS);
      expect(sessions.renew("s", "first", "early", DAY_MS + SESSION_OVERLAP_MS - 1)).toBeNull();
      expect(sessions.renew("s", "first", "second", DAY_MS + SESSION_OVERLAP_MS)).not.toBeNull();
      expect(sessions.show("s", "lost", DAY_MS + SESSION_OVERLAP_MS)).toBeNull();
      expect(sessions.show("s", "second", 2 * DAY_MS)).not.toBeNull();
    }));

  test("[BROWSER-3] it ends for everybody, when a secret comes back that was replaced", () =>
    withSessions((sessions, ended) => {
      sessions.start(START, "ann", CAP, 0);
      sessions.renew("s", "first", "second", DAY_MS);
      sessions.show("s", "second", DAY_MS);
      expect(sessions.show("s", "first", DAY_MS + SESSION_OVERLAP_MS)).toBeNull();
      expect(ended).toEqual(["s"]);
      expect(sessions.show("s", "second", DAY_MS + SESSION_OVERLAP_MS)).toBeNull();
    }));

  test("[INVITE-9] it is in the audit log, when a session ends because an old secret came back", async () => {
    const { browser, key, workspace } = await signedIn();
    await runInDurableObject(accessStub(env, workspace), (_, { storage }) => {
      storage.sql.exec("UPDATE browser_session SET previous_hash = hash, hash = 'next', confirmed_at_ms = 0");
    });
    expect((await browser.send("GET", "/v1/me")).status).toBe(401);
    const log = await call("GET", "/v1/audit?action=session_ended", { credential: key });
    const { entries } = await log.json<{ entries: { detail: string; principal: string | null }[] }>();
    expect(entries.map(({ principal }) => principal)).toEqual([null]);
    expect(entries[0]?.detail).toMatch(/^user:\w+, an old secret was shown$/);
  });

  test("[BROWSER-2] a browser gets the new secret with an answer, and with it comes in as before", async () => {
    const { browser, workspace } = await signedIn();
    const before = browser.cookie ?? "";
    const { session } = await browser.me();
    expect(browser.setCookie).toBeNull();
    await runInDurableObject(accessStub(env, workspace), (_, { storage }) => {
      storage.sql.exec("UPDATE browser_session SET renewed_at_ms = renewed_at_ms - ?", SESSION_ROTATION_MS);
    });
    // So old the browser believes its cookie to be.
    browser.cookie = before.replace(/\.\w+$/, ".1");
    const tabs = await Promise.all(
      [1, 2, 3].map(() => call("GET", "/v1/me", { headers: { Cookie: browser.cookie ?? "" } })),
    );
    const given = tabs.flatMap((answer) => answer.headers.get("Set-Cookie") ?? []);
    expect([tabs.map(({ status }) => status), given.length]).toEqual([[200, 200, 200], 1]);
    browser.cookie = given[0]?.split(";")[0] ?? "";
    expect(browser.cookie.split(".")[0]).not.toBe(before.split(".")[0]);
    expect((await browser.me()).session).toBe(session);
    expect((await call("GET", "/v1/me", { headers: { Cookie: before } })).status).toBe(200);
  });
});

describe("a person's sessions", () => {
  test("[BROWSER-4] they are listed with the browser, for their user and nobody else", async () => {
    const { browser, key } = await signedIn({ user: { id: "ann", name: "Ann" } });
    const phone = new Browser();
    const headers = { "User-Agent": FIREFOX };
    const { link } = await invite(key, { user: { id: "ann", name: "Ann" } });
    await phone.sendForm("/sign-in", { invitation: link }, { headers });
    const bob = await another(key, "bob");
    const sessions = await sessionsOf(phone);
    expect(sessions.map(({ browser: name, current }) => [name, current])).toEqual([
      ["Firefox on Linux", true],
      ["Unknown browser", false],
    ]);
    expect(await sessionsOf(bob)).toHaveLength(1);
    expect((await bob.send("GET", "/v1/sessions?user=ann")).status).toBe(403);
    for (const { id } of sessions) expect((await bob.send("DELETE", `/v1/sessions/${id}`)).status).toBe(404);
    expect((await browser.send("GET", "/v1/me")).status).toBe(200);
  });

  test("[BROWSER-4] a token for the same user lists and ends none, because any key can make one", async () => {
    const { browser, workspace, key } = await signedIn({ user: { id: "ann", name: "Ann" } });
    const editor = await operatorKey(workspace, { role: "editor" });
    const { token: credential } = await userToken(editor.key, { user: { id: "ann" } });
    const answer = await call("GET", "/v1/sessions", { credential });
    expect(await answer.json()).toEqual({ sessions: [] });
    const { session } = await browser.me();
    expect((await call("DELETE", `/v1/sessions/${session}`, { credential })).status).toBe(404);
    await call("DELETE", "/v1/sessions", { credential });
    expect((await sessionsOf(browser)).map(({ id }) => id)).toEqual([session]);
    expect((await call("DELETE", `/v1/sessions/${session}`, { credential: key })).status).toBe(204);
  });

  test("[BROWSER-5] signing out ends this session alone, and takes the cookie back", async () => {
    const { browser, key } = await signedIn({ user: { id: "ann", name: "Ann" } });
    const phone = await another(key, "ann");
    const { cookie } = browser;
    const answer = await browser.sendForm("/sign-out", { sessions: "this" });
    expect([answer.status, answer.headers.get("Location"), browser.cookie]).toEqual([303, "/sign-out", null]);
    browser.cookie = cookie; // somebody has kept a copy
    expect((await browser.send("GET", "/v1/sessions")).status).toBe(401);
    expect(await sessionsOf(phone)).toHaveLength(1);
  });

  test("[BROWSER-5] signing out everywhere ends all sessions of the user, and none of others", async () => {
    const { browser, key } = await signedIn({ user: { id: "ann", name: "Ann" } });
    const [phone, tablet, bob] = [
      await another(key, "ann"),
      await another(key, "ann"),
      await another(key, "bob"),
    ];
    await browser.sendForm("/sign-out", { sessions: "all" });
    for (const one of [phone, tablet]) expect((await one.send("GET", "/v1/sessions")).status).toBe(401);
    expect(await sessionsOf(bob)).toHaveLength(1);
  });

  test("[BROWSER-5] signing in anew ends the session that the browser had", async () => {
    const { browser, key } = await signedIn({ user: { id: "ann", name: "Ann" } });
    const before = browser.cookie;
    await browser.signIn((await invite(key, { user: { id: "bob", name: "Bob" } })).link);
    expect((await browser.me()).principal.id).toBe("user:bob");
    browser.cookie = before;
    expect((await browser.send("GET", "/v1/sessions")).status).toBe(401);
  });

  test("[BROWSER-6] an admin lists and ends those of a user; an admin of some fragments does not", async () => {
    const { browser, key, workspace } = await signedIn({ user: { id: "ann", name: "Ann" } });
    const list = (credential: string) => call("GET", "/v1/sessions?user=ann", { credential });
    const some = await operatorKey(workspace, { prefixes: ["team/"] });
    expect((await list(some.key)).status).toBe(403);
    const { sessions } = await (await list(key)).json<{ sessions: ShownSession[] }>();
    const [session] = sessions;
    const path = `/v1/sessions/${session?.id}`;
    expect((await call("DELETE", path, { credential: some.key })).status).toBe(404);
    expect((await call("DELETE", path, { credential: key })).status).toBe(204);
    expect((await call("DELETE", path, { credential: key })).status).toBe(404);
    expect((await browser.send("GET", "/v1/sessions")).status).toBe(401);
    const again = await another(key, "ann");
    expect((await call("DELETE", "/v1/sessions?user=ann", { credential: key })).status).toBe(204);
    expect((await again.send("GET", "/v1/sessions")).status).toBe(401);
  });

  test("[BROWSER-6] the role of a user caps its sessions, and a blocked user has none", async () => {
    const { browser, key } = await signedIn({ user: { id: "ann", name: "Ann" }, role: "admin" });
    await call("PUT", "/v1/users/ann", { credential: key, body: { role: "viewer" } });
    const fresh = new Browser();
    fresh.cookie = browser.cookie;
    await expect.poll(async () => (await fresh.me()).role, { timeout: 10_000 }).toBe("viewer");
    await call("DELETE", "/v1/users/ann", { credential: key });
    const listed = await call("GET", "/v1/sessions?user=ann", { credential: key });
    expect(await listed.json()).toEqual({ sessions: [] });
    await expect.poll(async () => (await fresh.send("GET", "/v1/me")).status, { timeout: 10_000 }).toBe(401);
  });

  test("[BROWSER-8] the sockets of a session are closed, when it ends, and those of another stay", async () => {
    const { browser, key } = await signedIn({ user: { id: "ann", name: "Ann" } });
    const phone = await another(key, "ann");
    const id = freshId();
    await browser.send("PUT", `/v1/fragments/${id}`, { body: { content: "hello" } });
    const open = async (one: Browser, path: string) => {
      const headers = { Cookie: one.cookie ?? "", Origin: "http://localhost" };
      const socket = await openSocket(path, { headers });
      const closed = new Promise<number>((settle) =>
        socket.addEventListener("close", ({ code }) => settle(code)),
      );
      socket.accept();
      return { socket, closed };
    };
    const paths = [`/v1/ws/${id}`, `/v1/sync/${id}`, "/v1/events"];
    const own = await Promise.all(paths.map((path) => open(browser, path)));
    const other = await open(phone, `/v1/ws/${id}`);
    await browser.sendForm("/sign-out", { sessions: "this" });
    expect(await Promise.all(own.map(({ closed }) => closed))).toEqual([4401, 4401, 4401]);
    const answered = new Promise((settle) => other.socket.addEventListener("message", settle));
    other.socket.send(JSON.stringify({ action: "ping" }));
    await answered;
    other.socket.close();
  });

  test("[BROWSER-7] /v1/me names every kind of caller", async () => {
    const workspace = freshWorkspace();
    const { key, id } = await operatorKey(workspace, { name: "CI", role: "viewer", prefixes: ["a/"] });
    const me = async (credential?: string, settings = {}) =>
      (await call("GET", "/v1/me", { settings, ...(credential === undefined ? {} : { credential }) })).json();
    expect(await me(key)).toEqual({
      workspace,
      principal: { id: `key:${id}`, name: "CI", color: null },
      role: "viewer",
      prefixes: ["a/"],
      expires_at: null,
      session: null,
    });
    const { token } = await userToken(key);
    expect(await me(token)).toMatchObject({ principal: { id: "user:anna", name: "Anna" }, role: "viewer" });
    expect(await me(undefined, { ANONYMOUS_ROLE: "editor" })).toMatchObject({
      workspace: "default",
      principal: { id: "anonymous", name: null },
      role: "editor",
    });
    expect(await me()).toMatchObject({ code: "unauthorised" });
  });
});
