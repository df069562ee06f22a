import type { Context } from "hono";
import { done, type Result, refused } from "../../../protocol/errors.ts";
import type { AppEnv } from "../../http/app-env.ts";
import type { Caller, Proof } from "../proof.ts";
import { admit } from "./admit.ts";
import { recall, remember } from "./recent-callers.ts";
import { strangerFault } from "./request-limit.ts";

/**
 * The caller with this proof: as this isolate was told a short time ago, or as its workspace says now.
 *
 * @param name the same for every request with the same credential, and different for any other
 */
export async function knownCaller(
  c: Context<AppEnv>,
  name: string,
  prove: (nowMs: number) => Promise<Result<Proof>>,
): Promise<Result<Caller>> {
  const nowMs = Date.now();
  const recent = recall(name, nowMs);
  if (recent !== null) return done(recent);
  const flood = strangerFault(c);
  if (flood !== null) return refused(flood);
  const proof = await prove(nowMs);
  if (!proof.ok) return proof;
  c.set("proof", proof.value); // tells where a refusal is recorded
  const access = await admit(c.env, proof.value, null);
  if (!access.ok) return access;
  const caller = { access: access.value, proof: proof.value };
  remember(name, caller, nowMs);
  return done(caller);
}
