import type { Context, Next } from "hono";
import type { Access } from "../../../protocol/access.ts";
import { done, type Result, refused } from "../../../protocol/errors.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { digest } from "../../http/digest.ts";
import { isUpgrade } from "../../http/is-upgrade.ts";
import { refuse } from "../../http/problem.ts";
import { NOTHING_SHOWN, readCredential } from "../credentials.ts";
import { type Caller, proofOf } from "../proof.ts";
import { accessSettings } from "../settings.ts";
import { admit } from "./admit.ts";
import { ambientCaller, finishAmbientAnswer } from "./ambient-caller.ts";
import { knownCaller } from "./known-caller.ts";
import { refuseCaller } from "./refuse-caller.ts";
import { countStranger } from "./request-limit.ts";

/** Lets nothing through while the deployment is not set up. */
export async function requireSettings(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  const settings = accessSettings(c.env);
  if (!settings.ok) return refuse(c, settings.refusal);
  await next();
  return undefined;
}

/** Makes the caller's access, once per request. Everything behind it takes the access from the context. */
export async function makeCaller(c: Context<AppEnv>, next: Next): Promise<void> {
  const caller = await callerOf(c);
  if (caller.ok) {
    c.set("access", caller.value.access);
    c.set("proof", caller.value.proof);
    // `?token=` is part of an address, by which a shared cache would find the answer. The headers of a 101 cannot be changed.
    if (caller.value.proof !== null && !isUpgrade(c.req.raw)) c.header("Cache-Control", "private, no-cache");
    await next();
  } else c.res = refuseCaller(c, await countStranger(c, caller.refusal));
  finishAmbientAnswer(c);
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

/** The sender of the request, by its key, token, cookie or header. */
export async function callerOf(c: Context<AppEnv>): Promise<Result<Caller>> {
  const settings = accessSettings(c.env);
  if (!settings.ok) return settings;
  const { anonymous } = settings.value;
  const credential = readCredential(c.req.raw);
  if (!credential.ok) return credential;
  const shown = credential.value;
  if (shown !== null) {
    const prove = (nowMs: number) => proofOf(shown, settings.value, nowMs);
    return knownCaller(c, await digest(shown), prove);
  }
  // A page that sends a key or token means that one, not the cookie which the browser adds.
  const ambient = await ambientCaller(c, settings.value);
  if (ambient !== null) return ambient;
  return anonymous === null ? refused(NOTHING_SHOWN) : done({ access: anonymous, proof: null });
}
