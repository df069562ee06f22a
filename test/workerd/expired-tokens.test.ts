/** Tokens that were good until they expired: a page that wakes up connects with the one that it has. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { AuditPage } from "../../src/protocol/audit.ts";
import type { NewKey, UserPage } from "../../src/protocol/principals.ts";
import { signToken, type UserClaims } from "../../src/protocol/tokens.ts";
import { directoryStub } from "../../src/worker/addresses.ts";
import { TEST_SECRET } from "../support/test-secret.ts";
import { YjsClient } from "../support/yjs-client.ts";
import { call, closeOf, codeOf, freshWorkspace, openSocket, operatorKey } from "./closed-server.ts";
import { freshId } from "./connect.ts";

const HOUR_MS = 3_600_000;

const workspace = freshWorkspace();
let admin: NewKey;

beforeAll(async () => {
  admin = await operatorKey(workspace);
});

/** A token of a user that expired an hour ago. */
function expiredToken(claims: Partial<UserClaims> = {}, secret = TEST_SECRET): Promise<string> {
  return signToken(secret, {
    kind: "user",
    id: crypto.randomUUID(),
    workspace,
    issuedAtMs: Date.now() - 2 * HOUR_MS,
    expiresAtMs: Date.now() - HOUR_MS,
    user: { id: "anna", name: "Anna", color: null },
    role: "editor",
    prefixes: null,
    grants: [],
    ...claims,
  });
}

const ownClient = (token: string) => ({ "Sec-WebSocket-Protocol": `prompt-manager.v1, ${token}` });

/** What a request and a socket are told. */
async function answersTo(credential: string): Promise<unknown[]> {
  const answer = await call("GET", "/v1/tags", { credential });
  return [answer.status, await codeOf(answer), await closeOf(`/v1/ws/a?token=${credential}`)];
}

const AS_BAD = [401, "unauthorised", 4401];

describe("a token that has expired", () => {
  test("[ACCESS-21] is 401 over REST, and the answer says that it has expired", async () => {
    const answer = await call("GET", "/v1/tags", { credential: await expiredToken() });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe(
      'Bearer error="invalid_token", error_description="The token has expired"',
    );
    expect(await answer.json()).toMatchObject({
      code: "expired",
      detail: "The token has expired; get a new one.",
    });
  });

  test.each([
    "/v1/ws/",
    "/v1/sync/",
    "/v1/events?",
    "/api/prompts/ws/fragments/",
    "/api/prompts/ws/",
    "/ws/prompts/",
  ])("[SESSION-14] closes a socket at %s with 4501, and no fragment is woken", async (path) => {
    const token = await expiredToken();
    const getByName = vi.spyOn(env.FRAGMENT, "getByName");
    expect(await closeOf(`${path}${freshId()}`, { headers: ownClient(token) })).toBe(4501);
    expect(getByName).not.toHaveBeenCalled();
    getByName.mockRestore();
  });

  test("[SESSION-14] closes a stock provider with 4501 after the pause, and tells it nothing before", async () => {
    const socket = await openSocket(`/v1/sync/${freshId()}?token=${await expiredToken()}`);
    const client = new YjsClient(socket);
    socket.accept();
    client.sendUpdate(client.edit((text) => text.insert(0, "lost")));
    expect((await client.closed()).code).toBe(4501);
    expect(client.inbox.all).toEqual([]);
  });

  test("[ACCESS-21] is a bad one, when another secret has signed it", async () => {
    const secret = "YW5vdGhlci1zZWNyZXQtYWJjZGVmZ2hpamtsbW5vcHE=";
    expect(await answersTo(await expiredToken({}, secret))).toEqual(AS_BAD);
  });

  test("[ACCESS-21] is a bad one, when it was ended, its user blocked, or the key revoked that made it", async () => {
    const maker = await operatorKey(workspace);
    const id = "a".repeat(24);
    const tokens = [
      await expiredToken({ id }),
      await expiredToken({ user: { id: "berta", name: null, color: null } }),
      await expiredToken({ grants: [`key:${maker.id}`] }),
    ];
    for (const token of tokens) expect(await answersTo(token)).toEqual([401, "expired", 4501]);
    for (const path of [`/v1/tokens/${id}`, "/v1/users/berta", `/v1/keys/${maker.id}`])
      expect((await call("DELETE", path, { credential: admin.key })).status).toBe(204);
    for (const token of tokens) expect(await answersTo(token)).toEqual(AS_BAD);
  });

  test("[ACCESS-21] makes no workspace, when it is the operator's", async () => {
    const nowhere = freshWorkspace();
    const operator = await signToken(TEST_SECRET, {
      kind: "operator",
      id: "o",
      workspace: nowhere,
      makesWorkspace: true,
      issuedAtMs: Date.now() - HOUR_MS,
      expiresAtMs: Date.now() - 1_000,
    });
    expect(await answersTo(operator)).toEqual(AS_BAD);
    expect(await directoryStub(env).has(nowhere)).toBe(false);
  });

  test("[ACCESS-21] shows nobody as seen", async () => {
    await answersTo(await expiredToken({ user: { id: "carla", name: null, color: null } }));
    const { users } = await (await call("GET", "/v1/users", { credential: admin.key })).json<UserPage>();
    expect(users.map(({ id }) => id)).not.toContain("carla");
  });

  test("[AUDIT-3] is in the log, with its user", async () => {
    const credential = await expiredToken({ user: { id: "dora", name: null, color: null } });
    await call("GET", "/v1/tags", { credential });
    await closeOf("/v1/ws/a", { headers: ownClient(credential) });
    await vi.waitFor(
      async () => {
        const answer = await call("GET", "/v1/audit", { credential: admin.key });
        const { entries } = await answer.json<AuditPage>();
        const own = entries.filter(({ principal }) => principal === "user:dora");
        expect(own.map(({ action, result, detail }) => [action, result, detail]).toSorted()).toEqual([
          ["refused", "expired", "GET /v1/tags"],
          ["refused", "expired", "GET /v1/ws"],
        ]);
      },
      { timeout: 20_000 },
    );
  });
});
