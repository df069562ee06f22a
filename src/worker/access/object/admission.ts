import { type Access, type Cap, narrowed } from "../../../protocol/access.ts";
import { done, type Result, refused } from "../../../protocol/errors.ts";
import type { OperatorClaims, UserClaims } from "../../../protocol/tokens.ts";
import type { EndedTokenTable } from "../../storage/access-ended-tokens.ts";
import type { KeyTable } from "../../storage/access-keys.ts";
import type { UserTable } from "../../storage/access-users.ts";
import { EXPIRED, NOT_VALID } from "../credentials.ts";
import type { IdentityProof } from "../identity/identity-provider.ts";
import type { KeyProof, Proof, SessionProof } from "../proof.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import { dayOf } from "./days.ts";

/** The cap of a grant that limits nothing. */
const NO_LIMIT: Cap = { role: "admin", prefixes: null };

export interface AdmissionPorts {
  readonly keys: KeyTable;
  readonly users: UserTable;
  readonly endedTokens: EndedTokenTable;
  readonly sessions: BrowserSessions;
}

/** Decides what a proof is worth now: the access that it gives, from what is stored about everything that it stands on. */
export class Admission {
  readonly #ports: AdmissionPorts;

  constructor(ports: AdmissionPorts) {
    this.#ports = ports;
  }

  /** Notes the day of the use, too. Only a token that is good but for its end is told that it has expired. */
  admit(proof: Proof, nowMs: number): Result<Access> {
    const access = this.#accessOf(proof, nowMs);
    if (access === null) return refused(NOT_VALID);
    return isPast(access.expiresAtMs, nowMs) ? refused(EXPIRED) : done(access);
  }

  /**
   * The most that an access may do that stands on this grant; null if the grant has ended.
   *
   * @param issuedAtMs when the credential was made that names the grant: a user's earlier credentials end with a block
   */
  capOf(grant: string, nowMs: number, issuedAtMs = nowMs): Cap | null {
    const [kind, id = ""] = splitGrant(grant);
    switch (kind) {
      case "key": {
        const key = this.#ports.keys.byId(id);
        return key === null || isPast(key.expiresAtMs, nowMs) ? null : key;
      }
      case "user": {
        const user = this.#ports.users.get(id);
        if (user === null) return NO_LIMIT;
        const hasEnded = user.isBlocked || (user.endedAtMs !== null && issuedAtMs <= user.endedAtMs);
        return hasEnded ? null : { role: user.role ?? "admin", prefixes: null };
      }
      case "token":
        return this.#ports.endedTokens.has(id) ? null : NO_LIMIT;
      case "session":
        return this.#ports.sessions.get(id, nowMs);
      default:
        return null;
    }
  }

  /** The most that all of the grants allow; null if one of them has ended. */
  capOfAll(grants: readonly string[], nowMs: number, issuedAtMs: number): Cap | null {
    let cap = NO_LIMIT;
    for (const grant of grants) {
      const limit = this.capOf(grant, nowMs, issuedAtMs);
      if (limit === null) return null;
      cap = narrowed(cap, limit);
    }
    return cap;
  }

  /** Null if the proof, or something that it stands on, is not good or not any more. A token may have expired. */
  #accessOf(proof: Proof, nowMs: number): Access | null {
    if (proof.kind === "key") return this.#keyAccess(proof, nowMs);
    if (proof.kind === "session") return this.#sessionAccess(proof, nowMs);
    if (proof.kind === "identity") return this.#identityAccess(proof, nowMs);
    return proof.claims.kind === "operator"
      ? this.#operatorAccess(proof.claims, nowMs)
      : this.#userAccess(proof.claims, nowMs);
  }

  #keyAccess({ workspace, hash }: KeyProof, nowMs: number): Access | null {
    const key = this.#ports.keys.byHash(hash);
    if (key === null || isPast(key.expiresAtMs, nowMs)) return null;
    this.#ports.keys.noteUse(key, dayOf(nowMs));
    const { id, name, role, prefixes, expiresAtMs } = key;
    const principal = { id: `key:${id}`, name, color: null };
    return { workspace, principal, role, prefixes, expiresAtMs, grants: [`key:${id}`] };
  }

  #userAccess(claims: UserClaims, nowMs: number): Access | null {
    const { workspace, user, issuedAtMs, expiresAtMs } = claims;
    const grants = [...claims.grants, `user:${user.id}`, `token:${claims.id}`];
    const limit = this.capOfAll(grants, nowMs, issuedAtMs);
    if (limit === null) return null;
    if (!isPast(expiresAtMs, nowMs)) this.#ports.users.noteSeen(user.id, user.name, dayOf(nowMs));
    const name = user.name ?? this.#ports.users.get(user.id)?.name ?? null;
    const principal = { id: `user:${user.id}`, name, color: user.color };
    return { workspace, principal, ...narrowed(claims, limit), expiresAtMs, grants };
  }

  #sessionAccess({ workspace, id, hash }: SessionProof, nowMs: number): Access | null {
    const session = this.#ports.sessions.show(id, hash, nowMs);
    if (session === null) return null;
    const grant = `user:${session.userId}`;
    const limit = this.capOf(grant, nowMs, session.createdAtMs);
    if (limit === null) return null;
    this.#ports.users.noteSeen(session.userId, null, dayOf(nowMs));
    const name = this.#ports.users.get(session.userId)?.name ?? null;
    return {
      workspace,
      principal: { id: grant, name, color: null },
      ...narrowed(session, limit),
      expiresAtMs: session.expiresAtMs,
      grants: [grant, `session:${id}`],
    };
  }

  #identityAccess(proof: IdentityProof, nowMs: number): Access | null {
    const { workspace, user, issuedAtMs, expiresAtMs } = proof;
    const grant = `user:${user.id}`;
    const limit = this.capOf(grant, nowMs, issuedAtMs);
    if (limit === null) return null;
    if (!isPast(expiresAtMs, nowMs)) this.#ports.users.noteSeen(user.id, user.name, dayOf(nowMs));
    const principal = { id: grant, name: user.name, color: null };
    return { workspace, principal, ...narrowed(proof, limit), expiresAtMs, grants: [grant] };
  }

  #operatorAccess({ id, workspace, expiresAtMs }: OperatorClaims, nowMs: number): Access | null {
    const grants = [`token:${id}`];
    if (this.capOf(`token:${id}`, nowMs) === null) return null;
    return { workspace, principal: OPERATOR, ...NO_LIMIT, expiresAtMs, grants };
  }
}

/** No key has this id. */
const OPERATOR = { id: "key:operator", name: "operator", color: null };

/** The id may hold colons. */
function splitGrant(grant: string): [kind: string, id: string] {
  const colon = grant.indexOf(":");
  return [grant.slice(0, colon), grant.slice(colon + 1)];
}

function isPast(timeMs: number | null, nowMs: number): boolean {
  return timeMs !== null && timeMs <= nowMs;
}
