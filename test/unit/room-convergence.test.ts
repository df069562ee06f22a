/**
 * Many JSON and Yjs editors in one room, on a random schedule. Each writes tokens that stand nowhere else, and
 * removes none but its own: so the naive oracle of the shared text is a list of what was acknowledged.
 */
import { describe, expect, test } from "vitest";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SimulatedWorld, type WorldOptions } from "../support/simulated-world.ts";

/** Runs a world to its rest; checks what holds for each. */
function run(options: WorldOptions, steps: number): SimulatedWorld {
  const world = new SimulatedWorld(options);
  for (let left = steps; left > 0; left--) world.step();
  world.drain();
  const shown = world.clients.map(({ name, kind }) => `${name}: ${kind}`).join(", ");
  expect(world.faults(), shown).toEqual([]);
  expect(world.differences(), shown).toEqual([]);
  return world;
}

describe("editors of all kinds in one room", () => {
  test("[ROOM-1] all come to one text and lose nothing, whatever the schedule", () => {
    let acknowledged = 0;
    forEachSeed(250, [], (seed) => {
      acknowledged += run({ seed }, 250).ledger.acknowledgedCount;
    });
    expect(acknowledged).toBeGreaterThan(5_000);
  });

  test("[ROOM-1] all come to one text, when the log is compacted all the time", () => {
    const compaction = { maxRows: 1, minUpdateBytes: 10, maxCommits: 3 };
    forEachSeed(60, [], (seed) => run({ seed, compaction }, 250));
  });
});
