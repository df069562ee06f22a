import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import * as prng from "lib0/prng";

/**
 * Timers can be this late. So the last part of a wait turns the event loop instead, which handles what has arrived and
 * is exact to a few microseconds. Otherwise the generator would add a millisecond to every latency.
 */
const TIMER_LATENESS_MS = 2;
/** While edits are overdue, the event loop turns at least this often. */
const MAX_TURN_MS = 1;
/** Each run has the same moments, so that all servers of a comparison get the same load. */
const SEED = 1;

/**
 * Calls `act` a given number of times at random moments within a span, like people who do not know of each other (a
 * Poisson process, given the number). The schedule waits for nothing: late calls are made at once, with the time when they
 * were due. Ends early when it is aborted.
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

/** Random moments in a span, sorted, in milliseconds from its start, each with an even distribution. */
export function randomMoments(times: number, spanMs: number): Float64Array {
  const random = prng.create(SEED);
  return Float64Array.from({ length: times }, () => prng.real53(random) * spanMs).sort();
}

async function until(dueMs: number, signal: AbortSignal): Promise<void> {
  const sleepMs = dueMs - performance.now() - TIMER_LATENESS_MS;
  if (sleepMs >= 1) await delay(sleepMs, undefined, { signal }).catch(() => undefined); // aborted: the caller looks at the signal
  while (performance.now() < dueMs && !signal.aborted) await nextTurn();
}
