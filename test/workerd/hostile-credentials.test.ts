/** Credentials that somebody made up, stole half of, or sends to break something. */
import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { NewKey } from "../../src/protocol/principals.ts";
import { AccessObject } from "../../src/worker/access/object/access-object.ts";
import { DirectoryObject } from "../../src/worker/access/object/directory-object.ts";
import { FragmentObject } from "../../src/worker/fragment/fragment-object.ts";
import { TEST_SECRET } from "../support/test-secret.ts";
import {
  call,
  closeOf,
  freshWorkspace,
  joinJson,
  operatorKey,
  operatorToken,
  userToken,
} from "./closed-server.ts";
import { freshId } from "./connect.ts";

const workspace = freshWorkspace();
let mine: NewKey;
let theirs: NewKey;

beforeAll(async () => {
  mine = await operatorKey(workspace);
  theirs = await operatorKey(freshWorkspace());
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** The payload of a token that would be good if we had signed it. */
function payload() {
  const now = Math.floor(Date.now() / 1000);
  const common = { iss: "prompt-manager", aud: "prompt-manager", jti: "j", iat: now, exp: now + 600 };
  return { ...common, sub: "anna", workspace, role: "admin", prefixes: null, grants: [] };
}

const typ = "pm-user+jwt";
const bytes = (text: string) => new TextEncoder().encode(text);
const encoded = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");

/** What a request answers, without what differs from one to the next. */
async function answerTo(credential: string): Promise<object> {
  const answer = await call("GET", "/v1/tags", { credential });
  const { request_id: _, ...body } = await answer.json<{ request_id: string }>();
  return { status: answer.status, headers: [...answer.headers].filter(([name]) => name !== "date"), body };
}

/** By what is wrong with it. */
const MADE_UP: [string, () => string | Promise<string>][] = [
  ["an unknown workspace", () => mine.key.replace(`pm_${workspace}_`, "pm_nobody_")],
  ["the workspace of another key", () => theirs.key.replace(/^pm_[^_]+_/, `pm_${workspace}_`)],
  ["an unknown key", () => mine.key.replace(mine.id, "a".repeat(12))],
  ["the id of another key", () => mine.key.replace(mine.id, theirs.id)],
  ["a wrong secret", () => mine.key.replace(/.$/, (last) => (last === "a" ? "b" : "a"))],
  ["no secret", () => mine.key.replace(/_[^_]+$/, "_")],
  ["half a secret", () => mine.key.slice(0, -20)],
  ["a longer secret", () => `${mine.key}a`],
  ["capital letters", () => mine.key.toUpperCase()],
  ["a capital workspace", () => mine.key.replace(workspace, workspace.toUpperCase())],
  ["an empty workspace", () => mine.key.replace(`pm_${workspace}_`, "pm__")],
  ["a workspace that every object has", () => mine.key.replace(`pm_${workspace}_`, "pm_constructor_")],
  ["the name of the directory", () => mine.key.replace(`pm_${workspace}_`, "pm_workspaces_")],
  ["a workspace of dots", () => mine.key.replace(`pm_${workspace}_`, "pm_.._")],
  ["the hash of the key", async () => `pm_${workspace}_${mine.id}_${(await sha256(mine.key)).slice(0, 40)}`],
  ["the id alone", () => mine.id],
  ["only dots", () => ".."],
  ["three empty parts", () => "e30.e30.e30"],
  ["16,384 characters", () => "a".repeat(16_384)],
  ["8,192 characters", () => "a".repeat(8_192)],
  ["16,384 dots", () => ".".repeat(16_384)],
  ["a token without a signature", () => new UnsecuredJWT(payload()).encode()],
  ["a token that says `none` and is signed", () => forged({ alg: "none", typ })],
  ["a token that says `nOnE`", () => forged({ alg: "nOnE", typ })],
  ["a token signed with nothing", () => forged({ alg: "HS256", typ }, "")],
  ["a token signed with a guess", () => sign({ alg: "HS256", typ }, bytes("secret"))],
  ["a token signed with HS512", () => sign({ alg: "HS512", typ }, bytes(TEST_SECRET.repeat(2)))],
  ["a token of a key pair", () => signWithPair({})],
  [
    "a token that brings its key",
    async () => signWithPair({ jwk: await exportJWK((await generateKeyPair("ES256")).publicKey) }),
  ],
  [
    "a token that says where its key is",
    () => signWithPair({ jku: "https://attacker.example/jwks.json", kid: "1" }),
  ],
  ["a token with the path of a key", () => sign({ alg: "HS256", typ, kid: "../../dev/null" }, bytes(""))],
  [
    "a token with an extension that must be understood",
    () => forged({ alg: "HS256", typ, crit: ["exp2"], exp2: 1 }),
  ],
  ["a payload that is no object", () => `${encoded({ alg: "HS256", typ })}.${encoded([])}.AAAA`],
  ["a header that is deep", () => `${btoa("[".repeat(1_000)).replaceAll("=", "")}.e30.AAAA`],
  ["a token of five parts", () => `${encoded({ alg: "dir", enc: "A256GCM" })}.....`],
  ["a good token of another type", () => sign({ alg: "HS256", typ: "JWT" }, bytes(TEST_SECRET))],
  ["a good token of no type", () => sign({ alg: "HS256" }, bytes(TEST_SECRET))],
  [
    "a good token of another issuer",
    () => sign({ alg: "HS256", typ }, bytes(TEST_SECRET), { iss: "https://attacker.example" }),
  ],
  [
    "a good token for another audience",
    () => sign({ alg: "HS256", typ }, bytes(TEST_SECRET), { aud: ["other"] }),
  ],
  [
    "a good token for a workspace with a slash",
    () => sign({ alg: "HS256", typ }, bytes(TEST_SECRET), { workspace: `${workspace}/x` }),
  ],
  [
    "a good token for no known workspace",
    () => sign({ alg: "HS256", typ }, bytes(TEST_SECRET), { workspace: "nobody" }),
  ],
  [
    "a good token of an ended key",
    () => sign({ alg: "HS256", typ }, bytes(TEST_SECRET), { grants: ["key:gone"] }),
  ],
  [
    "a good token of a grant of no kind",
    () => sign({ alg: "HS256", typ }, bytes(TEST_SECRET), { grants: ["__proto__:x"] }),
  ],
  [
    "a good token of a grant without a kind",
    () => sign({ alg: "HS256", typ }, bytes(TEST_SECRET), { grants: [""] }),
  ],
];

async function sign(header: { alg: string; [name: string]: unknown }, key: Uint8Array, claims: object = {}) {
  // jose signs with no empty key.
  if (key.length < 64) return forged(header, new TextDecoder().decode(key), claims);
  return new SignJWT({ ...payload(), ...claims }).setProtectedHeader(header).sign(key);
}

/** Signs by hand what a library would not. */
async function forged(header: object, secret = TEST_SECRET, claims: object = {}): Promise<string> {
  const signed = `${encoded(header)}.${encoded({ ...payload(), ...claims })}`;
  if (secret === "") return `${signed}.`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(signed)));
  return `${signed}.${btoa(String.fromCharCode(...signature))
    .replaceAll("=", "")
    .replaceAll("+", "-")
    .replaceAll("/", "_")}`;
}

