/** How people come in: invitations, the page that uses them, and the cookie that it sets. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Workspace } from "../../src/protocol/access.ts";
import { accessStub } from "../../src/worker/addresses.ts";
import { Browser, invite, OWN_ORIGIN, signedIn } from "./browser.ts";
import { call, codeOf, freshWorkspace, operatorKey, operatorToken, userToken } from "./closed-server.ts";

async function listInvitations(credential: string) {
  const answer = await call("GET", "/v1/invitations", { credential });
  return (await answer.json<{ invitations: { id: string; role: string }[] }>()).invitations;
}

/** What the page says that answers an attempt to sign in. */
async function complaint(answer: Response): Promise<string> {
  expect(answer.status).toBe(403);
  const [, said = ""] = /role="alert">([^<]*)</.exec(await answer.text()) ?? [];
  return said;
}

describe("an invitation", () => {
  test("[INVITE-1] its link signs its user in, with the role and the name that the admin gave", async () => {
    const { browser, workspace } = await signedIn({ user: { id: "ann", name: "Ann" }, prefixes: ["team/"] });
    const { session, ...me } = await browser.me();
    expect(session).toMatch(/^[a-z2-9]{12}$/);
    expect(me).toEqual({
      workspace,
      principal: { id: "user:ann", name: "Ann", color: null },
      role: "editor",
      prefixes: ["team/"],
      expires_at: expect.any(String),
    });
  });

  test("[INVITE-1] the operator's first one makes the workspace, and its user can invite others", async () => {
    const credential = await operatorToken(freshWorkspace());
    const browser = new Browser();
    await browser.signIn((await invite(credential, { role: "admin" })).link);
    const body = { user: { name: "Bob" }, role: "viewer" };
    const made = await browser.send("POST", "/v1/invitations", { body });
    expect(made.status).toBe(201);
    const other = new Browser();
    await other.signIn((await made.json<{ link: string }>()).link);
    expect(await other.me()).toMatchObject({ role: "viewer", principal: { name: "Bob" } });
  });

  test("[INVITE-2] it works once, and the page says so to whoever uses it again", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const { link } = await invite(key);
    expect((await new Browser().signIn(link)).status).toBe(303);
    const late = new Browser();
    expect(await complaint(await late.signIn(link))).toContain("has been used already");
    expect(late.cookie).toBeNull();
  });

  test("[INVITE-2] twenty browsers that use it at the same moment get one session", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const { link } = await invite(key, { user: { id: "ann", name: "Ann" } });
    const browsers = Array.from({ length: 20 }, () => new Browser());
    const answers = await Promise.all(browsers.map((browser) => browser.signIn(link)));
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(browsers.filter(({ cookie }) => cookie !== null)).toHaveLength(1);
    const sessions = await call("GET", "/v1/sessions?user=ann", { credential: key });
    expect((await sessions.json<{ sessions: object[] }>()).sessions).toHaveLength(1);
  });

  test("[INVITE-2] opening its link any number of times uses nothing up", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const { link } = await invite(key);
    for (const method of ["GET", "HEAD", "GET"]) {
      const answer = await call(method, "/sign-in", { headers: { "Sec-Fetch-Site": "none" } });
      expect([answer.status, answer.headers.get("Set-Cookie")]).toEqual([200, null]);
    }
    expect((await new Browser().signIn(link)).status).toBe(303);
  });

  test("[INVITE-3] its secret is in the link alone, behind the `#`, and is stored nowhere", async () => {
    const workspace = freshWorkspace();
    const { key } = await operatorKey(workspace);
    const { link, id } = await invite(key);
    const url = new URL(link);
    expect([url.origin, url.pathname, url.search]).toEqual(["http://localhost", "/sign-in", ""]);
    expect(url.hash).toMatch(new RegExp(`^#pmi_${workspace}_${id}_[a-z2-9]{40}$`));
    const browser = new Browser();
    await browser.signIn(link);
    const secrets = [url.hash.split("_").at(-1), browser.cookie?.split("_").at(-1)?.split(".")[0]];
    const rows = await runInDurableObject(accessStubOf(workspace), (_, { storage }) =>
      ["invitation", "browser_session", "audit"].map((table) =>
        JSON.stringify(storage.sql.exec(`SELECT * FROM ${table}`).toArray()),
      ),
    );
    for (const secret of secrets) {
      expect(secret).toMatch(/^[a-z2-9]{40}$/);
      expect(rows.join()).not.toContain(secret);
    }
    expect(JSON.stringify(await listInvitations(key))).not.toContain(secrets[0]);
  });

  test("[INVITE-4] it is listed while it is open, and works no more once it is withdrawn", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const [used, withdrawn, open] = [await invite(key), await invite(key), await invite(key)];
    await new Browser().signIn(used.link);
    const withdraw = () => call("DELETE", `/v1/invitations/${withdrawn.id}`, { credential: key });
    expect((await withdraw()).status).toBe(204);
    expect((await withdraw()).status).toBe(404);
    expect((await listInvitations(key)).map(({ id }) => id)).toEqual([open.id]);
    expect(await complaint(await new Browser().signIn(withdrawn.link))).toContain("has been withdrawn");
  });

  test("[INVITE-4] an expired one is not listed, and the page says that it has expired", async () => {
    const workspace = freshWorkspace();
    const { key } = await operatorKey(workspace);
    const { link } = await invite(key);
    await runInDurableObject(accessStubOf(workspace), (_, { storage }) => {
      storage.sql.exec("UPDATE invitation SET expires_at_ms = ?", Date.now());
    });
    expect(await listInvitations(key)).toEqual([]);
    expect(await complaint(await new Browser().signIn(link))).toContain("has expired");
  });

  test.each([
    ["nothing", ""],
    ["half a link", "pmi_default_abcdefghijkm_abc"],
    ["another secret", `pmi_default_abcdefghijkm_${"a".repeat(40)}`],
    ["a workspace that does not exist", `pmi_nowhere_abcdefghijkm_${"a".repeat(40)}`],
    ["a text that is no link", "<script>alert(1)</script>"],
  ])("[INVITE-4] the page says that the link is not valid, when it is given %s", async (_, invitation) => {
    const answer = await new Browser().sendForm("/sign-in", { invitation });
    const page = answer.clone();
    expect(await complaint(answer)).toContain("This link is not valid");
    expect(await page.text()).not.toContain("alert(1)");
  });

  test("[INVITE-2] the whole link is taken, too, as a person without scripts copies it", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const { link } = await invite(key);
    expect((await new Browser().sendForm("/sign-in", { invitation: ` ${link}\n` })).status).toBe(303);
  });
});

