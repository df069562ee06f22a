import {
  type Access,
  ANONYMOUS,
  parseWorkspace,
  type Role,
  WORKSPACE_RULE,
  type Workspace,
} from "../../protocol/access.ts";
import { SET_SECRET_COMMAND, secretFault } from "../../protocol/auth-secret.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { parseHosts } from "../../protocol/hosts.ts";
import { parseOrigins } from "../../protocol/origins.ts";
import { IdentityProvider } from "./identity/identity-provider.ts";
import { parseIdentitySettings } from "./identity/identity-settings.ts";

/** The callers that need no credential: none, programs and pages of this machine, or all that reach the port. */
export type Openness = "closed" | "loopback" | "anyone";

/** What the variables and secrets of the deployment say about access. */
export interface AccessSettings {
  readonly openness: Openness;
  /** The access of a caller without credentials; null if it may do nothing. */
  readonly anonymous: Access | null;
  /** The secrets that verify tokens; the first one signs. An open server may have none. */
  readonly secrets: readonly string[];
  /** Further host names of the server (http/hosts.ts). */
  readonly allowedHosts: readonly string[];
  /** Origins of the pages that may call, besides the server's own (http/origins.ts). */
  readonly allowedOrigins: readonly string[];
  /** Null if there is none. */
  readonly identity: IdentityProvider | null;
}

// Maps: an object would know "constructor", too.
const OPENNESS = new Map<string, Openness>([
  ["", "closed"],
  ["loopback", "loopback"],
  ["anyone", "anyone"],
]);
const ANONYMOUS_ROLES = new Map<string, Role | null>([
  ["", null],
  ["none", null],
  ["viewer", "viewer"],
  ["editor", "editor"],
]);

const known = new WeakMap<Env, Result<AccessSettings>>();

/** Whether callers need credentials, also while the settings are wrong. */
export function isClosed(env: Env): boolean {
  const settings = accessSettings(env);
  return !settings.ok || settings.value.openness === "closed";
}

/** Refuses with `not_configured` what cannot be meant, so that a slip never opens the server. */
export function accessSettings(env: Env): Result<AccessSettings> {
  const settings = known.get(env) ?? readSettings(env);
  known.set(env, settings);
  return settings;
}

function readSettings(env: Env): Result<AccessSettings> {
  const value = (name: keyof Env) => String(env[name] ?? "").trim();
  const openness = OPENNESS.get(value("OPEN_ACCESS"));
  if (openness === undefined) return fault('OPEN_ACCESS must be "", "loopback" or "anyone".');
  const role = ANONYMOUS_ROLES.get(value("ANONYMOUS_ROLE"));
  if (role === undefined) return fault('ANONYMOUS_ROLE must be "none", "viewer" or "editor".');
  const workspace = parseWorkspace(value("ANONYMOUS_WORKSPACE") || "default");
  if (workspace === null) return fault(`ANONYMOUS_WORKSPACE: ${WORKSPACE_RULE}`);
  const hosts = parseHosts(value("ALLOWED_HOSTS"));
  if (hosts.fault !== null) return fault(`ALLOWED_HOSTS: ${hosts.fault}`);
  const origins = parseOrigins(value("ALLOWED_ORIGINS"));
  if (origins.fault !== null) return fault(`ALLOWED_ORIGINS: ${origins.fault}`);
  const secrets: string[] = [];
  for (const name of ["AUTH_SECRET", "AUTH_SECRET_OLD"] as const) {
    const secret = value(name);
    if (secret === "") continue;
    const why = secretFault(secret);
    if (why !== null) return fault(`${name} ${why}. ${SET_SECRET}`);
    if (name === "AUTH_SECRET_OLD" && secrets.length === 0) continue; // it never signs
    secrets.push(secret);
  }
  if (openness === "closed" && secrets.length === 0) return fault(`AUTH_SECRET is not set. ${SET_SECRET}`);
  const anonymousRole = openness === "closed" ? role : "admin";
  const anonymous = anonymousRole === null ? null : anonymousAccess(workspace, anonymousRole);
  const identity = parseIdentitySettings(env);
  if (!identity.ok) return identity;
  const provider = identity.value === null ? null : new IdentityProvider(identity.value);
  return done({
    openness,
    anonymous,
    secrets,
    allowedHosts: hosts.names,
    allowedOrigins: origins.origins,
    identity: provider,
  });
}

/** An open server may do without a secret, until somebody wants a token. */
export const NO_SECRET = refusal(
  "not_configured",
  `Tokens need AUTH_SECRET. Set it with: ${SET_SECRET_COMMAND}`,
);

const SET_SECRET = `Set it with: ${SET_SECRET_COMMAND}`;

function fault(message: string): Result<never> {
  return refused(refusal("not_configured", message));
}

function anonymousAccess(workspace: Workspace, role: Role): Access {
  return { workspace, principal: ANONYMOUS, role, prefixes: null, expiresAtMs: null, grants: [] };
}
