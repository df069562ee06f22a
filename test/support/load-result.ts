import type { LoadResult } from "../../tools/load/load-result.ts";
import { Meter } from "../../tools/load/meter.ts";

/** The result of a short run without a fault, with these fields replaced. */
export function makeLoadResult(replaced: Partial<LoadResult> = {}): LoadResult {
  const meter = new Meter();
  for (let second = 1; second <= 3; second++) {
    meter.edited(0.1);
    meter.frameOut(20);
    for (const ms of [1, 2, 30]) meter.received(ms * second);
    meter.saved(50 * second);
    meter.frameIn(100);
    meter.closeSecond();
  }
  return {
    load: { fragments: 1, writers: 1, readers: 3, rate: 1, seconds: 3 },
    origin: "http://127.0.0.1:8081",
    startedAt: "2026-11-23T03:14:57.776Z",
    isInterrupted: false,
    elapsedMs: 3_000,
    drainMs: 12,
    totals: meter.totals,
    undelivered: 0,
    unsaved: 0,
    lost: 0,
    doubled: 0,
    errors: [],
    receive: meter.receive(),
    durable: meter.durable(),
    generator: { lateP99Ms: 0.1, loopDelayP99Ms: 0.5, isSaturated: false },
    timeline: meter.timeline,
    ...replaced,
  };
}
