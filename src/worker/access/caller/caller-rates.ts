import { type Rate, TokenBucket } from "../../../core/room/token-bucket.ts";
import type { Access } from "../../../protocol/access.ts";
import { type Refusal, refusal } from "../../../protocol/errors.ts";
import { CALLER_RATES } from "../../../protocol/limits.ts";
import { LatestMap } from "../../latest-map.ts";
import { isClosed } from "../settings.ts";

/**
 * How much each caller does, as this isolate has seen it. A caller that is served by several isolates may do more, and an
 * isolate that begins anew has seen nothing: these limits protect the server from floods, they are no quota. An open server
 * has none.
 */
type Kind = keyof typeof CALLER_RATES;

const EXCEEDED: Readonly<Record<Kind, string>> = {
  requests: "You send more requests than a caller may",
  creations: "You make more fragments than a caller may",
  expansions: "Your expansions read more fragments than a caller may",
  endings: "More tokens are ended with your key than one may end",
  refusals: "Too many requests from your address were refused",
};

/** Some 300 bytes each. */
const MAX_CALLERS = 10_000;
const callers = new LatestMap<string, Map<Kind, TokenBucket>>(MAX_CALLERS);

/** Counts what the caller does, also where it is too much. */
export function count(env: Env, caller: string, kind: Kind, amount: number): void {
  if (isLimited(env)) bucketOf(caller, kind).take(amount, Date.now());
}

/** Why the caller may do no more of this for the moment; null if it may. */
export function rateFault(env: Env, caller: string, kind: Kind): Refusal | null {
  if (!isLimited(env)) return null;
  const waitMs = bucketOf(caller, kind).waitMs(Date.now());
  return waitMs === 0 ? null : tooMuch(EXCEEDED[kind], waitMs / 1000);
}

/** The name under which a caller is counted. All callers without a credential are one, unless their address is known. */
export function callerName({ workspace, principal }: Access): string {
  return `${workspace}/${principal.id}`;
}

export function tooMuch(what: string, waitS: number): Refusal {
  const seconds = Math.ceil(waitS);
  return refusal("rate_limited", `${what}; try again in ${seconds} s.`, seconds);
}

export function isLimited(env: Env): boolean {
  return isClosed(env);
}

function bucketOf(caller: string, kind: Kind): TokenBucket {
  const buckets = callers.get(caller) ?? new Map<Kind, TokenBucket>();
  callers.set(caller, buckets);
  const rate: Rate = CALLER_RATES[kind];
  const bucket = buckets.get(kind) ?? new TokenBucket(rate);
  buckets.set(kind, bucket);
  return bucket;
}
