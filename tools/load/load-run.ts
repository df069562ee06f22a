/**
 * One load test from start to end. It makes the fragments, connects all peers, lets the writers write on their
 * schedule, waits for the edits that are under way, reads each text as a newcomer, and deletes the fragments, even
 * after a failure.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { counted } from "../quantity.ts";
import type { GeneratorHealth, LoadResult } from "./load-result.ts";
import type { LoadTarget } from "./load-target.ts";
import { LoadedFragment } from "./loaded-fragment.ts";
import { type CountedError, Meter, type Second, type Totals } from "./meter.ts";
import { pace } from "./pace.ts";
import { Peer } from "./peer.ts";
import { editsOfWriter, type Load } from "./settings.ts";

export interface LoadOptions {
  /** Abort it to end the writing. The run then waits a short time for the edits that were sent. */
  readonly signal: AbortSignal;
  readonly onPhase?: (what: string) => void;
  readonly onSecond?: (second: Second) => void;
  /** Seconds of writing at the same pace before anything is timed. Absent: 0. */
  readonly warmUpSeconds?: number;
  /** The warm-up is over. */
  readonly onMeasuring?: () => void;
  /** The last edit has arrived, or the wait for it is over. */
  readonly onMeasured?: () => void;
}

/** Number of connections that open at the same time. */
const BATCH = 50;
/** Time after the joins, in which all peers get in sync and the server finishes the work of joining. */
const SETTLE_MS = 500;
const MAX_DRAIN_MS = 30_000;
/** Longer than the longest pause of a reconnecting socket. */
const MAX_STALL_MS = 6_000;
const MAX_INTERRUPTED_DRAIN_MS = 3_000;
const DRAIN_LOOK_MS = 20;
const MAX_LATE_MS = 20;
const LOOP_RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

/** Throws if the load cannot begin: no server, no fragments or no sockets. Deletes its fragments in any case. */
export async function runLoad(load: Load, target: LoadTarget, options: LoadOptions): Promise<LoadResult> {
  const run = new LoadRun(load, target, options);
  let result: Omit<LoadResult, "errors">;
  try {
    await run.begin();
    result = await run.measure();
  } finally {
    await run.end();
  }
  return { ...result, errors: run.errors };
}

class LoadRun {
  readonly #load: Load;
  readonly #target: LoadTarget;
  readonly #options: LoadOptions;
  readonly #meter = new Meter();
  readonly #fragments: readonly LoadedFragment[];
  readonly #peers: Peer[] = [];
  /** In the order in which they write. Neighbours write to different fragments. */
  readonly #writers: Peer[] = [];
  readonly #made: string[] = [];
  readonly #startedAt = new Date().toISOString();

  constructor(load: Load, target: LoadTarget, options: LoadOptions) {
    this.#load = load;
    this.#target = target;
    this.#options = options;
    const name = `load/${Date.now().toString(36)}${Math.floor(Math.random() * 46_656).toString(36)}`;
    this.#fragments = Array.from(
      { length: load.fragments },
      (_, index) => new LoadedFragment(`${name}/${index}`, target.dialect, load.writers, this.#meter),
    );
  }

  get errors(): CountedError[] {
    return this.#meter.errors;
  }