describe("the right to invite", () => {
  test.each(["viewer", "editor"])("[INVITE-5] a key with the role %s invites nobody", async (role) => {
    const workspace = freshWorkspace();
    const { key: admin } = await operatorKey(workspace);
    const { id } = await invite(admin);
    const { key: credential } = await operatorKey(workspace, { role });
    const body = { user: { name: "Ann" }, role: "viewer" };
    const answers = [
      await call("POST", "/v1/invitations", { credential, body }),
      await call("GET", "/v1/invitations", { credential }),
      await call("DELETE", `/v1/invitations/${id}`, { credential }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
  });

  test("[INVITE-5] an admin of some fragments invites to these, and sees no other invitation", async () => {
    const workspace = freshWorkspace();
    const { key: admin } = await operatorKey(workspace);
    const { id } = await invite(admin);
    const { key: credential } = await operatorKey(workspace, { prefixes: ["team/"] });
    const attempt = async (prefixes: string[] | null) => {
      const body = { user: { name: "Ann" }, role: "viewer", prefixes };
      return (await call("POST", "/v1/invitations", { credential, body })).status;
    };
    expect([await attempt(["team/a/"]), await attempt(["other/"]), await attempt(null)]).toEqual([
      201, 403, 403,
    ]);
    expect((await invite(credential)).prefixes).toEqual(["team/"]);
    expect((await listInvitations(credential)).map((one) => one.id)).not.toContain(id);
    expect((await call("DELETE", `/v1/invitations/${id}`, { credential })).status).toBe(404);
  });

  test("[INVITE-5] an invitation ends with its maker, and with its user", async () => {
    const workspace = freshWorkspace();
    const { key: admin } = await operatorKey(workspace);
    const maker = await operatorKey(workspace);
    const ofMaker = await invite(maker.key);
    const forUser = await invite(admin, { user: { id: "ann", name: "Ann" } });
    await call("DELETE", `/v1/keys/${maker.id}`, { credential: admin });
    await call("DELETE", "/v1/users/ann", { credential: admin });
    for (const { link } of [ofMaker, forUser])
      expect(await complaint(await new Browser().signIn(link))).toContain("has been withdrawn");
  });

  test("[INVITE-5] an invitation that a user's token has made ends with the key behind the token", async () => {
    const workspace = freshWorkspace();
    const { key: admin } = await operatorKey(workspace);
    const behind = await operatorKey(workspace);
    const { token } = await userToken(behind.key, { role: "admin" });
    const { link } = await invite(token, { role: "admin" });
    await call("DELETE", `/v1/keys/${behind.id}`, { credential: admin });
    expect(await complaint(await new Browser().signIn(link))).toContain("has been withdrawn");
  });

  test("[INVITE-5] an invitation gives no more than its maker may do when it is used", async () => {
    const workspace = freshWorkspace();
    const { key: admin } = await operatorKey(workspace);
    const maker = await operatorKey(workspace);
    const { link } = await invite(maker.key, { role: "admin" });
    await call("PATCH", `/v1/keys/${maker.id}`, { credential: admin, body: { role: "viewer" } });
    const browser = new Browser();
    await browser.signIn(link);
    expect((await browser.me()).role).toBe("viewer");
  });

  test("[INVITE-5] nobody is invited as a user that is blocked, until the user is let in again", async () => {
    const { key: credential } = await operatorKey(freshWorkspace());
    await call("DELETE", "/v1/users/ann", { credential });
    const body = { user: { id: "ann", name: "Ann" }, role: "viewer" };
    expect((await call("POST", "/v1/invitations", { credential, body })).status).toBe(403);
    await call("PUT", "/v1/users/ann", { credential, body: { role: null } });
    const browser = new Browser();
    await browser.signIn((await invite(credential, body)).link);
    expect((await browser.me()).principal.id).toBe("user:ann");
  });

  test.each<[string, object]>([
    ["a user of an identity provider", { user: { id: "idp:ann", name: "Ann" } }],
    ["a user without a name", { user: { id: "ann" } }],
    ["an invisible name", { user: { name: "A\u202enn" } }],
    ["an unknown role", { role: "owner" }],
    ["no prefixes", { prefixes: [] }],
    ["an end that is too far away", { expires_in_seconds: 31 * 86_400 }],
    ["an end that is past", { expires_in_seconds: 0 }],
    ["an unknown field", { email: "ann@example.com" }],
  ])("[INVITE-6] it is refused, when it is for %s", async (_, fields) => {
    const { key: credential } = await operatorKey(freshWorkspace());
    const body = { user: { name: "Ann" }, role: "viewer", ...fields };
    const answer = await call("POST", "/v1/invitations", { credential, body });
    expect([answer.status, await codeOf(answer)]).toEqual([400, "invalid_body"]);
  });

  test("[IDP-7] no token can be made for a user of an identity provider", async () => {
    const { key } = await operatorKey(freshWorkspace());
    await expect(userToken(key, { user: { id: "idp:ann" } })).rejects.toThrow("400");
  });
});

describe("the form", () => {
  const NOT_OWN = "This form must be sent from a page of this server.";

  test.each<[string, Record<string, string>]>([
    ["another origin", { Origin: "https://evil.example" }],
    ["another port", { Origin: `${OWN_ORIGIN}:8080` }],
  ])("[INVITE-7] it is refused, when it comes from %s", async (_, headers) => {
    const { key } = await operatorKey(freshWorkspace());
    const { link } = await invite(key);
    const fields = { invitation: new URL(link).hash.slice(1) };
    // Its pages may call with a token.
    const sent = { headers, settings: { ALLOWED_ORIGINS: headers["Origin"] ?? "" } };
    const browser = new Browser();
    expect(await complaint(await browser.sendForm("/sign-in", fields, sent))).toBe(NOT_OWN);
    expect(browser.cookie).toBeNull();
    const signedInNow = await browser.signIn(link);
    expect([signedInNow.status, signedInNow.headers.get("Cache-Control")]).toEqual([303, "no-store"]);
    expect(await complaint(await browser.sendForm("/sign-out", { sessions: "this" }, sent))).toBe(NOT_OWN);
    expect((await browser.send("GET", "/v1/me")).status).toBe(200);
  });

  test("[INVITE-7] it is refused, when nobody says from where it comes, or when it is too large", async () => {
    const { key } = await operatorKey(freshWorkspace());
    const text = new URLSearchParams({ invitation: (await invite(key)).link }).toString();
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    expect(await complaint(await call("POST", "/sign-in", { text, headers: form }))).toBe(NOT_OWN);
    const withoutOrigin = { ...form, Origin: "null" };
    expect((await call("POST", "/sign-in", { text, headers: withoutOrigin })).status).toBe(403);
    const large = { invitation: "x".repeat(5_000) };
    expect((await new Browser().sendForm("/sign-in", large)).status).toBe(413);
  });

  test("[INVITE-8] the page may load nothing, is kept nowhere, and stands in no frame", async () => {
    for (const path of ["/sign-in", "/sign-out"]) {
      const answer = await call("GET", path);
      const policy = answer.headers.get("Content-Security-Policy") ?? "";
      const [, nonce = "none"] = /'nonce-([\w-]+)'/.exec(policy) ?? [];
      expect(policy).toBe(
        `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      );
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(answer.headers.get("Referrer-Policy")).toBe("same-origin");
      const again = (await call("GET", path)).headers.get("Content-Security-Policy");
      expect(again).not.toBe(policy);
      expect(await answer.text()).not.toMatch(/(?:src|href)="(?!\/)/);
    }
  });

  test("[INVITE-8] a name is shown as text, whatever it is", async () => {
    const { browser } = await signedIn({ user: { name: "<b>Ann</b>" } });
    const page = await (await browser.send("GET", "/sign-in")).text();
    expect(page).toContain("&lt;b&gt;Ann&lt;/b&gt;");
    expect(page).not.toContain("<b>Ann");
  });
});

describe("the record", () => {
  test("[INVITE-9] the audit log has who invited, who came in, and who left", async () => {
    const { browser, key } = await signedIn({ user: { id: "ann", name: "Ann" } });
    await browser.sendForm("/sign-out", { sessions: "this" });
    const answer = await call("GET", "/v1/audit", { credential: key });
    const { entries } = await answer.json<{ entries: { action: string; principal: string }[] }>();
    const told = entries.map(({ action, principal }) => `${principal.replace(/key:.*/, "key")} ${action}`);
    expect(told).toEqual(
      expect.arrayContaining([
        "user:ann signed_out",
        "user:ann signed_in",
        "user:ann invitation_used",
        "key invitation_made",
      ]),
    );
  });
});

function accessStubOf(workspace: Workspace) {
  return accessStub(env, workspace);
}
