import { describe, expect, test } from "vitest";
import { TokenBucket } from "../../src/core/room/token-bucket.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const NOW = 1_700_000_000_000;

describe("a token bucket", () => {
  test("[LIMIT-10] it gives what it holds at once, and then its rate", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 });
    for (let taken = 1; taken <= 5; taken++) expect(bucket.take(1, NOW)).toBe(0);
    expect(bucket.waitMs(NOW)).toBe(100);
    expect(bucket.take(1, NOW)).toBe(100);
    expect(bucket.waitMs(NOW + 199)).toBe(1);
    expect(bucket.waitMs(NOW + 200)).toBe(0);
    expect(bucket.take(1, NOW + 200)).toBe(0);
    expect([bucket.isFull(NOW + 699), bucket.isFull(NOW + 700)]).toEqual([false, true]);
  });

  test("[LIMIT-10] it owes no more than it holds, whatever was taken and however the clock was set", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 });
    expect(bucket.take(1_000_000, NOW)).toBe(500);
    expect(bucket.waitMs(NOW + 600)).toBe(0);
    bucket.take(5, NOW);
    const aDayBefore = NOW - 86_400_000;
    expect(bucket.waitMs(aDayBefore)).toBeLessThanOrEqual(600);
    bucket.take(1, aDayBefore);
    expect(bucket.waitMs(aDayBefore + 600)).toBe(0);
  });

  test("[LIMIT-10] it gives what a bucket with a counter gives", () => {
    forEachSeed(30, [], (seed) => {
      const random = new SeededRandom(seed);
      const rate = { perSecond: 1 + random.below(50), burst: 1 + random.below(50) };
      const bucket = new TokenBucket(rate);
      let tokens = rate.burst;
      let nowMs = NOW;
      for (let step = 0; step < 300; step++) {
        const passedMs = random.below(400);
        nowMs += passedMs;
        tokens = Math.min(rate.burst, tokens + (passedMs * rate.perSecond) / 1000);
        const wanted = 1 + random.below(3);
        tokens = Math.max(-rate.burst, tokens - wanted);
        const owedMs = Math.max(0, (-tokens * 1000) / rate.perSecond);
        expect(bucket.take(wanted, nowMs)).toBeCloseTo(owedMs, 1);
      }
    });
  });
});
