import type { Access, Workspace } from "../../protocol/access.ts";
import { done, type Result, refused } from "../../protocol/errors.ts";
import { type TokenClaims, verifyToken } from "../../protocol/tokens.ts";
import { digest } from "../http/digest.ts";
import { NOT_VALID } from "./credentials.ts";
import type { IdentityProof } from "./identity/identity-provider.ts";
import { parseSecret } from "./secret-text.ts";
import type { AccessSettings } from "./settings.ts";

/**
 * What a caller has shown of itself, as far as it can be checked without asking an object. The workspace's access object
 * decides what it is still worth.
 */
export type Proof = KeyProof | TokenProof | SessionProof | IdentityProof;

export interface KeyProof {
  readonly kind: "key";
  readonly workspace: Workspace;
  /** SHA-256 of the key's text. */
  readonly hash: string;
}

/** The signature was verified. */
export interface TokenProof {
  readonly kind: "token";
  readonly workspace: Workspace;
  readonly claims: TokenClaims;
}

/** The cookie of a browser session. */
export interface SessionProof {
  readonly kind: "session";
  readonly workspace: Workspace;
  readonly id: string;
  /** SHA-256 of the secret in the cookie. */
  readonly hash: string;
}

/** A caller, as a request has shown it. */
export interface Caller {
  readonly access: Access;
  /** Null for callers without credentials. */
  readonly proof: Proof | null;
}

/** The proof in a key, or in a token of ours or of the identity provider, also if that has expired. Anything else is refused. */
export async function proofOf(
  credential: string,
  { secrets, identity }: Pick<AccessSettings, "secrets" | "identity">,
  nowMs: number,
): Promise<Result<Proof>> {
  const key = parseSecret("pm", credential);
  if (key !== null) return done({ kind: "key", workspace: key.workspace, hash: await digest(credential) });
  if (identity?.claims(credential) === true) return identity.proofOf(credential);
  const claims = await verifyToken(secrets, credential, nowMs);
  return claims === null ? refused(NOT_VALID) : done({ kind: "token", workspace: claims.workspace, claims });
}
