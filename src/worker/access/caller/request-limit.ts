import type { Context, Next } from "hono";
import { ANONYMOUS } from "../../../protocol/access.ts";
import { ERROR_STATUS, type Refusal } from "../../../protocol/errors.ts";
import { PLATFORM_PERIOD_S } from "../../../protocol/limits.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { addressOf } from "../audit/audit.ts";
import { callerName, count, isLimited, rateFault, tooMuch } from "./caller-rates.ts";
import { refuseCaller } from "./refuse-caller.ts";

/** Refuses callers that send too many requests. */
export async function limitRequests(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  const fault = isLimited(c.env) ? await requestFault(c) : null;
  if (fault !== null) return refuseCaller(c, fault);
  await next();
  return undefined;
}

/** Callers without a credential are told apart by their address, where there is one. */
async function requestFault(c: Context<AppEnv>): Promise<Refusal | null> {
  const access = c.get("access");
  const address = access.principal.id === ANONYMOUS.id ? addressOf(c.req.raw) : null;
  const caller = address === null ? callerName(access) : `${access.workspace}/${address}`;
  const fault = rateFault(c.env, caller, "requests");
  count(c.env, caller, "requests", 1);
  return fault ?? (await platformFault(c.env.CALLER_LIMIT, caller));
}

/**
 * Why no credential of this address is checked for the moment; null if it is. Only a flood of refused requests leads to
 * this, because others may call from the same address.
 */
export function strangerFault(c: Context<AppEnv>): Refusal | null {
  const address = addressOf(c.req.raw);
  return address === null ? null : rateFault(c.env, address, "refusals");
}

/** Counts a refused request by its address. Returns what it is told: the refusal, unless it is one of very many. */
export async function countStranger(c: Context<AppEnv>, why: Refusal): Promise<Refusal> {
  const address = addressOf(c.req.raw);
  if (address === null || ERROR_STATUS[why.code] !== 401 || !isLimited(c.env)) return why;
  count(c.env, address, "refusals", 1);
  return (await platformFault(c.env.STRANGER_LIMIT, address)) ?? why;
}

/** The platform counts for all isolates of a location. A self-hosted server has no such binding. */
async function platformFault(binding: RateLimit | undefined, key: string): Promise<Refusal | null> {
  if (binding === undefined) return null;
  const { success } = await binding.limit({ key });
  return success ? null : tooMuch("More requests came than one caller may send", PLATFORM_PERIOD_S);
}
