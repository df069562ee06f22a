/**
 * Tokens: JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256 and nothing else. The server signs those of users, and the
 * operator's command line signs its own. Both are made and verified here, and only here.
 */
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { encodeUtf8 } from "lib0/string";
import * as v from "valibot";
import { type Cap, parseWorkspace, ROLES, type Workspace } from "./access.ts";
import { CLOCK_LEEWAY_MS, MAX_TOKEN_SECONDS, OPERATOR_TOKEN_SECONDS } from "./limits.ts";

const ALGORITHM = "HS256";
const ISSUER = "prompt-manager";
const AUDIENCE = "prompt-manager";

/** The `typ` of each kind, so that none passes for another one (RFC 8725, 3.11), and how long it may live. */
const KINDS = {
  user: { type: "pm-user+jwt", maxSeconds: MAX_TOKEN_SECONDS },
  operator: { type: "pm-operator+jwt", maxSeconds: OPERATOR_TOKEN_SECONDS },
} as const;

interface CommonClaims {
  /** `jti`: no other token has it. */
  readonly id: string;
  readonly workspace: Workspace;
  readonly issuedAtMs: number;
  /** In whole seconds; the rest is cut off. */
  readonly expiresAtMs: number;
}

/** What a token of a user says. */
export interface UserClaims extends CommonClaims, Cap {
  readonly kind: "user";
  readonly user: { readonly id: string; readonly name: string | null; readonly color: string | null };
  /** The grants of the access that made it: the token ends with each of them. */
  readonly grants: readonly string[];
}

/** What a token of the operator says: its holder is an admin of the workspace. */
export interface OperatorClaims extends CommonClaims {
  readonly kind: "operator";
  /** The workspace is made if there is none of this name. */
  readonly makesWorkspace: boolean;
}

export type TokenClaims = UserClaims | OperatorClaims;

/** Signs with the secret itself (auth-secret.ts). */
export function signToken(secret: string, claims: TokenClaims): Promise<string> {
  return new SignJWT(payloadOf(claims))
    .setProtectedHeader({ alg: ALGORITHM, typ: KINDS[claims.kind].type })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setJti(claims.id)
    .setIssuedAt(claims.issuedAtMs / 1000)
    .setExpirationTime(Math.floor(claims.expiresAtMs / 1000))
    .sign(encodeUtf8(secret));
}

/**
 * The claims of a token that one of the secrets has signed, and that is good now or was so until it expired; null for any
 * other text. The caller compares `expiresAtMs`.
 */
export async function verifyToken(
  secrets: readonly string[],
  token: string,
  nowMs: number,
): Promise<TokenClaims | null> {
  for (const secret of secrets) {
    const claims = await verifyWith(secret, token, nowMs);
    if (claims !== null) return claims;
  }
  return null;
}

async function verifyWith(secret: string, token: string, nowMs: number): Promise<TokenClaims | null> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, encodeUtf8(secret), {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ["exp", "iat", "jti"],
      currentDate: new Date(nowMs),
    });
    return claimsOf(payload, protectedHeader.typ, nowMs);
  } catch (error) {
    // jose throws for everything that is wrong with a token. It looks at the end last, so the rest of this one is right.
    if (!(error instanceof errors.JWTExpired)) return null;
    return claimsOf(error.payload, decodeProtectedHeader(token).typ, nowMs);
  }
}

const time = v.pipe(v.number(), v.finite(), v.minValue(0));
const nullableText = v.optional(v.nullable(v.string()), null);
const commonEntries = {
  jti: v.pipe(v.string(), v.minLength(1)),
  iat: time,
  exp: time,
  workspace: v.string(),
};
const UserPayloadSchema = v.object({
  ...commonEntries,
  sub: v.pipe(v.string(), v.minLength(1)),
  name: nullableText,
  color: nullableText,
  role: v.picklist(ROLES),
  prefixes: v.nullable(v.array(v.string())),
  grants: v.array(v.string()),
});
const OperatorPayloadSchema = v.object({ ...commonEntries, makes_workspace: v.boolean() });

function payloadOf(claims: TokenClaims): JWTPayload {
  const { workspace } = claims;
  if (claims.kind === "operator") return { workspace, makes_workspace: claims.makesWorkspace };
  const { user, role, prefixes, grants } = claims;
  return { workspace, sub: user.id, name: user.name, color: user.color, role, prefixes, grants };
}

/** Null for what `signToken` would not have signed. */
function claimsOf(payload: JWTPayload, type: string | undefined, nowMs: number): TokenClaims | null {
  const isUser = type === KINDS.user.type;
  if (!isUser && type !== KINDS.operator.type) return null;
  const parsed = v.safeParse(isUser ? UserPayloadSchema : OperatorPayloadSchema, payload);
  if (!parsed.success) return null;
  const { jti, iat, exp } = parsed.output;
  const workspace = parseWorkspace(parsed.output.workspace);
  if (workspace === null) return null;
  const { maxSeconds } = KINDS[isUser ? "user" : "operator"];
  const issuedAtMs = Math.round(iat * 1000);
  const expiresAtMs = exp * 1000;
  const latestMs = nowMs + CLOCK_LEEWAY_MS;
  if (issuedAtMs > latestMs || expiresAtMs > latestMs + maxSeconds * 1000) return null;
  const common = { id: jti, workspace, issuedAtMs, expiresAtMs };
  if (!("sub" in parsed.output))
    return { kind: "operator", ...common, makesWorkspace: parsed.output.makes_workspace };
  const { sub, name, color, role, prefixes, grants } = parsed.output;
  return { kind: "user", ...common, user: { id: sub, name, color }, role, prefixes, grants };
}
