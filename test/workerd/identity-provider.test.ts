/** Tokens of an identity provider, whose keys a test hands out itself. */
import { SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  IDENTITY_KEYS_KEPT_MS,
  IDENTITY_KEYS_PAUSE_MS,
  IDENTITY_KEYS_RETRY_MS,
} from "../../src/protocol/limits.ts";
import { IdentityProvider } from "../../src/worker/access/identity/identity-provider.ts";
import { parseIdentitySettings } from "../../src/worker/access/identity/identity-settings.ts";
import { IdentityIssuer } from "../support/identity-issuer.ts";

let issuers = 0;
const RULES = [{ when: {}, workspace: "acme", role: "editor" }];
const TEN_MINUTES_MS = 600_000;

let issuer: IdentityIssuer;
let provider: IdentityProvider;
/** Requests for the keys. */
let requests: number;
/** Whether the provider answers them. */
let isUp: boolean;

beforeEach(async () => {
  issuer = await IdentityIssuer.make(`https://login-${++issuers}.example`, "prompts");
  provider = providerOf();
  requests = 0;
  isUp = true;
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    requests++;
    return isUp ? Response.json(await issuer.keySet()) : new Response("down", { status: 502 });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function providerOf(): IdentityProvider {
  const settings = parseIdentitySettings({
    IDENTITY_ISSUER: issuer.issuer,
    IDENTITY_AUDIENCE: "other, prompts",
    IDENTITY_JWKS_URL: `${issuer.issuer}/keys`,
    IDENTITY_RULES: JSON.stringify(RULES),
  });
  if (!settings.ok || settings.value === null) throw new Error("the settings are good");
  return new IdentityProvider(settings.value);
}

/** The code of the refusal; null if the token is taken. */
async function refusalOf(token: string): Promise<string | null> {
  const access = await provider.proofOf(token);
  return access.ok ? null : access.refusal.code;
}

function pass(timeMs: number): void {
  vi.setSystemTime(Date.now() + timeMs);
}

describe("a token", () => {
  test("[IDP-1] it gives what its rule gives, as a user whose id no invitation can have, until it expires", async () => {
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const token = await issuer.sign({ sub: "auth0|7", name: "Ann", exp });
    expect(provider.claims(token)).toBe(true);
    expect(await provider.proofOf(token)).toEqual({
      ok: true,
      value: {
        kind: "identity",
        workspace: "acme",
        role: "editor",
        prefixes: null,
        user: { id: "idp:auth0|7", name: "Ann" },
        issuedAtMs: expect.any(Number),
        expiresAtMs: exp * 1_000,
      },
    });
  });

  test.each(["RS256", "ES256", "EdDSA"])(
    "[IDP-1] it is taken, when it is signed with %s",
    async (algorithm) => {
      issuer = await IdentityIssuer.make(issuer.issuer, "prompts", algorithm);
      expect(await refusalOf(await issuer.sign({}))).toBeNull();
    },
  );

  test.each(["RS384", "PS256", "ES384"])(
    "[IDP-1] it is refused, when it is signed with %s",
    async (algorithm) => {
      issuer = await IdentityIssuer.make(issuer.issuer, "prompts", algorithm);
      expect(await refusalOf(await issuer.sign({}))).toBe("unauthorised");
    },
  );

  test.each<[string, Record<string, unknown>]>([
    ["does not hold yet", { nbf: 4_000_000_000 }],
    ["never expires", { exp: undefined }],
    ["is for another service", { aud: "prompts.example" }],
    ["is for nobody", { aud: undefined }],
    ["is of another issuer", { iss: "https://evil.example" }],
    ["names nobody", { sub: undefined }],
    ["has an empty subject", { sub: "" }],
    ["has an endless subject", { sub: "s".repeat(256) }],
  ])("[IDP-1] it is refused, when it %s", async (_, claims) => {
    expect(await refusalOf(await issuer.sign(claims))).toBe("unauthorised");
  });

  test("[IDP-1] it is refused, when it is signed otherwise than with a key of the provider", async () => {
    const claims = {
      iss: issuer.issuer,
      aud: "prompts",
      sub: "eve",
      exp: Math.floor(Date.now() / 1_000) + 60,
    };
    const { keys } = await issuer.keySet();
    const kid = keys[0]?.kid ?? "";
    // The public key as a secret: whoever takes the algorithm from the token would accept it.
    const secret = new TextEncoder().encode(JSON.stringify(keys[0]));
    const stranger = await IdentityIssuer.make(issuer.issuer, "prompts");
    const tokens = [
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid }).sign(secret),
      await stranger.sign({ sub: "eve" }, kid),
      (await issuer.sign({})).replace(/\.[^.]+$/, "."),
      (await issuer.sign({})).replace(/\.[^.]+\./, `.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.`),
      "a.b.c",
      "",
    ];
    for (const token of tokens) expect(await refusalOf(token), token).toBe("unauthorised");
  });

  test("[ACCESS-21] it says when it expired, when the rest of it is right", async () => {
    const exp = 1_700_000_000;
    expect(await provider.proofOf(await issuer.sign({ exp }))).toMatchObject({
      value: { expiresAtMs: exp * 1_000 },
    });
    expect(await refusalOf(await issuer.sign({ exp, aud: "prompts.example" }))).toBe("unauthorised");
    expect(await refusalOf(await issuer.sign({ exp, sub: "" }))).toBe("unauthorised");
  });

  test("[IDP-1] it says in one sentence why it is refused, without what is in it", async () => {
    const answer = await provider.proofOf(await issuer.sign({ sub: "subject-1", nbf: 4_000_000_000 }));
    expect(answer).toMatchObject({
      refusal: {
        message: "The token of the identity provider was not accepted: its claim `nbf` is wrong.",
      },
    });
  });
});

