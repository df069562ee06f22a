/** The stored authors of a fragment: crashes, damage, and databases of an earlier release. */
import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type AuthorChunk, archiveRuns } from "../../src/core/history/author-archive.ts";
import { mergeRuns, runOf } from "../../src/core/history/author-runs.ts";
import type { Commit } from "../../src/core/history/update-log.ts";
import { NO_CHANGE } from "../../src/core/text/text-change.ts";
import { AuthorTable } from "../../src/worker/storage/author-table.ts";
import { SqlUpdateLog } from "../../src/worker/storage/sql-update-log.ts";
import { userAccess } from "../support/open-access.ts";
import { connectJsonWith, createFragment, freshId, joinYjsWith, objectOf, request } from "./connect.ts";

const LIFE = { generation: 1, serverClientId: 5, deliveredRevision: 0 };
const SNAPSHOT = new Uint8Array([1]);
/** Later than all commits: a compaction keeps none of them. */
const LATER = 10 ** 9;

afterEach(() => vi.restoreAllMocks());

describe("a crash", () => {
  test.each([
    ["DELETE", "update_log"],
    ["DELETE", "snapshot"],
    ["INSERT", "authors"],
    ["UPDATE", "authors"],
    ["INSERT", "snapshot"],
    ["UPDATE", "fragment"],
  ])(
    "[LOG-12] a compaction that fails at its %s of %s leaves the authors as they were",
    async (event, table) => {
      await withStorage((storage) => {
        const log = madeLog(storage);
        const before = log.authors(1, 99);
        const rows = rowsOf(storage.sql);
        storage.sql.exec(
          `CREATE TRIGGER failing BEFORE ${event} ON ${table} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
        );
        expect(() => log.compact(SNAPSHOT, LATER)).toThrow("the disk is full");
        expect(rowsOf(storage.sql)).toEqual(rows);
        expect(opened(storage).authors(1, 99)).toEqual(before);
        storage.sql.exec("DROP TRIGGER failing");
        const next = opened(storage);
        next.compact(SNAPSHOT, LATER);
        expect(next.authors(1, 99)).toEqual(before);
        expect(next.past()).toEqual([]);
      });
    },
  );

  test("[LOG-12] a deletion that fails leaves the authors as they were", async () => {
    await withStorage((storage) => {
      const log = madeLog(storage);
      const rows = rowsOf(storage.sql);
      storage.sql.exec(
        "CREATE TRIGGER failing BEFORE INSERT ON old_clients BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
      );
      const remove = () => log.remove({ revision: 6, timeMs: 6, authors: ["user:cy"] }, [1]);
      expect(remove).toThrow("the disk is full");
      expect(rowsOf(storage.sql)).toEqual(rows);
    });
  });
});

describe("damage", () => {
  /** A log whose authors take several chunks. */
  function withChunks(storage: DurableObjectStorage): { log: SqlUpdateLog; chunks: number[] } {
    const log = madeLog(storage);
    for (let revision = 6; revision <= 3_000; revision++) {
      log.append(commit(revision, `user:${revision % 7}`));
      if (revision % 500 === 0) log.compact(SNAPSHOT, LATER);
    }
    const rows = storage.sql.exec("SELECT from_revision FROM authors ORDER BY from_revision").toArray();
    return { log, chunks: rows.map((row) => Number(row["from_revision"])) };
  }

  test.each([
    ["its bytes", "UPDATE authors SET data = zeroblob(20) WHERE from_revision = ?"],
    ["its checksum", "UPDATE authors SET checksum = checksum + 1 WHERE from_revision = ?"],
    ["no bytes", "UPDATE authors SET data = 'text' WHERE from_revision = ?"],
  ])(
    "[LOG-14] a chunk with damage to %s is set aside and reported, and the others stay",
    async (_, spoil) => {
      await withStorage((storage) => {
        const { log, chunks } = withChunks(storage);
        const [first = 0, second = 0, third = 0] = chunks;
        expect(third).toBeGreaterThan(second);
        const before = log.load();
        storage.sql.exec(spoil, second);
        const problems: string[] = [];
        const next = new SqlUpdateLog(storage, (problem) => problems.push(problem));
        const told = next.authors(1, 9_999);
        expect(problems).toEqual([`authors row ${second} is quarantined: wrong checksum`]);
        expect(told[0]?.from).toBe(first);
        expect(told.some(({ from, to }) => to >= second && from < third)).toBe(false);
        expect(told.some(({ from }) => from === third)).toBe(true);
        expect(storage.sql.exec("SELECT source, key, revision FROM quarantine").toArray()).toEqual([
          { source: "authors", key: second, revision: 0 },
        ]);
        // Neither the text nor the revision is concerned.
        expect([next.hasFoundDamage, next.load()]).toEqual([false, before]);
        next.append(commit(3_001, "user:new"));
        next.compact(SNAPSHOT, LATER);
        expect(next.authors(3_001, 3_001)).toMatchObject([{ authors: ["user:new"] }]);
        expect(problems.length).toBe(1);
      });
    },
  );

  test("[LOG-14] a fragment with a damaged chunk is read and written", async () => {
    const { id } = await createFragment("one");
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await request("DELETE", `/v1/fragments/${id}`);
    await runInDurableObject(objectOf(id), (_, { storage }) =>
      storage.sql.exec("UPDATE authors SET checksum = checksum + 1"),
    );
    await evictDurableObject(objectOf(id));
    const again = await request("PUT", `/v1/fragments/${id}`, { content: "two" });
    expect(await again.json()).toMatchObject({ content: "two", version: 3 });
    expect((await request("DELETE", `/v1/fragments/${id}`)).status).toBe(204);
    await runInDurableObject(objectOf(id), (_, { storage }) => {
      const told = opened(storage).authors(1, 9);
      expect(told.map(({ from, to }) => [from, to])).toEqual([[3, 4]]);
    });
  });
});

describe("very many commits", () => {
  test("[LOG-13] the table has the chunks of the archive, when runs move to coarser levels and are forgotten", async () => {
    await withStorage((storage) => {
      madeLog(storage);
      const table = new AuthorTable(storage.sql);
      storage.sql.exec("DELETE FROM authors");
      let chunks: AuthorChunk[] = [];
      let revision = 0;
      for (let batch = 0; batch < 400; batch++) {
        // Each day, an author whose name takes a few hundred bytes.
        const runs = Array.from({ length: 20 }, () => {
          const name = `user:${++revision}${"x".repeat(300)}`;
          return runOf({ revision, timeMs: (revision * 86_400_000) / 4, authors: [name] });
        });
        chunks = archiveRuns(chunks, mergeRuns(runs));
        table.add(table.read().sound, runs);
        expect(table.read()).toEqual({ sound: chunks, damages: [] });
      }
      expect(new Set(chunks.map(({ level }) => level)).size).toBe(5);
      expect(chunks[0]?.from).toBeGreaterThan(1);
    });
  });
});

describe("an earlier release", () => {
  test("[STO-3] the authors are kept from now on, when a database has no table for them yet", async () => {
    await withStorage((storage) => {
      const old = madeLog(storage);
      old.compact(SNAPSHOT, 4); // the first commits leave the log
      storage.sql.exec("DROP TABLE authors");
      storage.sql.exec("UPDATE schema_version SET version = 2");
      const log = opened(storage);
      expect(log.load()).toMatchObject({ revision: 5 });
      expect(log.authors(1, 99).map(({ from, to }) => [from, to])).toEqual([
        [4, 4],
        [5, 5],
      ]);
      log.append(commit(6, "user:new"));
      log.compact(SNAPSHOT, LATER);
      expect(log.authors(1, 99).map(({ authors }) => authors)).toEqual([
        ["user:0"],
        ["user:1"],
        ["user:new"],
      ]);
    });
  });
});

describe("fragments", () => {
  test("[LOG-12] a fragment remembers who wrote and who deleted it, when it was deleted over REST", async () => {
    const { id } = await createFragment("one");
    await request("PUT", `/v1/fragments/${id}`, { content: "two" });
    await request("DELETE", `/v1/fragments/${id}`);
    await runInDurableObject(objectOf(id), (_, { storage }) => {
      expect(opened(storage).authors(1, 9)).toMatchObject([
        { from: 1, to: 3, authors: ["anonymous"], isExact: true, isComplete: true },
      ]);
    });
  });

  test("[LOG-12] a fragment remembers who made it and who wrote, when each has a name and a way of its own", async () => {
    const id = freshId();
    const yjs = await joinYjsWith(id, userAccess("ann"), { query: "?create=1" });
    const json = await connectJsonWith(id, userAccess("bob"));
    await json.request({ action: "update", content: "two", base_version: 1, request_id: "r" });
    const write = { content: { kind: "text", text: "three" }, metadata: null } as const;
    await objectOf(id).put(userAccess("cleo"), write, "change");
    await yjs.typeSaved((text) => text.insert(0, "four, "));
    await runInDurableObject(objectOf(id), (_, { storage }) => {
      const authors = opened(storage)
        .authors(1, 9)
        .map(({ from, authors }) => [from, authors]);
      expect(authors).toEqual([
        [1, ["user:ann"]],
        [2, ["user:bob"]],
        [3, ["user:cleo"]],
        [4, ["user:ann"]],
      ]);
    });
  });
});

/** Five commits by two authors in turn; the first is in a snapshot, with its authors archived. */
function madeLog(storage: DurableObjectStorage): SqlUpdateLog {
  const log = opened(storage);
  log.create(commit(1, "user:1"), LIFE);
  log.compact(SNAPSHOT, LATER);
  for (let revision = 2; revision <= 5; revision++) log.append(commit(revision, `user:${revision % 2}`));
  return log;
}

function commit(revision: number, author: string): Commit {
  return {
    revision,
    timeMs: revision,
    authors: [author],
    update: new Uint8Array([revision % 256]),
    undo: NO_CHANGE,
    metadataBefore: null,
    answers: [],
  };
}

function opened(storage: DurableObjectStorage): SqlUpdateLog {
  const log = new SqlUpdateLog(storage, (problem) => {
    throw new Error(problem);
  });
  if (log.load() !== null) Array.from(log.updates()); // what is appended goes behind them
  return log;
}

function rowsOf(sql: SqlStorage): unknown {
  return ["update_log", "snapshot", "authors", "fragment", "old_clients"].map((table) =>
    sql.exec(`SELECT * FROM ${table}`).toArray(),
  );
}

function withStorage(use: (storage: DurableObjectStorage) => void): Promise<void> {
  const stub = env.FRAGMENT.getByName(`default/${freshId()}`);
  return runInDurableObject(stub, (_, { storage }) => use(storage));
}
