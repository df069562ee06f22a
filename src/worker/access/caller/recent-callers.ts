import { LatestMap } from "../../latest-map.ts";
import type { Caller } from "../proof.ts";

/** A revoked key works for at most this much longer over REST. Refusals are not remembered at all. */
const REMEMBERED_MS = 5_000;
/** About 2 KB each. */
const MAX_REMEMBERED = 5_000;

/** The callers that this isolate was told of a short time ago, by the digests of their credentials. */
const callers = new LatestMap<string, { readonly caller: Caller; readonly untilMs: number }>(MAX_REMEMBERED);

/** Null if the caller must be checked. */
export function recall(name: string, nowMs: number): Caller | null {
  const known = callers.get(name);
  if (known === undefined) return null;
  if (nowMs < known.untilMs) return known.caller;
  callers.delete(name);
  return null;
}

/** The next request of this caller is checked. */
export function forget(name: string): void {
  callers.delete(name);
}

export function remember(name: string, caller: Caller, nowMs: number): void {
  const endMs = caller.access.expiresAtMs ?? Number.POSITIVE_INFINITY;
  callers.set(name, { caller, untilMs: Math.min(nowMs + REMEMBERED_MS, endMs) });
}
