import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import * as prng from "lib0/prng";

/**
 * Timers come up to this late. The last of a wait is spent turning the event loop instead, which takes what has
 * arrived and is a few microseconds exact: else the generator's own millisecond would be in every latency.
 */
const TIMER_LATENESS_MS = 2;
/** So long the loop is not turned while edits are overdue. */
const MAX_TURN_MS = 1;
/** The same moments in each run: servers that are compared get the same load. */
const SEED = 1;

/**
 * Calls `act` so many times within so many seconds, at random moments, as people do who know nothing of each other (a
 * Poisson process, given the number). The schedule does not wait for anything: what is late is made up for at once, and
 * is told when it was due. Ends early when it is aborted.
 */
export async function pace(
  times: number,
  seconds: number,
  signal: AbortSignal,
  act: (index: number, dueMs: number) => void,
): Promise<void> {
  const moments = randomMoments(times, seconds * 1_000);
  const startedMs = performance.now();
  let turnedMs = startedMs;
  for (const [index, moment] of moments.entries()) {
    if (signal.aborted) break;
    const dueMs = startedMs + moment;
    if (performance.now() - turnedMs > MAX_TURN_MS) {
      await nextTurn();
      turnedMs = performance.now();
    }
    if (dueMs > turnedMs) {
      await until(dueMs, signal);
      turnedMs = performance.now();
    }
    if (!signal.aborted) act(index, dueMs);
  }
  await until(startedMs + seconds * 1_000, signal);
}

/** This number of moments in a span, in order and in milliseconds from its start: each equally likely anywhere in it. */
export function randomMoments(times: number, spanMs: number): Float64Array {
  const random = prng.create(SEED);
  return Float64Array.from({ length: times }, () => prng.real53(random) * spanMs).sort();
}

async function until(dueMs: number, signal: AbortSignal): Promise<void> {
  const sleepMs = dueMs - performance.now() - TIMER_LATENESS_MS;
  if (sleepMs >= 1) await delay(sleepMs, undefined, { signal }).catch(() => undefined); // aborted: no longer
  while (performance.now() < dueMs && !signal.aborted) await nextTurn();
}
