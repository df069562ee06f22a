/**
 * The object dies at random moments, on a platform that confirms its writes late. Every edit that had been
 * acknowledged, and every text that a JSON client had been shown, must be in what is left. The same test on a platform that makes its
 * writes later than it is asked to must find losses: else it could not find any.
 */
import { describe, expect, test } from "vitest";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SimulatedWorld, type WorldOptions } from "../support/simulated-world.ts";

interface Lives {
  readonly faults: readonly string[];
  readonly acknowledged: number;
  readonly story: string;
}

/** Some lives of one fragment, each ended by a kill, and the losses in any of them. */
function live(options: WorldOptions): Lives {
  const world = new SimulatedWorld(options);
  const faults: string[] = [];
  for (let lives = 1 + world.random.below(4); lives > 0; lives--) {
    for (let steps = 20 + world.random.below(150); steps > 0; steps--) world.step();
    world.kill();
    faults.push(...world.faults());
    if (faults.length > 0) break;
  }
  if (faults.length === 0) {
    world.drain();
    faults.push(...world.faults(), ...world.differences());
  }
  return { faults, acknowledged: world.ledger.acknowledgedCount, story: world.story };
}

describe("a kill at a random moment", () => {
  test("[COMMIT-1] everything that was acknowledged or shown to a JSON client is there, once, when the object was killed", () => {
    let acknowledged = 0;
    forEachSeed(400, [494, 3835], (seed) => {
      const lives = live({ seed });
      acknowledged += lives.acknowledged;
      expect(lives.faults, lives.story).toEqual([]);
    });
    expect(acknowledged).toBeGreaterThan(5_000);
  });

  test("[COMMIT-1] the same is there, when the log is compacted every 5 commits", () => {
    const compaction = { maxRows: 200, minUpdateBytes: 4_096, maxCommits: 5 };
    forEachSeed(100, [277], (seed) => {
      const { faults, story } = live({ seed, compaction });
      expect(faults, story).toEqual([]);
    });
  });

  test("[COMMIT-1] the same check finds losses, when the object acknowledges first and writes 200 ms later", () => {
    let withLosses = 0;
    for (let seed = 1; seed <= 40; seed++) if (foundLosses(seed)) withLosses++;
    expect(withLosses).toBeGreaterThan(20);
  });
});

/** Losses show as faults, or as an honest client that cannot believe its eyes. */
function foundLosses(seed: number): boolean {
  try {
    return live({ seed, writeDelayMs: 200 }).faults.length > 0;
  } catch {
    return true; // a version came back with another text, or went back
  }
}
