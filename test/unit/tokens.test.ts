/** Tokens as text: what is signed is read again, and nothing else is. */
import { SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, test } from "vitest";
import { parseWorkspace } from "../../src/protocol/access.ts";
import { secretFault } from "../../src/protocol/auth-secret.ts";
import { signToken, type UserClaims, verifyToken } from "../../src/protocol/tokens.ts";
import { TEST_SECRET } from "../support/test-secret.ts";

const SECRET = TEST_SECRET;
const OLD_SECRET = "b2xkLXNlY3JldC1hYmNkZWZnaGlqa2xtbm9wcXJzdHU=";
const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const workspace = parseWorkspace("acme");
if (workspace === null) throw new Error("no workspace can have the name");

const CLAIMS: UserClaims = {
  kind: "user",
  id: "jti",
  workspace,
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + HOUR_MS,
  user: { id: "anna", name: "Anna", color: null },
  role: "editor",
  prefixes: ["team/"],
  grants: ["key:k"],
};

/** The payload of a good token. */
const PAYLOAD = {
  iss: "prompt-manager",
  aud: "prompt-manager",
  jti: "jti",
  iat: NOW_MS / 1000,
  exp: (NOW_MS + HOUR_MS) / 1000,
  sub: "anna",
  workspace: "acme",
  role: "editor",
  prefixes: null,
  grants: [],
};
const TYPE = "pm-user+jwt";

function sign(
  payload: object,
  header: { alg?: string; typ?: string } = {},
  secret = SECRET,
): Promise<string> {
  const { alg = "HS256", typ = TYPE } = header;
  return new SignJWT({ ...payload })
    .setProtectedHeader({ alg, ...(typ === "" ? {} : { typ }) })
    .sign(new TextEncoder().encode(secret));
}

const verify = (token: string, secrets = [SECRET], nowMs = NOW_MS) => verifyToken(secrets, token, nowMs);

