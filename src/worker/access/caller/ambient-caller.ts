import type { Context } from "hono";
import { done, type Result, refusal, refused } from "../../../protocol/errors.ts";
import { accessStub } from "../../addresses.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { digest } from "../../http/digest.ts";
import { isUpgrade } from "../../http/is-upgrade.ts";
import type { IdentityProvider } from "../identity/identity-provider.ts";
import type { Caller, SessionProof } from "../proof.ts";
import { makeSecret, parseSecret } from "../secret-text.ts";
import type { AccessSettings } from "../settings.ts";
import { clearSessionCookie, readSessionCookie, writeSessionCookie } from "../sign-in/session-cookie.ts";
import { isRenewable, type SessionCookie } from "../sign-in/session-cookie-value.ts";
import { knownCaller } from "./known-caller.ts";
import { ambientFault } from "./same-origin.ts";

const ENDED = refusal("unauthorised", "The browser session has ended; sign in again.");

/**
 * The caller whose credential is ambient: the browser has added a session cookie, or a proxy the header of an identity
 * provider. Null if the request has neither, or if they do not count and callers without any may come in, too. The cookie
 * comes first: a person who has signed in with an invitation means that user.
 */
export async function ambientCaller(
  c: Context<AppEnv>,
  settings: AccessSettings,
): Promise<Result<Caller> | null> {
  const cookie = readSessionCookie(c);
  const { identity } = settings;
  const token = headerToken(c, identity);
  if (cookie === null && token === null) return null;
  c.set("isAmbient", true);
  const isForeignAllowed = settings.anonymous !== null;
  const fault = ambientFault(c.req.raw, cookie === null ? "header" : "cookie");
  if (fault !== null) return fault.code === "forbidden" && isForeignAllowed ? null : refused(fault);
  const bySession = cookie === null ? null : await sessionCaller(c, cookie);
  if (bySession !== null) return bySession;
  if (token === null || identity === null) return isForeignAllowed ? null : refused(ENDED);
  return knownCaller(c, `header ${await digest(token)}`, () => identity.proofOf(token));
}

/** Sends the change of the cookie, and keeps the answer to this browser and to the pages of this server. */
export function finishAmbientAnswer(c: Context<AppEnv>): void {
  if (isUpgrade(c.req.raw)) return; // the headers of a 101 cannot be changed
  const change = c.get("cookieChange");
  if (change?.kind === "clear") clearSessionCookie(c);
  else if (change !== undefined) writeSessionCookie(c, change.cookie, change.expiresAtMs);
  if (c.get("isAmbient") !== true) return;
  c.header("Vary", "Cookie", { append: true });
  // No page elsewhere may load it, as a script or otherwise, where browsers do not say who asks.
  c.header("Cross-Origin-Resource-Policy", "same-origin");
  c.header("X-Content-Type-Options", "nosniff");
}

/** Null if there is no such session any more. */
async function sessionCaller(c: Context<AppEnv>, cookie: SessionCookie): Promise<Result<Caller> | null> {
  const proof = await sessionProof(cookie);
  const caller = proof === null ? null : await knownCaller(c, sessionName(proof), async () => done(proof));
  if (proof === null || caller === null || isEnded(caller)) {
    c.set("cookieChange", { kind: "clear" });
    return null;
  }
  if (caller.ok && !isUpgrade(c.req.raw) && isRenewable(cookie, Date.now())) await renew(c, proof);
  return caller;
}

function isEnded(caller: Result<Caller>): boolean {
  return !caller.ok && caller.refusal.code === "unauthorised";
}

/** The name under which recent-callers.ts knows a session: not the one of a key or token with the same text. */
export function sessionName({ hash }: SessionProof): string {
  return `session ${hash}`;
}

/** What the cookie says; null if it is not one of ours. */
export async function sessionProof({ secret }: SessionCookie): Promise<SessionProof | null> {
  const named = parseSecret("pms", secret);
  return named === null ? null : { kind: "session", ...named, hash: await digest(secret) };
}

/** Gives the browser its next secret. If that fails, the one that it has is good for longer. */
async function renew(c: Context<AppEnv>, { workspace, id, hash }: SessionProof): Promise<void> {
  const next = await makeSecret("pms", workspace, id);
  try {
    const expiresAtMs = await accessStub(c.env, workspace).renewSession(id, hash, next.hash);
    if (expiresAtMs === null) return;
    const cookie = { secret: next.text, issuedAtMs: Date.now() };
    c.set("cookieChange", { kind: "write", cookie, expiresAtMs });
  } catch (error) {
    console.error("a browser session could not be renewed", error);
  }
}

/** The token that the proxy in front has added; null if there is none, or if the operator has configured no header. */
function headerToken(c: Context<AppEnv>, identity: IdentityProvider | null): string | null {
  const name = identity?.settings.header ?? null;
  return name === null ? null : (c.req.header(name) ?? null);
}
