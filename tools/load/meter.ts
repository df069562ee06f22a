/** All counts and times of a load, by second and in total. The callers pass the time; the meter has no clock. */
import { type Distribution, Durations } from "./distribution.ts";

/** One second of the run. Times in milliseconds; null if nothing was timed. */
export interface Second {
  /** 1 is the first. */
  readonly second: number;
  readonly edits: number;
  readonly deliveries: number;
  readonly saved: number;
  readonly frames: number;
  readonly errors: number;
  readonly reconnects: number;
  readonly receive: Quantiles | null;
  readonly durable: Quantiles | null;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Totals {
  readonly edits: number;
  /** One for each edit at each socket that got it. A repetition does not count. */
  readonly deliveries: number;
  readonly saved: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  readonly framesOut: number;
  readonly bytesOut: number;
  /** Connections that replaced a broken one. */
  readonly reconnects: number;
  /** Attempts to reconnect that failed. */
  readonly failedAttempts: number;
}

export interface CountedError {
  readonly message: string;
  readonly count: number;
}

/** The number of different errors that are kept, since a broken server can make new ones without end. */
const MAX_ERRORS = 50;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Meter {
  readonly totals: Mutable<Totals> = noTotals();
  readonly #receive = new Durations();
  readonly #durable = new Durations();
  readonly #lateness = new Durations();
  readonly #errors = new Map<string, number>();
  readonly #timeline: Second[] = [];
  #errorCount = 0;
  /** Times of the running second. At its end they are added to the whole. */
  readonly #receiveNow = new Durations();
  readonly #durableNow = new Durations();
  #before: Totals & { readonly errors: number } = { ...noTotals(), errors: 0 };

  get timeline(): readonly Second[] {
    return this.#timeline;
  }

  get errorCount(): number {
    return this.#errorCount;
  }

  /** By message, the most frequent first. */
  get errors(): CountedError[] {
    const counted = Array.from(this.#errors, ([message, count]) => ({ message, count }));
    return counted.toSorted((a, b) => b.count - a.count);
  }

  /** An edit was made, and sent if there was a connection. @param lateMs how long after it was due */
  edited(lateMs: number): void {
    this.totals.edits++;
    this.#lateness.record(lateMs);
  }

  frameOut(bytes: number): void {
    this.totals.framesOut++;
    this.totals.bytesOut += bytes;
  }

  frameIn(bytes: number): void {
    this.totals.framesIn++;
    this.totals.bytesIn += bytes;
  }

  /** An edit arrived at one socket. @param ms since it was due */
  received(ms: number): void {
    this.totals.deliveries++;
    this.#receiveNow.record(ms);
  }

  /** An edit's writer was told that it is durable. @param ms since it was due */
  saved(ms: number): void {
    this.totals.saved++;
    this.#durableNow.record(ms);
  }

  reconnected(): void {
    this.totals.reconnects++;
  }

  attemptFailed(): void {
    this.totals.failedAttempts++;
  }

  error(message: string): void {
    this.#errorCount++;
    const known = this.#errors.get(message);
    if (known !== undefined) this.#errors.set(message, known + 1);
    else if (this.#errors.size < MAX_ERRORS) this.#errors.set(message, 1);
  }

  /** Ends the running second, and returns it. */
  closeSecond(): Second {
    const { totals } = this;
    const since = (name: keyof Totals) => totals[name] - this.#before[name];
    const second: Second = {
      second: this.#timeline.length + 1,
      edits: since("edits"),
      deliveries: since("deliveries"),
      saved: since("saved"),
      frames: since("framesIn"),
      errors: this.#errorCount - this.#before.errors,
      reconnects: since("reconnects"),
      receive: quantilesOf(this.#receiveNow),
      durable: quantilesOf(this.#durableNow),
    };
    this.#timeline.push(second);
    this.#keepTimes();
    this.#before = { ...totals, errors: this.#errorCount };
    return second;
  }

  receive(): Distribution | null {
    this.#keepTimes();
    return this.#receive.describe();
  }

  durable(): Distribution | null {
    this.#keepTimes();
    return this.#durable.describe();
  }

  lateness(): Distribution | null {
    return this.#lateness.describe();
  }

  /** Ends the warm-up: forgets all times and seconds, but not the totals. */
  restart(): void {
    for (const times of [this.#receive, this.#durable, this.#lateness, this.#receiveNow, this.#durableNow])
      times.reset();
    this.#timeline.length = 0;
    this.#before = { ...this.totals, errors: this.#errorCount };
  }

  #keepTimes(): void {
    this.#receive.add(this.#receiveNow);
    this.#receiveNow.reset();
    this.#durable.add(this.#durableNow);
    this.#durableNow.reset();
  }
}

function noTotals(): Totals {
  return {
    edits: 0,
    deliveries: 0,
    saved: 0,
    framesIn: 0,
    bytesIn: 0,
    framesOut: 0,
    bytesOut: 0,
    reconnects: 0,
    failedAttempts: 0,
  };
}

function quantilesOf(durations: Durations): Quantiles | null {
  return durations.count === 0 ? null : { p50: durations.at(50), p99: durations.at(99) };
}
