/** The authors that are kept of commits that have left the log: what is exact, what is thinned, what is forgotten. */
import { describe, expect, test } from "vitest";
import { type AuthorChunk, archiveRuns, MAX_CHUNKS } from "../../src/core/history/author-archive.ts";
import { decodeRuns, encodeRuns } from "../../src/core/history/author-chunk.ts";
import { type AuthorRun, MAX_RUN_AUTHORS, mergeRuns, runOf } from "../../src/core/history/author-runs.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LEVELS = 5;

interface Written {
  readonly revision: number;
  readonly timeMs: number;
  readonly authors: readonly string[];
}

test("[LOG-13] the archive is bounded, and what it says is true, whatever was written", () => {
  let coarse = 0;
  forEachSeed(6, [1, 2, 3], (seed) => {
    const random = new SeededRandom(seed);
    const people = 1 + random.below(40);
    const crowd = random.pick([1, 3, 20]);
    let timeMs = 1_700_000_000_000;
    let chunks: AuthorChunk[] = [];
    const history: Written[] = [];
    while (history.length < 60_000) {
      const leaving: Written[] = [];
      for (let count = random.chance(0.03) ? 5_000 : 1 + random.below(400); count > 0; count--) {
        timeMs += random.chance(0.02) ? random.below(3 * DAY) : random.below(1_000);
        if (random.chance(0.01)) timeMs -= MINUTE;
        const authors = Array.from({ length: 1 + random.below(crowd) }, () => nameOf(random.below(people)));
        leaving.push({ revision: 1 + history.length + leaving.length, timeMs, authors });
      }
      history.push(...leaving);
      chunks = archiveRuns(chunks, mergeRuns(leaving.map(runOf)));
      if (random.chance(0.05)) checkArchive(chunks, history);
    }
    checkArchive(chunks, history);
    if (chunks.some(({ level }) => level > 1)) coarse++;
  });
  // A single writer's runs are too few to be thinned; those of a crowd are not.
  expect(coarse).toBeGreaterThan(0);
});

function checkArchive(chunks: readonly AuthorChunk[], history: readonly Written[]): void {
  expect(chunks.length).toBeLessThanOrEqual(LEVELS * MAX_CHUNKS);
  let next = chunks[0]?.from ?? 1;
  for (const { level, from, to, data } of chunks) {
    const runs = decodeRuns(data);
    expect([data.length <= 16 * 1024, from, to]).toEqual([true, next, runs.at(-1)?.to]);
    for (const run of runs) {
      // Without gaps, each revision once.
      if (run.from !== next) expect(run.from).toBe(next);
      next = run.to + 1;
      const commits = history.slice(run.from - 1, run.to);
      const authors = new Set(commits.flatMap((commit) => commit.authors).map(level === 0 ? same : folded));
      const isTrue = run.authors.join() === [...authors].sort().join();
      const isInTime = commits.every(({ timeMs }) => timeMs >= run.fromMs && timeMs <= run.toMs);
      const isExact = commits.every(
        (commit) => new Set(commit.authors.map(level === 0 ? same : folded)).size === authors.size,
      );
      const isWithin = run.isExact || run.toMs - run.fromMs < 30 * DAY;
      // One call for a million runs: an expectation takes longer than the check.
      if (!isTrue || !isInTime || run.isExact !== isExact || !isWithin)
        expect({ level, run, authors, isExact }).toBe("true");
    }
  }
  expect(next).toBe(history.length + 1);
}

