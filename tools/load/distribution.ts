/** Durations in an HDR histogram: any number in bounded memory, each with an error of at most a thousandth. */
import { build, type Histogram } from "hdr-histogram-js";

/** Milliseconds throughout. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** The whole distribution: the percentile that took at most `ms`. Ascending, up to 100. */
  readonly curve: readonly CurvePoint[];
}

export interface CurvePoint {
  readonly percentile: number;
  readonly ms: number;
}

/** Points of the curve for each nine: 90, 99, 99.9 and so on. */
const POINTS_PER_NINE = 12;
/** The unit of the histogram, in milliseconds: a microsecond. */
const US_PER_MS = 1_000;

export class Durations {
  readonly #histogram: Histogram = build({ useWebAssembly: false, numberOfSignificantValueDigits: 3 });

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** A negative duration, which two clocks can give, counts as zero. */
  record(ms: number): void {
    this.#histogram.recordValue(Math.max(0, Math.round(ms * US_PER_MS)));
  }

  add(others: Durations): void {
    this.#histogram.add(others.#histogram);
  }

  reset(): void {
    this.#histogram.reset();
  }

  /** NaN if nothing was recorded. @param percentile from 0 to 100 */
  at(percentile: number): number {
    if (this.count === 0) return Number.NaN;
    // The histogram gives the end of a bucket, which may lie beyond the maximum.
    const { maxValue } = this.#histogram;
    return Math.min(this.#histogram.getValueAtPercentile(percentile), maxValue) / US_PER_MS;
  }

  /** Null if nothing was recorded. */
  describe(): Distribution | null {
    if (this.count === 0) return null;
    return {
      count: this.count,
      mean: this.#histogram.mean / US_PER_MS,
      p50: this.at(50),
      p90: this.at(90),
      p95: this.at(95),
      p99: this.at(99),
      p999: this.at(99.9),
      max: this.#histogram.maxValue / US_PER_MS,
      curve: this.#curve(),
    };
  }

  #curve(): CurvePoint[] {
    const nines = Math.log10(this.count);
    const points: CurvePoint[] = [];
    for (let step = 0; step / POINTS_PER_NINE < nines; step++) {
      const percentile = 100 * (1 - 10 ** (-step / POINTS_PER_NINE));
      points.push({ percentile, ms: this.at(percentile) });
    }
    points.push({ percentile: 100, ms: this.#histogram.maxValue / US_PER_MS });
    return points;
  }
}
