/** How much one caller may ask of a closed server. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Access, Workspace } from "../../src/protocol/access.ts";
import type { AuditEntry } from "../../src/protocol/audit.ts";
import { AS_BEFORE } from "../../src/protocol/expansion.ts";
import { CALLER_RATES } from "../../src/protocol/limits.ts";
import { count, rateFault } from "../../src/worker/access/caller/caller-rates.ts";
import { directoryStub } from "../../src/worker/addresses.ts";
import { app } from "../../src/worker/app.ts";
import { Expander } from "../../src/worker/expander.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import { signedToken } from "../support/signed-token.ts";
import { TEST_SECRET } from "../support/test-secret.ts";
import {
  call as callClosed,
  freshWorkspace,
  type MadeToken,
  operatorKey,
  userToken,
} from "./closed-server.ts";
import { createFragment, freshId } from "./connect.ts";
import { Description } from "./described.ts";
import { closeOf } from "./settings.ts";

/** A closed server in which callers without a credential may edit. The limits of the platform would be reached first. */
const SERVER = {
  ...env,
  OPEN_ACCESS: "",
  AUTH_SECRET: TEST_SECRET,
  ANONYMOUS_ROLE: "editor",
  CALLER_LIMIT: undefined,
  STRANGER_LIMIT: undefined,
} as unknown as Env; // a self-hosted server has no such bindings, and wrangler.toml other variables

interface Sent {
  readonly from?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly server?: Env;
}

async function call(method: string, path: string, sent: Sent = {}): Promise<Response> {
  const { from, body, server = SERVER } = sent;
  const headers = { ...(from === undefined ? {} : { "CF-Connecting-IP": from }), ...sent.headers };
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  return app.fetch(new Request(`http://localhost${path}`, init), server, createExecutionContext());
}

/** The status of each of many requests that cost little. */
async function statuses(requests: number, sent: Sent): Promise<Map<number, number>> {
  const seen = new Map<number, number>();
  for (let sentSoFar = 0; sentSoFar < requests; sentSoFar++) {
    const { status } = await call("GET", "/v1/nothing", sent);
    seen.set(status, (seen.get(status) ?? 0) + 1);
  }
  return seen;
}

/** The binding of a platform that has counted too many requests of one key. */
function limiting(key: string): RateLimit {
  return { limit: async (asked) => ({ success: asked.key !== key }) };
}

async function codeOf(answer: Response): Promise<[number, string]> {
  return [answer.status, (await answer.json<{ code: string }>()).code];
}

afterEach(() => vi.restoreAllMocks());

describe("requests", () => {
  test("[LIMIT-4] a caller that sends too many is answered 429, and others are served", async () => {
    const from = "192.0.2.1";
    const { burst } = CALLER_RATES.requests;
    count(SERVER, `default/${from}`, "requests", burst - 100);
    expect([...(await statuses(100, { from })).keys()]).toEqual([404]);
    count(SERVER, `default/${from}`, "requests", 2 * burst);
    const answer = await call("GET", "/v1/fragments", { from });
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    const description = await Description.load();
    expect(await description.faults(description.operation("listFragments"), answer.clone())).toEqual([]);
    expect(await codeOf(answer)).toEqual([429, "rate_limited"]);
    expect((await call("GET", "/v1/tags", { from: "192.0.2.2" })).status).toBe(200);
  });

  test.each(["/v1/ws/", "/v1/sync/", "/api/prompts/ws/", "/ws/prompts/"])(
    "[LIMIT-4] a socket of %s is closed with 4529, when its caller sends too many requests",
    async (prefix) => {
      const from = "192.0.2.3";
      count(SERVER, `default/${from}`, "requests", 2 * CALLER_RATES.requests.burst);
      const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "prompt-manager.v1" };
      expect(await closeOf(await call("GET", `${prefix}${freshId()}`, { from, headers }))).toBe(4529);
    },
  );

  test("[AUDIT-3] what was refused for its number is in the audit log", async () => {
    const from = "192.0.2.4";
    count(SERVER, `default/${from}`, "requests", 2 * CALLER_RATES.requests.burst);
    await call("GET", "/v1/tags", { from });
    const entries = async (): Promise<readonly AuditEntry[]> => {
      const page = await env.ACCESS.getByName("default").auditLog(OPEN_ACCESS, { limit: 200 });
      return page.ok ? page.value.entries.filter(({ address }) => address === from) : [];
    };
    await expect.poll(entries).toMatchObject([{ action: "refused", result: "rate_limited", count: 1 }]);
  });

  test("[LIMIT-9] an open server answers all", async () => {
    const from = "192.0.2.5";
    const CALLER_LIMIT = limiting(`default/${from}`);
    const server = { ...SERVER, OPEN_ACCESS: "loopback", CALLER_LIMIT } as unknown as Env;
    count(server, `default/${from}`, "requests", 2 * CALLER_RATES.requests.burst);
    expect([...(await statuses(100, { from, server })).keys()]).toEqual([404]);
  });

  test("[LIMIT-8] the platform's limit of callers holds in front", async () => {
    const from = "192.0.2.6";
    const server = { ...SERVER, CALLER_LIMIT: limiting(`default/${from}`) };
    const answer = await call("GET", "/v1/tags", { from, server });
    expect(answer.headers.get("Retry-After")).toBe("10");
    expect(await codeOf(answer)).toEqual([429, "rate_limited"]);
  });
});