describe("runs", () => {
  const at = (revision: number, timeMs: number, ...authors: string[]) => runOf({ revision, timeMs, authors });

  test("[LOG-13] commits of the same authors are one run, unless they lie more than ten minutes apart", () => {
    const runs = mergeRuns([at(1, 0, "a"), at(2, 10 * MINUTE, "a"), at(3, 20 * MINUTE + 1, "a")]);
    expect(runs.map(({ from, to }) => [from, to])).toEqual([
      [1, 2],
      [3, 3],
    ]);
  });

  test("[LOG-13] a revision that is not known is in no run, at any grain", () => {
    for (const grain of [0, MINUTE, 30 * DAY])
      expect(mergeRuns([at(1, 0, "a"), at(3, 1, "a")], grain).map(({ from, to }) => [from, to])).toEqual([
        [1, 1],
        [3, 3],
      ]);
  });

  test("[LOG-13] runs of one minute become one, which says that it is not exact", () => {
    const runs = mergeRuns(
      [at(1, 0, "a"), at(2, 1, "b"), at(3, MINUTE - 1, "a"), at(4, MINUTE, "c")],
      MINUTE,
    );
    expect(runs).toMatchObject([
      { from: 1, to: 3, fromMs: 0, toMs: MINUTE - 1, authors: ["a", "b"], isExact: false },
      { from: 4, to: 4, authors: ["c"], isExact: true },
    ]);
  });

  test("[LOG-13] anonymous sessions are told apart while the history is exact, then not any more", () => {
    const runs = [at(1, 0, "anonymous:1"), at(2, 1, "anonymous:2")];
    expect(mergeRuns(runs).map(({ authors }) => authors)).toEqual([["anonymous:1"], ["anonymous:2"]]);
    expect(mergeRuns(runs, MINUTE)).toMatchObject([
      { from: 1, to: 2, authors: ["anonymous"], isExact: true },
    ]);
  });

  test("[LOG-13] a run of more authors than it can name says so", () => {
    const names = Array.from({ length: MAX_RUN_AUTHORS + 1 }, (_, number) => `user:${number}`);
    const [run] = mergeRuns(
      names.map((name, index) => at(index + 1, index, name)),
      MINUTE,
    );
    expect([run?.authors.length, run?.isComplete]).toEqual([MAX_RUN_AUTHORS, false]);
    const fewer = mergeRuns(
      names.slice(1).map((name, index) => at(index + 1, index, name)),
      MINUTE,
    );
    expect(fewer).toMatchObject([{ isComplete: true }]);
  });

  test("[LOG-13] names of any length and script fit, and very many of them are forgotten before the bound is broken", () => {
    let chunks: AuthorChunk[] = [];
    for (let revision = 1; revision <= 20_000; revision++)
      chunks = archiveRuns(chunks, [at(revision, revision * DAY, `user:${revision}${"é😀".repeat(60)}`)]);
    expect(chunks.length).toBeLessThanOrEqual(LEVELS * MAX_CHUNKS);
    const bytes = chunks.reduce((sum, { data }) => sum + data.length, 0);
    expect(bytes).toBeLessThanOrEqual(LEVELS * MAX_CHUNKS * 16 * 1024);
    expect(chunks.at(-1)?.to).toBe(20_000);
    expect(chunks[0]?.from).toBeGreaterThan(1);
  });
});

describe("bytes", () => {
  const runs: AuthorRun[] = [
    {
      from: 3,
      to: 9,
      fromMs: 2_000,
      toMs: 2_500,
      authors: ["key:k", "user:é😀"],
      isExact: true,
      isComplete: true,
    },
    { from: 11, to: 11, fromMs: 1_990, toMs: 1_990, authors: ["key:k"], isExact: false, isComplete: false },
    {
      from: 12,
      to: 12,
      fromMs: 5_000_000_000_000,
      toMs: 5_000_000_000_000,
      authors: [],
      isExact: true,
      isComplete: true,
    },
  ];

  test("[LOG-13] runs come back as they were stored", () => {
    expect(decodeRuns(encodeRuns(runs))).toEqual(runs);
    expect(decodeRuns(encodeRuns([]))).toEqual([]);
  });

  test("[LOG-13] the stored bytes are locked", () => {
    expect(Buffer.from(encodeRuns(runs.slice(0, 2))).toString("hex")).toBe(
      "02056b65793a6b0b757365723ac3a9f09f98800306901ff4030b00010200fe07000400",
    );
  });
});

function nameOf(number: number): string {
  return number % 3 === 0 ? `anonymous:${number}` : `user:${number}`;
}

function same(author: string): string {
  return author;
}

function folded(author: string): string {
  return author.startsWith("anonymous:") ? "anonymous" : author;
}
