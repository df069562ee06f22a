import { describe, expect, test } from "vitest";
import {
  type Comparison,
  disturbance,
  loadName,
  median,
  putBetweenMarks,
  type Round,
  renderComparison,
} from "../load/bench-result.ts";

const LOAD = { fragments: 1, writers: 50, readers: 50, rate: 20, seconds: 8 };

function makeRound(replaced: Partial<Round> = {}): Round {
  return {
    p50: 1,
    p99: 10,
    framesPerSecond: 1_000,
    cpuPerMillion: 2,
    othersCores: 0.05,
    diskWaitMs: 3,
    undelivered: 0,
    reconnects: 0,
    errors: [],
    isGeneratorSaturated: false,
    ...replaced,
  };
}

function makeComparison(ours: Partial<Round>[], theirs: Partial<Round>[]): Comparison {
  return {
    load: LOAD,
    rounds: ours.length,
    servers: [
      { name: "prompt-manager", title: "ours", rounds: ours.map(makeRound) },
      { name: "hocuspocus", title: "theirs", rounds: theirs.map(makeRound) },
    ],
    circumstances: "A machine.",
  };
}

describe("the page of the benchmarks", () => {
  const page =
    "# A\r\n\n<!-- bench 1x2x3 -->\nold\n<!-- end of bench 1x2x3 -->\n\n<!-- bench 4x5x6 -->\n<!-- end of bench 4x5x6 -->\nend";

  test("[BENCH-2] the table is put between its marks, and all else stays to the byte", () => {
    expect(putBetweenMarks(page, "1x2x3", "| new $& |")).toBe(page.replace("old", () => "\n| new $& |\n"));
    expect(putBetweenMarks(page, "4x5x6", "| b |")).toBe(
      page.replace("4x5x6 -->\n<!-- end", "4x5x6 -->\n\n| b |\n\n<!-- end"),
    );
  });

  test("[BENCH-2] writing the same table again changes nothing", () => {
    const once = putBetweenMarks(page, "1x2x3", "| a |") ?? "";
    expect(putBetweenMarks(once, "1x2x3", "| a |")).toBe(once);
  });

  test("[BENCH-2] a page without the place, or with half of it, is not touched", () => {
    expect(putBetweenMarks(page, "7x7x7", "| a |")).toBeNull();
    expect(putBetweenMarks("<!-- bench 1x2x3 -->\n", "1x2x3", "| a |")).toBeNull();
  });

  test("[BENCH-2] the name of a place is the load", () => {
    expect(loadName(LOAD)).toBe("50x50x20");
  });
});

describe("the table of the benchmarks", () => {
  test("[BENCH-3] the table has medians, the range of the 99th percentile, and ratios beside their goals", () => {
    const p99s = (values: number[]) => values.map((p99) => ({ p99, cpuPerMillion: p99 }));
    const text = renderComparison(makeComparison(p99s([30, 10, 20]), p99s([5, 4, 300])));
    expect(text).toContain("| ours | 1.0 | 20.0 (10.0 to 30.0) | 1,000 | 20.0 |");
    expect(text).toContain("| theirs | 1.0 | 5.0 (4.0 to 300) | 1,000 | 5.0 |");
    expect(text).toContain(
      "| ratio of ours to hocuspocus | 1 x | **4 x** (goal: 3.5 x, missed) | 1 x | **4 x** (goal: 0.7 x, missed) |",
    );
    expect(renderComparison(makeComparison(p99s([10]), p99s([10])))).toContain("**1 x** (goal: 3.5 x, met)");
  });

  test("[BENCH-3] the median of an even number of rounds lies between the two in the middle", () => {
    const rounds = [4, 1, 3, 100].map((p50) => makeRound({ p50 }));
    expect(median({ name: "hocuspocus", title: "", rounds }, "p50")).toBe(3.5);
    expect(median({ name: "hocuspocus", title: "", rounds: [makeRound({ p50: null })] }, "p50")).toBeNull();
  });

  test("[BENCH-3] the reason stands below the table, when a row is doubtful", () => {
    const text = renderComparison(
      makeComparison(
        [
          { cpuPerMillion: null, diskWaitMs: 812 },
          { cpuPerMillion: null, othersCores: 1.45 },
        ],
        [
          { undelivered: 1_234, isGeneratorSaturated: true },
          { reconnects: 1, errors: ["2 x broken"] },
        ],
      ),
    );
    expect(text).toContain("- ours: CPU is not measured on a system without /proc.");
    expect(text).toContain(
      "- theirs: In 1 of 2 rounds deliveries were missing 30 s after the last edit, 1,234 at most. It dropped sockets in 1 of 2 rounds. Errors: 2 x broken. In 1 of 2 rounds the load generator was too slow too, so that the latencies are partly its own.",
    );
    expect(text).toContain(
      "- Other work kept 0.4 of the machine's cores busy on average over the rounds, 1.4 in the busiest.",
    );
    expect(text).toContain(
      "- In 1 of 4 rounds of all servers a small write of another process waited for the machine's disk, 812 ms at most.",
    );
    expect(renderComparison(makeComparison([{}], [{}]))).not.toMatch(/^- /m);
  });

  test("[BENCH-4] a round is disturbed by other work and by a disk that stalls, whatever it has measured", () => {
    expect(disturbance(makeRound({ p99: 5_000 }))).toBeLessThanOrEqual(1);
    expect(disturbance(makeRound({ othersCores: 0.3 }))).toBeGreaterThan(1);
    expect(disturbance(makeRound({ diskWaitMs: 60 }))).toBeGreaterThan(1);
    const [worse, better] = [makeRound({ diskWaitMs: 600 }), makeRound({ othersCores: 0.4 })];
    expect(disturbance(worse)).toBeGreaterThan(disturbance(better));
  });
});
