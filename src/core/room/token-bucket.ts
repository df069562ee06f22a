/** How much may come in: a number of tokens a second, and at once as many as the bucket holds. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * A token bucket. It keeps one number: the time at which it will be full again. Taking a token moves that time, and the
 * bucket is empty when the time lies further ahead than it takes to fill it.
 *
 * Times are milliseconds, given by the caller.
 */
export class TokenBucket {
  readonly #tokenMs: number;
  readonly #fillMs: number;
  #fullAtMs = Number.NEGATIVE_INFINITY;

  constructor({ perSecond, burst }: Rate) {
    this.#tokenMs = 1000 / perSecond;
    this.#fillMs = burst * this.#tokenMs;
  }

  /**
   * Takes tokens, also those that are not there yet. What is owed is at most what the bucket holds, whatever was taken and
   * however the clock was set.
   *
   * @returns the milliseconds until nothing is owed; 0 if nothing is
   */
  take(tokens: number, nowMs: number): number {
    const fullAtMs = Math.max(this.#fullAtMs, nowMs) + tokens * this.#tokenMs;
    this.#fullAtMs = Math.min(fullAtMs, nowMs + 2 * this.#fillMs);
    return Math.max(0, this.#fullAtMs - nowMs - this.#fillMs);
  }

  /** The milliseconds until there is a token; 0 if there is one. */
  waitMs(nowMs: number): number {
    const owedMs = Math.min(this.#fullAtMs - nowMs, 2 * this.#fillMs) - this.#fillMs;
    return Math.max(0, owedMs + this.#tokenMs);
  }

  isFull(nowMs: number): boolean {
    return this.#fullAtMs <= nowMs;
  }
}