describe("fragments made", () => {
  test("[LIMIT-5] a caller that has made too many makes no more, and writes those that exist", async () => {
    const id = freshId();
    const body = '{"content":"text"}';
    vi.spyOn(Date, "now").mockReturnValue(Date.now()); // nothing is given back meanwhile
    count(SERVER, "default/anonymous", "creations", CALLER_RATES.creations.burst - 1);
    expect((await call("PUT", `/v1/fragments/${id}`, { body })).status).toBe(201);
    const refused = [
      call("PUT", `/v1/fragments/${freshId()}`, { body }),
      call("POST", "/v1/fragments", { body: `{"id":"${freshId()}"}` }),
      call("POST", "/v1/renames", { body: `{"from":"${id}","to":"${freshId()}"}` }),
    ];
    for (const answer of await Promise.all(refused)) {
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(await codeOf(answer)).toEqual([429, "rate_limited"]);
    }
    const headers = { Upgrade: "websocket" };
    expect(await closeOf(await call("GET", `/v1/ws/${freshId()}?create=1`, { headers }))).toBe(4529);
    expect((await call("PUT", `/v1/fragments/${id}`, { body: '{"content":"other"}' })).status).toBe(200);
    expect(await codeOf(await call("POST", "/v1/fragments", { body: `{"id":"${id}"}` }))).toEqual([
      409,
      "already_exists",
    ]);
  });
});

describe("expansions", () => {
  const KEY: Access = { ...OPEN_ACCESS, principal: { id: "key:k1", name: "k", color: null } };

  function expand(access: Access, id: string) {
    const source = { content: `[[${id}]]`, id: null, version: null };
    return new Expander(createExecutionContext(), SERVER).expand(access, source, AS_BEFORE);
  }

  test("[LIMIT-6] a caller whose expansions have read too much gets no more of them, and others do", async () => {
    const { id } = await createFragment("text");
    vi.spyOn(Date, "now").mockReturnValue(Date.now());
    count(SERVER, "default/key:k1", "expansions", CALLER_RATES.expansions.burst - 2);
    // The expansion itself, and the fragment in it.
    expect(await expand(KEY, id)).toMatchObject({ ok: true, value: { expansion: { expanded: "text" } } });
    expect(await expand(KEY, id)).toMatchObject({
      ok: false,
      refusal: { code: "rate_limited", retryAfterS: 1 },
    });
    expect(await expand(OPEN_ACCESS, id)).toMatchObject({ ok: true });
  });
});

describe("tokens ended", () => {
  test("[LIMIT-11] a key that has ended too many tokens ends no more, nor do its tokens, and other keys do", async () => {
    const workspace = freshWorkspace();
    const [flooding, other] = [await operatorKey(workspace), await operatorKey(workspace)];
    const [first, second] = [await userToken(flooding.key), await userToken(flooding.key)];
    vi.spyOn(Date, "now").mockReturnValue(Date.now());
    count(SERVER, `${workspace}/key:${flooding.id}`, "endings", CALLER_RATES.endings.burst - 1);
    const end = ({ id }: MadeToken, credential: string) =>
      callClosed("DELETE", `/v1/tokens/${id}`, { credential });
    expect((await end(first, flooding.key)).status).toBe(204);
    for (const credential of [flooding.key, second.token]) {
      const refused = await end(second, credential);
      expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(await codeOf(refused)).toEqual([429, "rate_limited"]);
    }
    expect((await callClosed("GET", "/v1/tags", { credential: second.token })).status).toBe(200);
    expect((await end(second, other.key)).status).toBe(204);
  });
});