async function signWithPair(header: object): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256");
  return new SignJWT(payload()).setProtectedHeader({ alg: "ES256", typ, ...header }).sign(privateKey);
}

describe("made-up credentials", () => {
  test("[ACCESS-5] the same token is taken, when nothing is wrong with it", async () => {
    const good = await forged({ alg: "HS256", typ });
    expect((await call("GET", "/v1/tags", { credential: good })).status).toBe(200);
  });

  test.each(MADE_UP)("[ACCESS-5] %s gets the answer of every other bad credential", async (_, make) => {
    const credential = await make();
    expect(await answerTo(credential)).toEqual(await answerTo("nonsense"));
    expect(await closeOf(`/v1/ws/a?token=${encodeURIComponent(credential)}`)).toBe(4401);
  });

  test.each([
    "\u0131pm_a",
    "pm_\u0430cme_id_secret",
    "a\u0000b",
    "a\r\nX-Injected: 1",
    "\ud800",
    "\u202e",
    " ",
    "' OR 1=1 --",
    "$(id)",
    "%00",
  ])("[ACCESS-5] what is no credential at all is refused in the address: %j", async (text) => {
    const address = `?token=${encodeURIComponent(text.toWellFormed())}`;
    const answer = await call("GET", `/v1/tags${address}`);
    expect(answer.status).toBe(401);
    expect([...answer.headers.keys()]).not.toContain("x-injected");
    expect(
      await closeOf(`/v1/sync/a${address}`, { headers: { "Sec-WebSocket-Protocol": "prompt-manager.v1" } }),
    ).toBe(4401);
  });

  test.each(["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", 'Bearer "a"', "Bearer\ta=", "bearer \u00e4"])(
    "[ACCESS-5] a header that is no credential is refused: %s",
    async (Authorization) => {
      expect((await call("GET", "/v1/tags", { headers: { Authorization } })).status).toBe(401);
    },
  );

  test("[ACCESS-4] two credentials are refused, when both are good and even the same", async () => {
    const { token } = await userToken(mine.key);
    const both = (path: string, headers: Record<string, string> = {}) =>
      call("GET", path, { credential: mine.key, headers });
    expect((await both("/v1/tags")).status).toBe(200);
    expect((await both(`/v1/tags?token=${token}`)).status).toBe(401);
    expect((await both(`/v1/tags?token=${mine.key}`)).status).toBe(401);
    expect((await call("GET", `/v1/tags?token=${token}&token=${token}`)).status).toBe(401);
    const headers = { "Sec-WebSocket-Protocol": `json, ${token}` };
    expect(await closeOf(`/v1/ws/a?token=${token}`, { headers })).toBe(4401);
    expect(
      await closeOf("/v1/ws/a", { headers: { "Sec-WebSocket-Protocol": `json, ${token}, ${token}` } }),
    ).toBe(4401);
  });
});

