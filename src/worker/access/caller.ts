import type { Context, Next } from "hono";
import type { Access } from "../../protocol/access.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { digest } from "../http/digest.ts";
import { refuse } from "../http/problem.ts";
import { isUpgrade } from "../http/upgrade.ts";
import { callerRefusal, refuseUpgrade } from "../sockets/refusal.ts";
import { admit } from "./admit.ts";
import { noteRefusedJoin } from "./audit-refusals.ts";
import { NOT_VALID, readCredential } from "./credentials.ts";
import { type Caller, proofOf } from "./proof.ts";
import { recall, remember } from "./recent-callers.ts";
import { accessSettings } from "./settings.ts";

/** Lets nothing through while the deployment is not set up. */
export async function requireSettings(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  const settings = accessSettings(c.env);
  if (!settings.ok) return refuse(c, settings.refusal);
  await next();
  return undefined;
}

/** Makes the caller's access, once per request. Everything behind it takes the access from the context. */
export async function makeCaller(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  const caller = await callerOf(c);
  if (!caller.ok) return refuseCaller(c, caller.refusal);
  c.set("access", caller.value.access);
  c.set("proof", caller.value.proof);
  // `?token=` is part of an address, by which a shared cache would find the answer. The headers of a 101 cannot be changed.
  if (caller.value.proof !== null && !isUpgrade(c)) c.header("Cache-Control", "private, no-cache");
  await next();
  return undefined;
}

/**
 * Makes the access anew for what lasts: the one that this isolate remembers may be some seconds old, and a change of it
 * may have been told before.
 */
export async function refreshCaller(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  const access = await freshAccess(c, null);
  if (!access.ok) return refuseCaller(c, access.refusal);
  c.set("access", access.value);
  await next();
  return undefined;
}

/**
 * The caller's access as it is now, for a socket: see `refreshCaller`.
 *
 * @param fragment the one that the socket joins; it will be told when the access changes
 */
export async function freshAccess(c: Context<AppEnv>, fragment: string | null): Promise<Result<Access>> {
  const proof = c.get("proof");
  return proof === null ? done(c.get("access")) : admit(c.env, proof, fragment);
}

async function callerOf(c: Context<AppEnv>): Promise<Result<Caller>> {
  const settings = accessSettings(c.env);
  if (!settings.ok) return settings;
  const { anonymous, secrets } = settings.value;
  const credential = readCredential(c.req.raw);
  if (!credential.ok) return credential;
  if (credential.value !== null) return knownCaller(c, credential.value, secrets);
  return anonymous === null ? refused(NOTHING_SHOWN) : done({ access: anonymous, proof: null });
}

const NOTHING_SHOWN = refusal(
  "unauthorised",
  "This needs a key or token: `Authorization: Bearer …`, or `?token=…`.",
);

async function knownCaller(
  c: Context<AppEnv>,
  credential: string,
  secrets: readonly string[],
): Promise<Result<Caller>> {
  const nowMs = Date.now();
  const name = await digest(credential);
  const recent = recall(name, nowMs);
  if (recent !== null) return done(recent);
  const proof = await proofOf(credential, secrets, nowMs);
  if (proof === null) return refused(NOT_VALID);
  c.set("proof", proof); // tells where a refusal is recorded
  const access = await admit(c.env, proof, null);
  if (!access.ok) return access;
  const caller = { access: access.value, proof };
  remember(name, caller, nowMs);
  return done(caller);
}

/** Refuses a request for what its caller has shown, or has not. */
function refuseCaller(c: Context<AppEnv>, why: Refusal): Response {
  if (isUpgrade(c) && why.code !== "not_configured") {
    const refusal = callerRefusal(why);
    noteRefusedJoin(c, refusal.code);
    return refuseUpgrade(c.req.raw, refusal);
  }
  if (why.code === "unauthorised")
    c.header("WWW-Authenticate", why === NOTHING_SHOWN ? "Bearer" : 'Bearer error="invalid_token"');
  return refuse(c, why);
}
