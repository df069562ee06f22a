/**
 * The access of a caller: its identity and its rights. It is one value, made once per request and kept by each session. When
 * a token is renewed or a right is taken away, the whole value is replaced, never a part of it.
 */
import { type Refusal, refusal } from "./errors.ts";
import { MAX_SESSION_MS } from "./limits.ts";

declare const workspaceBrand: unique symbol;

/** The name of a tenant. It is part of each object's name, and contains no slash. Only `parseWorkspace` makes one. */
export type Workspace = string & { readonly [workspaceBrand]: true };

/** The rule in words, for error answers. */
export const WORKSPACE_RULE =
  'A workspace is named by 1 to 40 small letters, digits and "-", and starts with a letter or digit.';

/** Null if no workspace can have the name. */
export function parseWorkspace(name: string): Workspace | null {
  return /^[a-z0-9][a-z0-9-]{0,39}$/.test(name) ? (name as Workspace) : null; // checked against the rule
}

/** From the least to the most powerful. Each may do everything that the ones before it may. */
export const ROLES = ["viewer", "editor", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** The one that acts: `key:ID`, `user:ID` or `anonymous`, in one workspace. Sockets of anonymous callers have `anonymous:SESSION`. */
export interface Principal {
  readonly id: string;
  /** Verified: its session cannot choose another. Null for callers that are not known by name. */
  readonly name: string | null;
  /** A CSS colour; null if none was chosen for it. */
  readonly color: string | null;
}

/** What a right allows at most: a role, and the fragments for which it holds. */
export interface Cap {
  readonly role: Role;
  /**
   * Beginnings of ids; it holds for these fragments only. Null: for all. A `$` at the end of one stands for the end of the
   * id, so `team/greeting$` is one fragment, and `team/` is a folder.
   */
  readonly prefixes: readonly string[] | null;
}

export interface Access extends Cap {
  readonly workspace: Workspace;
  readonly principal: Principal;
  /** When it ends, in milliseconds since 1970; null if it has no end of its own. */
  readonly expiresAtMs: number | null;
  /**
   * What it stands on: `key:ID`, `user:ID`, `session:ID`, `token:ID`. Once one of them is revoked, the access has ended.
   * Empty for anonymous callers.
   */
  readonly grants: readonly string[];
}

/** The beginning of the ids of an identity provider's users. No other user has such an id. */
export const IDENTITY_USER_PREFIX = "idp:";

export const ANONYMOUS: Principal = { id: "anonymous", name: null, color: null };

/** Whether `role` may do what `needed` may do. */
export function reaches(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Whether the access holds for this fragment. A fragment for which it does not hold looks like one that does not exist. */
export function holdsFor({ prefixes }: Pick<Access, "prefixes">, id: string): boolean {
  return prefixes === null || prefixes.some((prefix) => `${id}$`.startsWith(prefix));
}

/** Whether a right allows nothing that `limit` does not allow. */
export function isWithin({ role, prefixes }: Cap, limit: Cap): boolean {
  if (!reaches(limit.role, role)) return false;
  if (limit.prefixes === null) return true;
  const outer = limit.prefixes;
  return prefixes?.every((prefix) => outer.some((one) => prefix.startsWith(one))) ?? false;
}

/** What two rights both allow. */
export function narrowed(a: Cap, b: Cap): Cap {
  return {
    role: reaches(a.role, b.role) ? b.role : a.role,
    prefixes: commonPrefixes(a.prefixes, b.prefixes),
  };
}

/** Why the caller may not read the fragment; null if it may. */
export function readFault(access: Access, id: string): Refusal | null {
  return holdsFor(access, id) ? null : refusal("not_found", `Fragment '${id}' not found.`);
}

/** Why the caller may not write the fragment; null if it may. */
export function writeFault(access: Access, id: string): Refusal | null {
  return readFault(access, id) ?? roleFault(access, "editor");
}

/** Why the caller may not do what this role may; null if it may. */
export function roleFault({ role }: Pick<Access, "role">, needed: Role): Refusal | null {
  if (reaches(role, needed)) return null;
  return refusal("forbidden", `This needs the role "${needed}"; the caller's is "${role}".`);
}

/** Why the caller may not do what is for admins and concerns the whole workspace; null if it may. */
export function adminOfAllFault({ role, prefixes }: Cap): Refusal | null {
  const fault = roleFault({ role }, "admin");
  if (fault !== null || prefixes === null) return fault;
  return refusal(
    "forbidden",
    "This concerns the whole workspace; the caller's access is limited to some ids.",
  );
}

/** When a session that begins now must end, in milliseconds since 1970; null if it may stay. */
export function sessionEndMs({ grants, expiresAtMs }: Access, nowMs: number): number | null {
  if (grants.length === 0) return expiresAtMs;
  return Math.floor(Math.min(expiresAtMs ?? Number.POSITIVE_INFINITY, nowMs + MAX_SESSION_MS));
}

/** A grant that was lowered, or has ended. */
export interface AccessChange {
  readonly grant: string;
  /** The most that such an access may do from now on; null if it has ended. */
  readonly cap: Cap | null;
}

/** The access after the change: the same value if it does not stand on the grant, null if it has ended. Never more than before. */
export function lowered(access: Access, { grant, cap }: AccessChange): Access | null {
  if (!access.grants.includes(grant)) return access;
  if (cap === null) return null;
  return { ...access, ...narrowed(access, cap) };
}

/** The beginnings of exactly those ids that begin with one of each list. Null stands for all ids. */
export function commonPrefixes(a: Access["prefixes"], b: Access["prefixes"]): Access["prefixes"] {
  if (a === null) return b;
  if (b === null) return a;
  const within = (these: readonly string[], those: readonly string[]) =>
    these.filter((one) => those.some((other) => one.startsWith(other)));
  return [...new Set([...within(a, b), ...within(b, a)])];
}