describe("what a guess costs", () => {
  const NOWHERE = "nowhere";

  test("[ACCESS-5] an unknown workspace, an unknown key and a wrong secret cost the same calls, whatever was asked before", async () => {
    const calls = [
      vi.spyOn(AccessObject.prototype, "admit"),
      vi.spyOn(DirectoryObject.prototype, "has"),
      vi.spyOn(DirectoryObject.prototype, "refuse"),
    ];
    const secret = "a".repeat(40);
    const guesses = [
      `pm_${NOWHERE}_${mine.id}_${secret}`,
      `pm_${workspace}_${"a".repeat(12)}_${secret}`,
      `pm_${workspace}_${mine.id}_${secret}`,
    ];
    for (let round = 0; round < 3; round++) {
      const costs: number[] = [];
      for (const guess of guesses) {
        for (const spy of calls) spy.mockClear();
        expect((await call("GET", "/v1/tags", { credential: guess })).status).toBe(401);
        costs.push(calls.reduce((sum, spy) => sum + spy.mock.calls.length, 0));
      }
      expect(costs).toEqual([2, 2, 2]);
    }
  });

  test("[ACCESS-5] a guess is answered after the same time, whatever was asked for it", async () => {
    const secret = "a".repeat(40);
    const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    for (const guess of [`pm_${NOWHERE}_${mine.id}_${secret}`, `pm_${workspace}_${mine.id}_${secret}`]) {
      // Each look at the clock is 50 ms later than the one before: the answer of an object took that long.
      const startMs = Date.now();
      let looks = 0;
      now.mockImplementation(() => startMs + 50 * looks++);
      wait.mockClear();
      expect((await call("GET", "/v1/tags", { credential: guess })).status).toBe(401);
      const [[pauseMs = 0] = []] = wait.mock.calls;
      expect(wait).toHaveBeenCalledTimes(1);
      expect(pauseMs).toBeGreaterThan(0);
      expect(pauseMs).toBeLessThan(300);
    }
    wait.mockClear();
    expect((await call("GET", "/v1/tags", { credential: mine.key })).status).toBe(200);
    expect(wait).not.toHaveBeenCalled();
  });

  test("[ACCESS-5] a guess makes no object and no workspace", async () => {
    const credential = `pm_${NOWHERE}_${mine.id}_${"a".repeat(40)}`;
    await call("PUT", "/v1/fragments/a", { credential, body: { content: "" } });
    await closeOf("/v1/ws/a?create=1", { credential });
    const isThere = async (namespace: DurableObjectNamespace, name: string) => {
      const ids = await listDurableObjectIds(namespace);
      return ids.some((id) => id.equals(namespace.idFromName(name)));
    };
    expect(await isThere(env.ACCESS, workspace)).toBe(true);
    expect(await isThere(env.ACCESS, NOWHERE)).toBe(false);
    expect(await isThere(env.CATALOGUE, NOWHERE)).toBe(false);
    expect(await isThere(env.FRAGMENT, `${NOWHERE}/a`)).toBe(false);
  });

  test("[ACCESS-5] a forged token costs no call at all", async () => {
    const admit = vi.spyOn(AccessObject.prototype, "admit");
    const has = vi.spyOn(DirectoryObject.prototype, "has");
    await call("GET", "/v1/tags", { credential: await forged({ alg: "HS256", typ }, "wrong".repeat(10)) });
    expect([admit.mock.calls.length, has.mock.calls.length]).toEqual([0, 0]);
  });
});