describe("the name of a user", () => {
  test.each<[object, string | null]>([
    [{ name: " ", preferred_username: "ann", email: "ann@example.com" }, "ann"],
    [{ email: "Ann@Example.com" }, "ann@example.com"],
    [{ email: "ann@example.com", email_verified: false }, null],
    [{ name: { first: "Ann" } }, null],
    [{ name: `${"a".repeat(199)}😀` }, `${"a".repeat(199)}\ufffd`],
  ])("[IDP-3] it is made of %j", async (claims, name) => {
    expect(await provider.proofOf(await issuer.sign({ ...claims }))).toMatchObject({
      value: { user: { name } },
    });
  });
});

describe("the keys of the provider", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
  });

  test("[IDP-4] they are fetched once for many tokens", async () => {
    for (let times = 0; times < 5; times++) expect(await refusalOf(await issuer.sign({}))).toBeNull();
    expect(requests).toBe(1);
  });

  test("[IDP-4] a new key is found, and the old one forgotten, when the provider has renewed it", async () => {
    const old = await issuer.sign({});
    expect(await refusalOf(old)).toBeNull();
    await issuer.rotate();
    pass(IDENTITY_KEYS_PAUSE_MS);
    expect(await refusalOf(await issuer.sign({}))).toBeNull();
    expect(await refusalOf(old)).toBe("unauthorised");
  });

  test("[IDP-4] a thousand tokens with invented keys cause one request, and honest ones are taken meanwhile", async () => {
    expect(await refusalOf(await issuer.sign({}))).toBeNull();
    pass(IDENTITY_KEYS_PAUSE_MS);
    const invented = await issuer.sign({}, "invented");
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => refusalOf(invented)));
    expect(new Set(answers)).toEqual(new Set(["unauthorised"]));
    expect(requests).toBe(2);
    expect(await refusalOf(await issuer.sign({}))).toBeNull();
  });

  test("[IDP-4] requests of a page that has just loaded are all answered, when no keys are known yet", async () => {
    const token = await issuer.sign({});
    const answers = await Promise.all(Array.from({ length: 30 }, () => refusalOf(token)));
    expect(new Set(answers)).toEqual(new Set([null]));
  });

  test("[IDP-5] the known keys stay in use for a day, when the provider does not answer", async () => {
    const exp = Math.floor(Date.now() / 1_000) + 200_000;
    const token = await issuer.sign({ exp });
    expect(await refusalOf(token)).toBeNull();
    isUp = false;
    pass(TEN_MINUTES_MS);
    expect([await refusalOf(token), await refusalOf(token), requests]).toEqual([null, null, 2]);
    expect(await refusalOf(await issuer.sign({ exp }, "invented"))).toBe("unauthorised");
    pass(IDENTITY_KEYS_KEPT_MS - TEN_MINUTES_MS - 1);
    expect(await refusalOf(token)).toBeNull();
    pass(1);
    expect(await refusalOf(token)).toBe("unavailable");
    isUp = true;
    pass(IDENTITY_KEYS_PAUSE_MS);
    expect(await refusalOf(token)).toBeNull();
  });

  test("[IDP-5] nobody gets in and the provider is asked once in a while, when it has never answered", async () => {
    isUp = false;
    const token = await issuer.sign({});
    for (let times = 0; times < 10; times++) expect(await refusalOf(token)).toBe("unavailable");
    expect(requests).toBe(1);
    isUp = true;
    pass(IDENTITY_KEYS_RETRY_MS);
    expect(await refusalOf(token)).toBeNull();
  });

  test("[IDP-5] an answer without keys counts as none", async () => {
    vi.mocked(globalThis.fetch).mockImplementation(async () => Response.json({ error: "later" }));
    expect(await refusalOf(await issuer.sign({}))).toBe("unavailable");
  });
});
