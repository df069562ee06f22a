import { type Access, type Cap, isWithin, narrowed } from "../../protocol/access.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import { prefixOf } from "../../protocol/prefixes.ts";
import type { TokenCreate } from "../../protocol/principals.ts";
import { signToken, type UserClaims } from "../../protocol/tokens.ts";
import { idFromBody } from "../http/fragment-id.ts";
import { NO_SECRET } from "./settings.ts";
import { makeTokenId } from "./token-id.ts";

/** Why the caller may not make tokens; null if it may. A key may, whatever its role, and so may an admin. */
export function makerFault({ principal, role }: Access): Refusal | null {
  if (principal.id.startsWith("key:") || role === "admin") return null;
  return refusal("forbidden", "Tokens are made and ended with a key, or by an admin.");
}

/**
 * Makes a token for a user. It has at most the rights of the access that makes it, stands on the same grants, and ends
 * no later.
 *
 * @param secrets the first one signs
 */
export async function mintToken(
  access: Access,
  asked: TokenCreate,
  secrets: readonly string[],
  nowMs: number,
): Promise<Result<{ readonly token: string; readonly claims: UserClaims }>> {
  const fault = makerFault(access);
  if (fault !== null) return refused(fault);
  const cap = askedCap(access, asked);
  if (!cap.ok) return cap;
  if (!isWithin(cap.value, access))
    return refused(refusal("forbidden", "A token can have at most the rights of its maker."));
  const [secret] = secrets;
  if (secret === undefined) return refused(NO_SECRET);
  const { id, name = null, color = null } = asked.user;
  const untilMs = nowMs + asked.ttl_seconds * 1000;
  const claims: UserClaims = {
    kind: "user",
    id: makeTokenId(),
    workspace: access.workspace,
    issuedAtMs: nowMs,
    expiresAtMs: Math.min(untilMs, access.expiresAtMs ?? untilMs),
    user: { id, name, color },
    ...cap.value,
    grants: access.grants,
  };
  return done({ token: await signToken(secret, claims), claims });
}

function askedCap(access: Access, { role, prefixes, fragment }: TokenCreate): Result<Cap> {
  const { role: usual } = narrowed(access, { role: "editor", prefixes: null });
  const cap = { role: role ?? usual, prefixes: prefixes === undefined ? access.prefixes : prefixes };
  if (fragment === undefined) return done(cap);
  const id = idFromBody(fragment, "fragment");
  return id.ok ? done({ ...cap, prefixes: [prefixOf(id.value)] }) : id;
}
