/** The bucket of rows: commits are paced by it, and wait for nothing else that is paid from it. */
import { describe, expect, test } from "vitest";
import { RowBudget } from "../../src/core/fragment/row-budget.ts";

/** Commits whenever a commit is due, each of this number of rows. Returns the rows together. */
function commitFor(budget: RowBudget, seconds: number, rows = 1, fromMs = 0): number {
  let written = 0;
  for (let nowMs = fromMs; nowMs < fromMs + seconds * 1000; ) {
    const dueMs = budget.dueAt(nowMs);
    if (dueMs > nowMs) nowMs = dueMs;
    else {
      budget.spendOnCommit(rows, nowMs);
      written += rows;
      nowMs += 1;
    }
  }
  return written;
}

describe("the budget of rows", () => {
  test("[COMMIT-3] commits are made at once, then within a window, when they come all the time", () => {
    const budget = new RowBudget();
    const times: number[] = [];
    for (let nowMs = 0; nowMs < 10_000; nowMs++) {
      if (budget.dueAt(nowMs) > nowMs) continue;
      budget.spendOnCommit(1, nowMs);
      times.push(nowMs);
    }
    expect(times.slice(0, 14)).toEqual(Array.from({ length: 14 }, (_, at) => at));
    const waits = times.slice(15).map((timeMs, at) => timeMs - (times[at + 14] ?? 0));
    expect(Math.min(...waits)).toBeGreaterThan(150);
    expect(Math.max(...waits)).toBeLessThanOrEqual(RowBudget.COMMIT_WINDOW_MS);
  });

  test.each([1, 2, 5])(
    "[COMMIT-4] at most 350 rows are written in a minute, when a commit costs %i",
    (rows) => {
      expect(commitFor(new RowBudget(), 60, rows)).toBeLessThanOrEqual(350);
    },
  );

  test("[COMMIT-3] a commit waits no longer than its window, when a thousand rows were written for something else", () => {
    const budget = new RowBudget();
    budget.spend(1_000, 0);
    expect(budget.dueAt(0)).toBeLessThanOrEqual(RowBudget.COMMIT_WINDOW_MS);
    let dueMs = budget.dueAt(0);
    for (let n = 0; n < 20; n++) {
      budget.spendOnCommit(1, dueMs);
      const nextMs = budget.dueAt(dueMs);
      expect(nextMs - dueMs).toBeLessThanOrEqual(RowBudget.COMMIT_WINDOW_MS);
      dueMs = nextMs;
    }
  });

  test("[COMMIT-4] owed rows are paid back before other work that can wait, when commits leave rows over", () => {
    const budget = new RowBudget();
    budget.spend(47, 0); // 27 more than there are
    expect(budget.affordableAt(5, 0)).toBe(Math.ceil(((27 + 5) * 1000) / RowBudget.PER_SECOND));
    const paidMs = budget.affordableAt(RowBudget.COMPACTION, 0);
    expect(budget.canCompact(paidMs - 100)).toBe(false);
    expect(budget.canCompact(paidMs)).toBe(true);
    // Then the bucket fills up as if nothing had been.
    expect(commitFor(budget, 60, 1, 60_000)).toBe(commitFor(new RowBudget(), 60));
  });
});