describe("the log", () => {
  test("[ACCESS-16] no credential and no secret is written, when requests succeed, are refused, and fail", async () => {
    const printed: unknown[][] = [];
    for (const method of ["debug", "error", "info", "log", "warn"] as const)
      vi.spyOn(console, method).mockImplementation((...args) => void printed.push(args));
    const { token } = await userToken(mine.key);
    const wrong = mine.key.replace(/.$/, (last) => (last === "a" ? "b" : "a"));
    const operator = await operatorToken(workspace);
    const id = freshId();
    await call("PUT", `/v1/fragments/${id}`, { credential: mine.key, body: { content: "" } });
    await joinJson(id, { query: `?token=${token}` });
    const everywhere = async () => {
      for (const credential of [mine.key, token, wrong, operator, `${token}x`]) {
        await call("GET", "/v1/tags", { credential });
        await call("GET", `/v1/fragments/${id}?token=${credential}`);
        await call("DELETE", `/v1/keys/${credential}`, { credential: mine.key });
        await closeOf(`/v1/ws/missing?token=${credential}`);
        await call("POST", "/v1/tokens", {
          credential: mine.key,
          body: { user: { id: "a" }, role: credential },
        });
      }
    };
    await everywhere();
    vi.spyOn(FragmentObject.prototype, "read").mockRejectedValue(new Error("the fragment fails"));
    await everywhere();
    vi.spyOn(AccessObject.prototype, "admit").mockImplementation(() => {
      throw new Error("the object fails");
    });
    const realNow = Date.now();
    vi.spyOn(Date, "now").mockReturnValue(realNow + 10_000);
    await everywhere();
    const log = printed
      .map((args) => args.map((one) => (one instanceof Error ? `${one.stack}` : String(one))).join(" "))
      .join("\n");
    expect(log).toContain("the fragment fails");
    expect(log).toContain("an access object could not be asked");
    const secrets = [mine.key, wrong, token, operator, TEST_SECRET].map((text) => text.slice(-20));
    for (const secret of secrets) expect(log).not.toContain(secret);
  });
});

async function sha256(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