describe("refused keys", () => {
  const closed = { ...SERVER, ANONYMOUS_ROLE: "" } as unknown as Env;
  const headers = { Authorization: `Bearer pm_none_${"a".repeat(12)}_${"a".repeat(40)}` };

  test("[LIMIT-7] after a flood from one address none from there is checked, and those of others are", async () => {
    const from = "192.0.2.7";
    expect((await call("GET", "/v1/tags", { from, headers, server: closed })).status).toBe(401);
    count(SERVER, from, "refusals", 2 * CALLER_RATES.refusals.burst);
    const answer = await call("GET", "/v1/tags", { from, headers, server: closed });
    expect(await codeOf(answer)).toEqual([429, "rate_limited"]);
    expect((await call("GET", "/v1/tags", { from: "192.0.2.8", headers, server: closed })).status).toBe(401);
  });

  test("[LIMIT-7] refusals are counted by their address, and nothing is counted without one", async () => {
    const from = "192.0.2.9";
    vi.spyOn(Date, "now").mockReturnValue(Date.now()); // nothing is given back meanwhile
    const sent = { headers, server: closed };
    await call("GET", "/v1/tags", { ...sent, from });
    const isCounted = (name: string) => rateFault(SERVER, name, "refusals") !== null;
    count(SERVER, from, "refusals", CALLER_RATES.refusals.burst - 1);
    expect(isCounted(from)).toBe(true);
    for (let time = 0; time < 20; time++) expect((await call("GET", "/v1/tags", sent)).status).toBe(401);
    expect(isCounted("null")).toBe(false);
  });

  test("[LIMIT-7] a token that has expired is counted like any refused one", async () => {
    const from = "192.0.2.11";
    vi.spyOn(Date, "now").mockReturnValue(Date.now()); // nothing is given back meanwhile
    await directoryStub(env).add("default" as Workspace); // follows the rule of workspaces
    const token = await signedToken(TEST_SECRET, { lifeMs: -60_000 });
    const answer = await call("GET", `/v1/tags?token=${token}`, { from, server: closed });
    expect(await codeOf(answer)).toEqual([401, "expired"]);
    count(SERVER, from, "refusals", CALLER_RATES.refusals.burst - 1);
    expect(rateFault(SERVER, from, "refusals")).not.toBeNull();
  });

  const NAMED = `default_${"a".repeat(12)}_${"a".repeat(40)}`;
  const form = { Origin: "http://localhost", "Content-Type": "application/x-www-form-urlencoded" };

  test.each<[what: string, method: string, path: string, sent: Sent]>([
    ["a bad key that is shown to the sign-in page", "GET", "/sign-in", { headers }],
    ["a bad invitation", "POST", "/sign-in", { headers: form, body: `invitation=pmi_${NAMED}` }],
    [
      "a bad cookie that signs out",
      "POST",
      "/sign-out",
      { headers: { ...form, Cookie: `prompt_session=pms_${NAMED}.a` }, body: "sessions=this" },
    ],
  ])("[LIMIT-7] %s is counted like any refused key", async (what, method, path, sent) => {
    const from = `2001:db8::${what.length}`;
    vi.spyOn(Date, "now").mockReturnValue(Date.now()); // nothing is given back meanwhile
    await directoryStub(env).add("default" as Workspace); // follows the rule of workspaces
    count(SERVER, from, "refusals", CALLER_RATES.refusals.burst - 1);
    await call(method, path, { ...sent, from, server: closed });
    expect(rateFault(SERVER, from, "refusals")).not.toBeNull();
    if (method === "POST")
      expect((await call(method, path, { ...sent, from, server: closed })).status).toBe(429);
  });

  test("[LIMIT-7] the sign-in page counts nobody who shows nothing", async () => {
    const from = "192.0.2.12";
    vi.spyOn(Date, "now").mockReturnValue(Date.now());
    count(SERVER, from, "refusals", CALLER_RATES.refusals.burst - 1);
    expect((await call("GET", "/sign-in", { from, server: closed })).status).toBe(200);
    expect(rateFault(SERVER, from, "refusals")).toBeNull();
  });

  test("[LIMIT-8] the platform's limit of strangers holds in front", async () => {
    const from = "192.0.2.10";
    const server = { ...closed, STRANGER_LIMIT: limiting(from) };
    const answer = await call("GET", "/v1/tags", { from, headers, server });
    expect(await codeOf(answer)).toEqual([429, "rate_limited"]);
  });
});
