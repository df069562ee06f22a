/** What every update log must remember of its authors, whatever it is made of. */
import { describe, expect, test } from "vitest";
import type { AuthorRun } from "../../src/core/history/author-runs.ts";
import type { Commit, NewLife, UpdateLog } from "../../src/core/history/update-log.ts";
import { NO_CHANGE } from "../../src/core/text/text-change.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import type { LogStorage } from "./update-log.ts";

const LIFE: NewLife = { generation: 1, serverClientId: 5, deliveredRevision: 0 };
const SNAPSHOT = new Uint8Array([1]);
const MINUTE = 60_000;

/** @param withStorage gives fresh storage to a test, and ends it afterwards */
export function describeLogAuthors(
  name: string,
  withStorage: (use: (storage: LogStorage) => void) => Promise<void>,
) {
  const check = (title: string, use: (storage: LogStorage) => void) => test(title, () => withStorage(use));

  describe(`the authors in the update log ${name}`, () => {
    check("[LOG-12] a log has no authors and stores nothing, when it is only asked", (storage) => {
      const log = storage.open();
      expect(log.authors(1, 9)).toEqual([]);
      expect(storage.open().load()).toBeNull();
    });

    check("[LOG-12] each commit has its authors, before and after a compaction", (storage) => {
      const log = storage.open();
      log.create(commit(1, ["user:ann"]), LIFE);
      log.append(commit(2, ["user:ann"]));
      log.append(commit(3, ["user:bob", "user:ann"]));
      log.append(commit(4, ["key:k1"]));
      const runs = [
        run([1, 2], ["user:ann"]),
        run([3, 3], ["user:ann", "user:bob"]),
        run([4, 4], ["key:k1"]),
      ];
      for (const reader of [log, storage.open()]) expect(reader.authors(1, 9)).toEqual(runs);
      log.compact(SNAPSHOT, 4); // keeps the last commit in the log
      for (const reader of [log, storage.open()]) expect(reader.authors(1, 9)).toEqual(runs);
      log.compact(SNAPSHOT, 9_999 * MINUTE);
      for (const reader of [log, storage.open()]) expect(reader.authors(1, 9)).toEqual(runs);
    });

    check("[LOG-12] only the runs that have one of the revisions are read", (storage) => {
      const log = storage.open();
      log.create(commit(1, ["a"]), LIFE);
      for (let revision = 2; revision <= 6; revision++)
        log.append(commit(revision, [revision % 2 === 0 ? "b" : "a"]));
      log.compact(SNAPSHOT, 5);
      expect(log.authors(3, 5).map(({ from }) => from)).toEqual([3, 4, 5]);
      expect(log.authors(7, 9)).toEqual([]);
    });

    check("[LOG-12] the authors stay over deletion and re-creation, with the one who deleted", (storage) => {
      const log = storage.open();
      log.create(commit(1, ["user:ann"]), LIFE);
      log.append(commit(2, ["user:bob"]));
      log.remove({ revision: 3, timeMs: 3, authors: ["user:cy"] }, []);
      const told = [run([1, 1], ["user:ann"]), run([2, 2], ["user:bob"]), run([3, 3], ["user:cy"])];
      for (const reader of [log, storage.open()]) expect(reader.authors(1, 9)).toEqual(told);
      log.create(commit(4, ["user:ann"]), { ...LIFE, generation: 2 });
      const all = [...told, run([4, 4], ["user:ann"])];
      for (const reader of [log, storage.open()]) expect(reader.authors(1, 9)).toEqual(all);
    });

    check("[LOG-12] a compaction costs one row more for the authors, a commit none", (storage) => {
      const log = storage.open();
      log.create(commit(1, ["user:ann"]), LIFE);
      const rowsOf = (use: () => void) => {
        const before = log.rowsWritten;
        use();
        return log.rowsWritten - before;
      };
      expect(rowsOf(() => log.append(commit(2, ["user:bob"])))).toBe(1);
      const withAuthors = rowsOf(() => log.compact(SNAPSHOT, 9_999));
      log.append(commit(3, ["user:bob"]));
      const withoutAny = rowsOf(() => log.compact(SNAPSHOT, 0));
      // Without authors the record is kept, which is a row, too; and the second time there is a snapshot to delete.
      expect(withAuthors).toBe(withoutAny - 1);
      const second = rowsOf(() => log.compact(SNAPSHOT, 9_999));
      expect(second).toBe(withoutAny);
    });

    check(
      "[LOG-12] random histories keep the authors of every commit, over compactions and restarts",
      (storage) => {
        // One storage is one history: a seed is a new life with later revisions.
        let revision = 0;
        const model = new Map<number, string>();
        let log: UpdateLog = storage.open();
        let isAlive = false;
        forEachSeed(12, [], (seed) => {
          const random = new SeededRandom(seed);
          let timeMs = 1_000 * MINUTE;
          for (let step = 0; step < 60; step++) {
            timeMs += random.pick([0, 200, MINUTE, 30 * MINUTE, -MINUTE]);
            const authors = random
              .shuffle(["user:ann", "user:bob", "key:k1", "anonymous:1"])
              .slice(random.below(4));
            const next = { ...commit(++revision, authors), timeMs };
            model.set(revision, [...authors].sort().join());
            if (!isAlive) log.create(next, { ...LIFE, generation: seed });
            else if (random.chance(0.02)) log.remove(next, []);
            else log.append(next);
            isAlive = log.load()?.isDeleted === false;
            if (isAlive && random.chance(0.15)) log.compact(SNAPSHOT, timeMs - random.below(40) * MINUTE);
            if (random.chance(0.1)) {
              log = storage.open();
              log.load();
              Array.from(log.updates());
            }
          }
          expect(told(log.authors(1, revision))).toEqual(model);
          const from = 1 + random.below(revision);
          for (const one of log.authors(from, from))
            expect([one.from <= from, one.to >= from]).toEqual([true, true]);
        });
      },
    );
  });
}

/** At the time of its revision. */
function commit(revision: number, authors: readonly string[]): Commit {
  return {
    revision,
    timeMs: revision,
    authors,
    update: new Uint8Array([revision % 256]),
    undo: NO_CHANGE,
    metadataBefore: null,
    answers: [],
  };
}

function run([from, to]: [number, number], authors: readonly string[]): AuthorRun {
  return { from, to, fromMs: from, toMs: to, authors, isExact: true, isComplete: true };
}

/** The authors of each revision. */
function told(runs: readonly AuthorRun[]): Map<number, string> {
  const all = new Map<number, string>();
  for (const { from, to, authors, isExact } of runs)
    for (let revision = from; revision <= to; revision++)
      all.set(revision, all.has(revision) || !isExact ? "told twice, or not exactly" : authors.join());
  return all;
}
