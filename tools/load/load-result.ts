/** The result of a load test, as the report, the summary and the JSON file show it. */
import type { Distribution } from "./distribution.ts";
import type { CountedError, Second, Totals } from "./meter.ts";
import type { Load } from "./settings.ts";

export interface LoadResult {
  readonly load: Load;
  readonly origin: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly isInterrupted: boolean;
  /** From the first edit measured to the last delivery. */
  readonly elapsedMs: number;
  /** The part of it after the last edit. */
  readonly drainMs: number;
  readonly totals: Totals;
  /** Deliveries that are missing. */
  readonly undelivered: number;
  /** Edits without a `saved`; 0 for a dialect that has none. */
  readonly unsaved: number;
  /** Edits that are missing from the text at the end; null for a server without REST. */
  readonly lost: number | null;
  /** Edits that are in that text more than once. */
  readonly doubled: number;
  readonly errors: readonly CountedError[];
  /** From the moment an edit was due to its arrival at each other socket. */
  readonly receive: Distribution | null;
  /** From the same moment to the `saved` of the edit. */
  readonly durable: Distribution | null;
  readonly generator: GeneratorHealth;
  readonly timeline: readonly Second[];
}

/** Whether this process kept up with its schedule. If it did not, the latencies are partly its own. */
export interface GeneratorHealth {
  /** Delay in sending edits, 99th percentile. */
  readonly lateP99Ms: number;
  /** Delay of the event loop, 99th percentile. */
  readonly loopDelayP99Ms: number;
  readonly isSaturated: boolean;
}

/** Whether nothing was lost and nothing went wrong. */
export function isClean({ undelivered, unsaved, lost, doubled, errors }: LoadResult): boolean {
  return undelivered + unsaved + (lost ?? 0) + doubled + errors.length === 0;
}