describe("tokens", () => {
  test("[ACCESS-6] a token says what was signed, when it is verified in time", async () => {
    expect(await verify(await signToken(SECRET, CLAIMS))).toEqual(CLAIMS);
    const operator = {
      kind: "operator",
      id: "o",
      workspace,
      makesWorkspace: true,
      issuedAtMs: NOW_MS,
      expiresAtMs: NOW_MS + 300_000,
    } as const;
    expect(await verify(await signToken(SECRET, operator))).toEqual(operator);
  });

  test("[ACCESS-21] a token that has expired says what it said before, when the rest of it is right", async () => {
    const later = CLAIMS.expiresAtMs + 30 * DAY_MS;
    const expired = await signToken(SECRET, CLAIMS);
    for (const nowMs of [CLAIMS.expiresAtMs - 1, CLAIMS.expiresAtMs, later])
      expect(await verify(expired, [OLD_SECRET, SECRET], nowMs)).toEqual(CLAIMS);
    expect(await verify(expired, [OLD_SECRET], later)).toBeNull();
    for (const wrong of [{ iss: "other" }, { aud: "other" }, { nbf: later / 1000 + 600 }, { role: "owner" }])
      expect(await verify(await sign({ ...PAYLOAD, ...wrong }), [SECRET], later)).toBeNull();
    expect(await verify(await sign(PAYLOAD, { typ: "JWT" }), [SECRET], later)).toBeNull();
  });

  test("[ACCESS-6] a token keeps its time of issue to the millisecond", async () => {
    const claims = { ...CLAIMS, issuedAtMs: NOW_MS + 123 };
    expect(await verify(await signToken(SECRET, claims), [SECRET], NOW_MS + 200)).toEqual(claims);
  });

  test.each<[string, object]>([
    ["another issuer", { iss: "other" }],
    ["no issuer", { iss: undefined }],
    ["another audience", { aud: "other" }],
    ["no audience", { aud: undefined }],
    ["no end", { exp: undefined }],
    ["an end that is no number", { exp: "tomorrow" }],
    ["an end two days away", { exp: (NOW_MS + 2 * DAY_MS) / 1000 }],
    ["an endless end", { exp: 1e308 }],
    ["no time of issue", { iat: undefined }],
    ["a time of issue to come", { iat: NOW_MS / 1000 + 600 }],
    ["a start to come", { nbf: NOW_MS / 1000 + 600 }],
    ["no id", { jti: undefined }],
    ["an empty id", { jti: "" }],
    ["no user", { sub: undefined }],
    ["no workspace", { workspace: undefined }],
    ["a workspace with a slash", { workspace: "acme/x" }],
    ["an unknown role", { role: "owner" }],
    ["prefixes that are no list", { prefixes: "team/" }],
    ["no grants", { grants: undefined }],
  ])("[ACCESS-6] a token with %s is refused", async (_, changed) => {
    expect(await verify(await sign(PAYLOAD))).not.toBeNull();
    expect(await verify(await sign({ ...PAYLOAD, ...changed }))).toBeNull();
  });

  test.each(["", "JWT", "pm-operator+jwt", "PM-USER", "at+jwt"])(
    "[ACCESS-6] a token of the type '%s' is refused, when it speaks of a user or of the operator",
    async (typ) => {
      expect(await verify(await sign(PAYLOAD, { typ }))).toBeNull();
      if (typ === "pm-operator+jwt") return;
      const operator = { ...PAYLOAD, exp: NOW_MS / 1000 + 60, makes_workspace: true, role: undefined };
      expect(await verify(await sign(operator, { typ: "pm-operator+jwt" }))).not.toBeNull();
      expect(await verify(await sign(operator, { typ }))).toBeNull();
    },
  );

  test("[ACCESS-8] an operator's token is refused, when it lasts longer than five minutes", async () => {
    const payload = { ...PAYLOAD, makes_workspace: true };
    const ofMinutes = (minutes: number) =>
      sign({ ...payload, exp: NOW_MS / 1000 + minutes * 60 }, { typ: "pm-operator+jwt" });
    expect(await verify(await ofMinutes(5))).not.toBeNull();
    expect(await verify(await ofMinutes(10))).toBeNull();
  });

  test("[ACCESS-6] a token of another algorithm is refused, with the right secret, a public key, or none", async () => {
    expect(await verify(new UnsecuredJWT({ ...PAYLOAD }).encode())).toBeNull();
    const bytes = "x".repeat(64) + SECRET;
    for (const alg of ["HS384", "HS512"])
      expect(await verify(await sign(PAYLOAD, { alg }, bytes), [bytes])).toBeNull();
    const [, payload, signature] = (await sign(PAYLOAD)).split(".");
    for (const alg of ["none", "None", "NONE", "RS256", "ES256", "HS256 ", ""]) {
      const header = Buffer.from(JSON.stringify({ alg, typ: TYPE })).toString("base64url");
      expect(await verify(`${header}.${payload}.${signature}`), alg).toBeNull();
      expect(await verify(`${header}.${payload}.`), alg).toBeNull();
    }
  });

  test("[ACCESS-6] a token is refused, when one character of any part is another one", async () => {
    const token = await signToken(SECRET, CLAIMS);
    for (const part of [0, 1, 2]) {
      const parts = token.split(".");
      const text = parts[part] ?? "";
      parts[part] = `${text.slice(0, 4)}${text[4] === "A" ? "B" : "A"}${text.slice(5)}`;
      expect(await verify(parts.join(".")), `part ${part}`).toBeNull();
    }
    for (const cut of [token.slice(0, -1), token.slice(1), `${token}.`, `${token}A`, `.${token}`])
      expect(await verify(cut)).toBeNull();
  });

  test("[ACCESS-7] a token is taken, when the old secret has signed it, and refused with another one", async () => {
    const token = await signToken(OLD_SECRET, CLAIMS);
    expect(await verify(token, [SECRET, OLD_SECRET])).toEqual(CLAIMS);
    expect(await verify(token, [SECRET])).toBeNull();
    expect(await verify(token, [])).toBeNull();
  });
});

describe("secrets", () => {
  test("[ACCESS-2] a secret is taken, when it is 32 random bytes in base64, padded or not", () => {
    for (const secret of [SECRET, SECRET.replace("=", ""), OLD_SECRET])
      expect(secretFault(secret)).toBeNull();
  });

  test("[ACCESS-2] a secret is refused, when it is short or repeats itself, and the reason does not repeat it", () => {
    for (const secret of [
      "",
      "change-me",
      SECRET.slice(0, 42),
      "a".repeat(64),
      "abcdefghijklmno".repeat(4),
    ]) {
      const fault = secretFault(secret);
      expect(fault).not.toBeNull();
      if (secret !== "") expect(fault).not.toContain(secret);
    }
  });
});
