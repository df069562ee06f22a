import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";

/**
 * Timers come up to this late. The last of a wait is spent turning the event loop instead, which takes what has
 * arrived and is a few microseconds exact: else the generator's own millisecond would be in every latency.
 */
const TIMER_LATENESS_MS = 2;
/** So long the loop is not turned while edits are overdue. */
const MAX_TURN_MS = 1;

/**
 * Calls `act` so many times, evenly over so many seconds, on a schedule that does not wait for anything: what is late
 * is made up for at once, and is told when it was due. Ends early when it is aborted.
 */
export async function pace(
  times: number,
  seconds: number,
  signal: AbortSignal,
  act: (index: number, dueMs: number) => void,
): Promise<void> {
  const startedMs = performance.now();
  let turnedMs = startedMs;
  for (let index = 0; index < times && !signal.aborted; index++) {
    const dueMs = startedMs + (index * seconds * 1_000) / times;
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

async function until(dueMs: number, signal: AbortSignal): Promise<void> {
  const sleepMs = dueMs - performance.now() - TIMER_LATENESS_MS;
  if (sleepMs >= 1) await delay(sleepMs, undefined, { signal }).catch(() => undefined); // aborted: no longer
  while (performance.now() < dueMs && !signal.aborted) await nextTurn();
}
