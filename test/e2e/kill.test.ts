import { join } from "node:path";
import { expect, test } from "vitest";
import { runKillRounds } from "../load/kill-rounds.ts";
import { buildBrokenBundle } from "../support/broken-bundle.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// The long version is `npm run check:kill`. A seed replays who writes what where, not when the server dies.

/** After every second restart the fragment is read before any editor may bring back lost edits. */
const SHORT = { rounds: 4, edits: 1_200 };

test.for([
  { what: "a log that is compacted as in production", compactAfterCommits: "", seed: 71 },
  { what: "compaction after every 5 commits", compactAfterCommits: "5", seed: 72 },
])(
  "[LIVE-1] the server keeps each acknowledged edit once, when it is killed under load with $what",
  async ({ compactAfterCommits, seed }) => {
    await withTemporaryDir(async (dir) => {
      const vars = { COMPACT_AFTER_COMMITS: compactAfterCommits };
      const ledger = await runKillRounds({ ...SHORT, seed, server: { persistTo: dir, vars } });
      expect(ledger.faults, `seed ${seed}`).toEqual([]);
      expect([...ledger.lost], `seed ${seed}`).toEqual([]);
      expect([...ledger.twice], `seed ${seed}`).toEqual([]);
      expect(ledger.acknowledged).toBeGreaterThanOrEqual(SHORT.edits);
      expect(ledger.resent, "requests that were sent again").toBeGreaterThan(0);
    });
  },
);

test("[LIVE-2] the check finds lost edits, when the server acknowledges before it writes", async () => {
  await withTemporaryDir(async (dir) => {
    const bundleDir = await buildBrokenBundle(join(dir, "bundle"));
    const server = { persistTo: join(dir, "data"), bundleDir };
    const ledger = await runKillRounds({ rounds: 3, edits: 600, seed: 73, server });
    expect(ledger.lost.size).toBeGreaterThan(0);
  });
});