  async begin(): Promise<void> {
    const { fragments } = this.#target;
    const { writers, readers } = this.#load;
    for (const { id } of this.#fragments) {
      this.#made.push(id);
      await fragments?.create(id);
    }
    this.#phase(`made ${this.#made[0]}${this.#made.length > 1 ? ` to ${this.#made.at(-1)}` : ""}`);
    for (let writer = 0; writer < writers; writer++)
      for (const fragment of this.#fragments) this.#writers.push(new Peer(fragment, this.#target, writer));
    for (const fragment of this.#fragments)
      for (let reader = 0; reader < readers; reader++)
        this.#peers.push(new Peer(fragment, this.#target, null));
    this.#peers.push(...this.#writers);
    this.#phase(`opening ${counted(this.#peers.length, "socket")}`);
    for (let first = 0; first < this.#peers.length; first += BATCH)
      await Promise.all(this.#peers.slice(first, first + BATCH).map((peer) => peer.open()));
    await delay(SETTLE_MS);
  }

  async measure(): Promise<Omit<LoadResult, "errors">> {
    const { signal, warmUpSeconds = 0, onMeasuring, onMeasured } = this.#options;
    const { seconds } = this.#load;
    if (warmUpSeconds > 0) {
      this.#phase("warming up");
      await this.#write(warmUpSeconds);
    }
    this.#meter.restart();
    onMeasuring?.();
    const before = { ...this.#meter.totals };
    const loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    loopDelay.enable();
    const ticks = setInterval(() => this.#options.onSecond?.(this.#meter.closeSecond()), 1_000);
    const startedMs = performance.now();
    this.#phase(`writing for ${counted(seconds, "second")}`);
    await this.#write(seconds);
    const writtenMs = performance.now();
    // Measured while writing only: later delays are those of the server.
    const generator = this.#judgeGenerator(loopDelay);
    this.#phase("waiting for what is under way");
    await this.#drain();
    const endedMs = performance.now();
    clearInterval(ticks);
    this.#meter.closeSecond();
    onMeasured?.();
    const expected = this.#expectedDeliveries();
    const received = this.#peers.reduce((sum, peer) => sum + peer.received, 0);
    const totals = this.#meter.totals;
    this.#phase("reading the texts as a newcomer");
    const verdict = await this.#readTexts();
    return {
      load: this.#load,
      origin: this.#target.origin,
      startedAt: this.#startedAt,
      isInterrupted: signal.aborted,
      elapsedMs: endedMs - startedMs,
      drainMs: endedMs - writtenMs,
      totals: since(before, totals),
      undelivered: expected - received,
      unsaved: this.#target.dialect.tellsSaved ? totals.edits - totals.saved : 0,
      ...verdict,
      receive: this.#meter.receive(),
      durable: this.#meter.durable(),
      generator,
      timeline: this.#meter.timeline,
    };
  }

  /** Deletes the fragments. A failure to delete is an error of the run. */
  async end(): Promise<void> {
    this.#phase("closing");
    await Promise.all(this.#peers.map((peer) => peer.close()));
    for (const id of this.#made) {
      try {
        await this.#target.fragments?.delete(id);
      } catch (error) {
        const fault = `${id} was not deleted: ${error instanceof Error ? error.message : error}`;
        this.#meter.error(fault);
        this.#phase(fault); // the only message if the run could not begin
      }
    }
  }

  async #write(seconds: number): Promise<void> {
    const writers = this.#writers;
    const times = editsOfWriter({ ...this.#load, seconds }) * writers.length;
    await pace(times, seconds, this.#options.signal, (index, dueMs) => {
      writers[index % writers.length]?.write(dueMs);
    });
  }

  async #drain(): Promise<void> {
    const { totals } = this.#meter;
    const startedMs = performance.now();
    const expected = this.#expectedDeliveries();
    const missing = () =>
      expected - totals.deliveries + (this.#target.dialect.tellsSaved ? totals.edits - totals.saved : 0);
    let least = missing();
    let movedMs = startedMs;
    while (missing() > 0) {
      const nowMs = performance.now();
      if (missing() < least) {
        least = missing();
        movedMs = nowMs;
      }
      const mostMs = this.#options.signal.aborted ? MAX_INTERRUPTED_DRAIN_MS : MAX_DRAIN_MS;
      if (nowMs - movedMs > MAX_STALL_MS || nowMs - startedMs > mostMs) return;
      await delay(DRAIN_LOOK_MS);
    }
  }

  #expectedDeliveries(): number {
    const others = this.#load.writers + this.#load.readers - 1;
    return this.#fragments.reduce((sum, { edits }) => sum + edits * others, 0);
  }

  async #readTexts(): Promise<{ lost: number | null; doubled: number }> {
    const { fragments } = this.#target;
    if (fragments === null) return { lost: null, doubled: 0 };
    const sum = { lost: 0, doubled: 0 };
    for (const fragment of this.#fragments) {
      try {
        const { lost, doubled, foreign } = fragment.judge(await fragments.read(fragment.id));
        sum.lost += lost;
        sum.doubled += doubled;
        if (foreign !== "") this.#meter.error("a fragment has text that nobody wrote");
      } catch (error) {
        this.#meter.error(error instanceof Error ? error.message : String(error));
      }
    }
    return sum;
  }

  #judgeGenerator(loopDelay: ReturnType<typeof monitorEventLoopDelay>): GeneratorHealth {
    loopDelay.disable();
    const loopDelayP99Ms = Math.max(0, loopDelay.percentile(99) / NS_PER_MS - LOOP_RESOLUTION_MS);
    const lateP99Ms = this.#meter.lateness()?.p99 ?? 0;
    const isSaturated = lateP99Ms > MAX_LATE_MS || loopDelayP99Ms > MAX_LATE_MS;
    return { lateP99Ms, loopDelayP99Ms, isSaturated };
  }

  #phase(what: string): void {
    this.#options.onPhase?.(what);
  }
}

function since(before: Totals, now: Totals): Totals {
  return {
    edits: now.edits - before.edits,
    deliveries: now.deliveries - before.deliveries,
    saved: now.saved - before.saved,
    framesIn: now.framesIn - before.framesIn,
    bytesIn: now.bytesIn - before.bytesIn,
    framesOut: now.framesOut - before.framesOut,
    bytesOut: now.bytesOut - before.bytesOut,
    reconnects: now.reconnects - before.reconnects,
    failedAttempts: now.failedAttempts - before.failedAttempts,
  };
}
