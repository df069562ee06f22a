import type { Context } from "hono";
import type { Workspace } from "../../../protocol/access.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../../protocol/errors.ts";
import { accessStub, directoryStub } from "../../addresses.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { digest } from "../../http/digest.ts";
import { addressOf, auditRepeated } from "../audit/audit.ts";
import { sessionName, sessionProof } from "../caller/ambient-caller.ts";
import { forget } from "../caller/recent-callers.ts";
import { countStranger, strangerFault } from "../caller/request-limit.ts";
import type { SignedIn } from "../object/people-calls.ts";
import { makeSecret, parseSecret } from "../secret-text.ts";
import { browserName } from "./browser-name.ts";
import { readSessionCookie } from "./session-cookie.ts";

/** How a person comes in with an invitation, and leaves. The cookie changes with the answer. */

/** Also for a link to a workspace that does not exist. */
const UNKNOWN = refusal(
  "forbidden",
  "This link is not valid. It may have been copied only in part: compare it with the one that you were given.",
);

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
  const hash = await digest(text);
  const signedIn = await attempt(
    c,
    workspace,
    (object): Promise<Result<SignedIn>> => object.signIn(hash, session, addressOf(c.req.raw)),
  );
  if (!signedIn.ok) {
    const { code } = signedIn.refusal;
    if (code === "unauthorised") return UNKNOWN;
    const failed = { action: "signed_in", on: named.id, result: code } as const;
    if (code === "forbidden") auditRepeated(c, failed, { workspace, principal: null });
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
    const left = await attempt(c, workspace, async (object) => {
      const why = await object.signOut(id, hash, sessions, addressOf(c.req.raw));
      return why === null ? done(null) : refused(why);
    });
    if (!left.ok && left.refusal.code !== "unauthorised") return left.refusal;
    forget(sessionName(proof));
  }
  c.set("cookieChange", { kind: "clear" });
  return null;
}

/**
 * Calls the workspace, if it exists; else it is refused as what is not valid, and takes as long. Secrets that are not valid
 * are counted like refused keys.
 */
async function attempt<T>(
  c: Context<AppEnv>,
  workspace: Workspace,
  make: (object: ReturnType<typeof accessStub>) => Promise<Result<T>>,
): Promise<Result<T>> {
  const flood = strangerFault(c);
  if (flood !== null) return refused(flood);
  try {
    const directory = directoryStub(c.env);
    const isThere = await directory.has(workspace);
    const made = isThere ? await make(accessStub(c.env, workspace)) : await directory.refuse();
    return made.ok ? made : refused(await countStranger(c, made.refusal));
  } catch (error) {
    console.error("an access object could not be asked", error);
    return refused(UNAVAILABLE);
  }
}
