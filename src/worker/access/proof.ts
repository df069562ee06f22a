import type { Access, Workspace } from "../../protocol/access.ts";
import { type TokenClaims, verifyToken } from "../../protocol/tokens.ts";
import { digest } from "../http/digest.ts";
import { parseKey } from "./key-text.ts";

/**
 * What a caller has shown of itself, as far as it can be checked without asking an object. The workspace's access object
 * decides what it is still worth.
 */
export type Proof = KeyProof | TokenProof;

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

/** A caller, as a request has shown it. */
export interface Caller {
  readonly access: Access;
  /** Null for callers without credentials. */
  readonly proof: Proof | null;
}

/** Null if the text is neither a key nor a token of ours that is still good. */
export async function proofOf(
  credential: string,
  secrets: readonly string[],
  nowMs: number,
): Promise<Proof | null> {
  const key = parseKey(credential);
  if (key !== null) return { kind: "key", workspace: key.workspace, hash: await digest(credential) };
  const claims = await verifyToken(secrets, credential, nowMs);
  return claims === null ? null : { kind: "token", workspace: claims.workspace, claims };
}
