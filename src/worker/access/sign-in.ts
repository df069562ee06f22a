import type { Context } from "hono";
import { done, type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import { accessStub, directoryStub } from "../addresses.ts";
import type { AppEnv } from "../http/app-env.ts";
import { digest } from "../http/digest.ts";
import { sessionProof } from "./ambient-caller.ts";
import { addressOf, auditRepeated } from "./audit.ts";
import { browserName } from "./browser-name.ts";
import { UNKNOWN } from "./invitations.ts";
import type { SignedIn } from "./people-calls.ts";
import { makeSecret, parseSecret } from "./secret-text.ts";
import { readSessionCookie } from "./session-cookie.ts";

/** How a person comes in with an invitation, and leaves. The cookie changes with the answer. */

const UNAVAILABLE = refusal("unavailable", "This cannot be done at the moment. Try again in a minute.");

/**
 * Uses an invitation for this browser. The session that the browser has had ends. Null on success.
 *
 * @param given the invitation, or the whole link
 */
export async function signIn(c: Context<AppEnv>, given: string): Promise<Refusal | null> {
  const text = given.slice(given.lastIndexOf("#") + 1).trim();
  const named = parseSecret("pmi", text);
  if (named === null) return UNKNOWN;
  const { workspace } = named;
  const secret = await makeSecret("pms", workspace);
  const session = {
    id: secret.id,
    hash: secret.hash,
    browser: browserName(c.req.header("User-Agent") ?? ""),
  };
  const signedIn = await attempt(async (): Promise<Result<SignedIn>> => {
    if (!(await directoryStub(c.env).has(workspace))) return refused(UNKNOWN);
    return accessStub(c.env, workspace).signIn(await digest(text), session, addressOf(c.req.raw));
  });
  if (!signedIn.ok) {
    const failed = { action: "signed_in", on: named.id, result: signedIn.refusal.code } as const;
    if (signedIn.refusal.message !== UNKNOWN.message)
      auditRepeated(c, failed, { workspace, principal: null });
    return signedIn.refusal;
  }
  await signOut(c, "this");
  const cookie = { secret: secret.text, issuedAtMs: Date.now() };
  c.set("cookieChange", { kind: "write", cookie, expiresAtMs: signedIn.value.expiresAtMs });
  return null;
}

/** Ends the session of this browser, or all sessions of its user. Null on success, and if there is none. */
export async function signOut(c: Context<AppEnv>, sessions: "this" | "all"): Promise<Refusal | null> {
  const cookie = readSessionCookie(c);
  if (cookie === null) return null;
  const proof = await sessionProof(cookie);
  if (proof !== null) {
    const { workspace, id, hash } = proof;
    const left = await attempt(async () => {
      if (await directoryStub(c.env).has(workspace))
        await accessStub(c.env, workspace).signOut(id, hash, sessions, addressOf(c.req.raw));
      return done(null);
    });
    if (!left.ok) return left.refusal;
  }
  c.set("cookieChange", { kind: "clear" });
  return null;
}

async function attempt<T>(make: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await make();
  } catch (error) {
    console.error("an access object could not be asked", error);
    return refused(UNAVAILABLE);
  }
}
