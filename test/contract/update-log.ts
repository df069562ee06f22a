/**
 * What every update log must do, whatever it is made of. Run for the one in memory and for the one in SQLite.
 */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import type { Commit, NewLife, UpdateLog } from "../../src/core/history/update-log.ts";
import { TextChange } from "../../src/core/text/text-change.ts";

const FIRST_LIFE: NewLife = { generation: 1, serverClientId: 5, deliveredRevision: 0 };

/** One fragment's storage, on which logs can be opened one after the other, as lives of an object. */
export interface LogStorage {
  open(): UpdateLog;
}

/** @param withStorage gives fresh storage to a test, and ends it afterwards */
export function describeUpdateLog(
  name: string,
  withStorage: (use: (storage: LogStorage) => void) => Promise<void>,
) {
  const check = (title: string, use: (storage: LogStorage) => void) => test(title, () => withStorage(use));

  describe(`the update log ${name}`, () => {
    check("[LOG-1] a log has no state and stores nothing, when it is only asked for its state", (storage) => {
      const log = storage.open();
      expect(log.load()).toBeNull();
      expect(log.rowsWritten).toBe(0);
      expect(storage.open().load()).toBeNull();
    });

    check("[LOG-2] a created fragment is loaded as it was made, by the same log and the next", (storage) => {
      const log = storage.open();
      log.create(commit(1, "one"), { ...FIRST_LIFE, serverClientId: 4_000_000_000 });
      for (const reader of [log, storage.open()]) {
        expect(reader.load()).toEqual({
          generation: 1,
          revision: 1,
          createdAtMs: 1_001,
          updatedAtMs: 1_001,
          isDeleted: false,
          serverClientId: 4_000_000_000,
          oldClients: new Set(),
          deliveredRevision: 0,
        });
        expect(textsOf(reader)).toEqual(["one"]);
      }
    });

    check("[LOG-2] a fragment has the time of creation that it is given, over its commits", (storage) => {
      storage.open().create(commit(1, "one"), { ...FIRST_LIFE, createdAtMs: 7 });
      expect(storage.open().load()).toMatchObject({ createdAtMs: 7, updatedAtMs: 1_001 });
      const log = storage.open();
      Array.from(log.updates());
      log.append(commit(2, "two"));
      expect(storage.open().load()).toMatchObject({ createdAtMs: 7, updatedAtMs: 1_002 });
    });

    check("[LOG-2] an empty fragment is a commit without an update", (storage) => {
      storage.open().create({ ...commit(1, ""), update: null }, FIRST_LIFE);
      expect([...storage.open().updates()]).toEqual([]);
      expect(
        storage
          .open()
          .past()
          .map(({ revision }) => revision),
      ).toEqual([1]);
    });

    check("[LOG-3] appended commits come back in order, with their past entries as they were", (storage) => {
      const log = created(storage);
      const commits = [2, 3, 4].map((revision) => commit(revision, `update ${revision}`));
      for (const one of commits) log.append(one);
      for (const reader of [log, storage.open()]) {
        expect(textsOf(reader)).toEqual(["first", "update 2", "update 3", "update 4"]);
        const entries = reader.past().slice(1);
        expect(entries.map(plain)).toEqual(commits.map(plain));
        expect(reader.load()).toMatchObject({ revision: 4, updatedAtMs: 1_004, createdAtMs: 1_001 });
      }
    });

    check("[LOG-3] a commit without an update keeps its entry", (storage) => {
      const log = created(storage);
      log.append({ ...commit(2, ""), update: null });
      expect(textsOf(storage.open())).toEqual(["first"]);
      expect(storage.open().load()?.revision).toBe(2);
    });

    check("[LOG-3] a log opened anew appends behind what is there", (storage) => {
      created(storage).append(commit(2, "second"));
      const next = storage.open();
      next.load();
      expect(textsOf(next)).toEqual(["first", "second"]);
      next.append(commit(3, "third"));
      expect(textsOf(storage.open())).toEqual(["first", "second", "third"]);
    });

    check("[LOG-3] what the writer does with its bytes afterwards changes nothing", (storage) => {
      const log = created(storage);
      const one = commit(2, "as it was");
      log.append(one);
      one.update?.fill(0);
      expect(textsOf(log)).toEqual(["first", "as it was"]);
    });

    check("[LOG-10] what the catalogue has is remembered for one row, over deletion too", (storage) => {
      const log = created(storage);
      const before = log.rowsWritten;
      log.markDelivered(1);
      expect(log.rowsWritten - before).toBe(1);
      log.append(commit(2, "second"));
      log.markDelivered(2);
      expect(log.rowsWritten - before).toBe(3);
      for (const reader of [log, storage.open()]) expect(reader.load()?.deliveredRevision).toBe(2);
      log.remove({ revision: 3, timeMs: 2_000, authors: ["cy"] }, []);
      for (const reader of [log, storage.open()]) expect(reader.load()?.deliveredRevision).toBe(2);
    });

    check("[LOG-4] a commit costs one row, small ones rewrite the newest row", (storage) => {
      const log = created(storage);
      const before = log.rowsWritten;
      for (let revision = 2; revision <= 101; revision++) log.append(commit(revision, "small"));
      expect(log.rowsWritten - before).toBe(100);
      expect(log.size.rows).toBe(1);
    });

    check("[LOG-4] large commits take new rows", (storage) => {
      const log = created(storage);
      for (let revision = 2; revision <= 5; revision++) log.append(commit(revision, "x".repeat(40_000)));
      expect(log.size.rows).toBeGreaterThan(2);
      expect(textsOf(storage.open()).map(({ length }) => length)).toEqual([
        5, 40_000, 40_000, 40_000, 40_000,
      ]);
    });

    check("[LOG-5] an update of five megabytes comes back whole", (storage) => {
      const log = created(storage);
      const large = Uint8Array.from({ length: 5_000_000 }, (_, index) => index % 251);
      log.append({ ...commit(2, ""), update: large });
      log.append(commit(3, "behind it"));
      const [, second, third] = [...storage.open().updates()];
      expect(second?.length).toBe(large.length);
      expect(second?.every((byte, index) => byte === index % 251)).toBe(true);
      expect(decode(third)).toBe("behind it");
    });

    check(
      "[LOG-6] compaction puts the snapshot in place of the updates, and commits go on behind it",
      (storage) => {
        const log = created(storage);
        log.append(commit(2, "second"));
        log.compact(encode("both"), 0);
        expect(textsOf(log)).toEqual(["both"]);
        log.append(commit(3, "third"));
        for (const reader of [log, storage.open()]) {
          expect(textsOf(reader)).toEqual(["both", "third"]);
          expect(reader.load()).toMatchObject({ revision: 3, createdAtMs: 1_001, updatedAtMs: 1_003 });
        }
      },
    );

    check("[LOG-6] compaction keeps the past from the given time on, with its answers", (storage) => {
      const log = created(storage);
      const commits = [2, 3, 4].map((revision) => commit(revision, "x"));
      for (const one of commits) log.append(one);
      log.compact(encode("all"), 1_003);
      for (const reader of [log, storage.open()]) {
        expect(reader.past().map(plain)).toEqual(commits.slice(1).map(plain));
      }
    });

    check("[LOG-6] the revision does not go back, when compaction keeps no past at all", (storage) => {
      const log = created(storage);
      log.append(commit(2, "second"));
      log.compact(encode("all"), 9_999);
      expect(log.past()).toEqual([]);
      expect(storage.open().load()).toMatchObject({ revision: 2, updatedAtMs: 1_002 });
      log.append(commit(3, "third"));
      expect(textsOf(storage.open())).toEqual(["all", "third"]);
    });

    check("[LOG-6] a log can be compacted twice in turn", (storage) => {
      const log = created(storage);
      log.compact(encode("all"), 9_999);
      log.compact(encode("all again"), 9_999);
      expect(textsOf(storage.open())).toEqual(["all again"]);
      expect(storage.open().load()?.revision).toBe(1);
    });

    check(
      "[LOG-6] a snapshot of five megabytes comes back whole, and a smaller one leaves nothing of it",
      (storage) => {
        const log = created(storage);
        log.compact(new Uint8Array(5_000_000).fill(7), 0);
        const [large] = [...storage.open().updates()];
        expect(large?.length).toBe(5_000_000);
        expect(large?.every((byte) => byte === 7)).toBe(true);
        log.append(commit(2, "second"));
        log.compact(encode("small"), 0);
        expect(textsOf(storage.open())).toEqual(["small"]);
      },
    );

    check("[LOG-7] the size tells what is behind the snapshot, once the updates were read", (storage) => {
      const log = created(storage);
      log.append(commit(2, "12345"));
      expect(log.size).toMatchObject({ rows: 1, updateBytes: 10, snapshotBytes: 0, commits: 2 });
      expect(log.size.pastBytes).toBeGreaterThan(0);
      const next = storage.open();
      expect([...next.updates()].length).toBe(2);
      expect(next.size).toMatchObject({ rows: 1, updateBytes: 10, snapshotBytes: 0, commits: 0 });
      next.compact(encode("1234567"), 9_999);
      expect(next.size).toEqual({ rows: 0, updateBytes: 0, pastBytes: 0, snapshotBytes: 7, commits: 0 });
    });

    check(
      "[LOG-8] a removed fragment leaves its revision, generation and client ids, and no text",
      (storage) => {
        const log = created(storage);
        log.append(commit(2, "second"));
        log.compact(encode("all"), 0);
        log.append(commit(3, "third"));
        log.remove({ revision: 4, timeMs: 2_000, authors: ["cy"] }, [7, 4_000_000_000, 2 ** 50]);
        for (const reader of [log, storage.open()]) {
          expect(reader.load()).toMatchObject({
            generation: 1,
            revision: 4,
            updatedAtMs: 2_000,
            isDeleted: true,
            oldClients: new Set([7, 4_000_000_000, 2 ** 50]),
            deliveredRevision: 0,
          });
          expect([...reader.updates()]).toEqual([]);
          expect(reader.past()).toEqual([]);
        }
      },
    );

    check("[LOG-8] a fragment made again is a new generation that knows the old client ids", (storage) => {
      const log = created(storage);
      log.remove({ revision: 2, timeMs: 2_000, authors: ["cy"] }, [7, 8]);
      log.create(commit(3, "again"), { generation: 2, serverClientId: 6, deliveredRevision: 0 });
      for (const reader of [log, storage.open()]) {
        expect(reader.load()).toMatchObject({
          generation: 2,
          revision: 3,
          createdAtMs: 1_003,
          isDeleted: false,
          serverClientId: 6,
          oldClients: new Set([7, 8]),
          deliveredRevision: 0,
        });
        expect(textsOf(reader)).toEqual(["again"]);
      }
      log.remove({ revision: 4, timeMs: 2_000, authors: ["cy"] }, [7, 8, 9]);
      expect(storage.open().load()?.oldClients).toEqual(new Set([7, 8, 9]));
    });

    check("[LOG-8] a hundred thousand old client ids come back", (storage) => {
      const clients = Array.from({ length: 100_000 }, (_, index) => 3_000_000_000 + index * 7);
      created(storage).remove({ revision: 2, timeMs: 2_000, authors: ["cy"] }, clients);
      expect(storage.open().load()?.oldClients).toEqual(new Set(clients));
    });

    check("[LOG-9] a renewed server client id is loaded, and nothing else has changed", (storage) => {
      const log = created(storage);
      const before = log.load();
      log.renewServerClientId(77);
      expect(storage.open().load()).toEqual({ ...before, serverClientId: 77 });
      expect(textsOf(storage.open())).toEqual(["first"]);
      expect(storage.open().hasFoundDamage).toBe(false);
    });

    check("[LOG-3] a document comes back from its commits", (storage) => {
      const doc = new Y.Doc();
      let log: UpdateLog | null = null;
      let revision = 0;
      doc.on("update", (update: Uint8Array) => {
        const next = { ...commit(++revision, ""), update };
        if (log === null) {
          log = storage.open();
          log.create(next, FIRST_LIFE);
        } else log.append(next);
        if (revision % 7 === 0) log.compact(Y.encodeStateAsUpdate(doc), 0);
      });
      const text = doc.getText("content");
      for (let edit = 0; edit < 40; edit++) {
        if (edit % 5 === 4) text.delete(edit % 3, 2);
        else text.insert(edit % (text.length + 1), `<${edit}>`);
      }
      const copy = new Y.Doc();
      for (const update of storage.open().updates()) Y.applyUpdate(copy, update);
      expect(copy.getText("content").toString()).toBe(text.toString());
      expect(Y.equalSnapshots(Y.snapshot(copy), Y.snapshot(doc))).toBe(true);
    });
  });
}

function created(storage: LogStorage): UpdateLog {
  const log = storage.open();
  log.create(commit(1, "first"), FIRST_LIFE);
  return log;
}

/** The log looks into no update: any bytes do. At the time 1,000 and its revision. */
function commit(revision: number, update: string): Commit {
  const undo = new TextChange().retain(revision).insert("é😀").delete(2);
  return {
    revision,
    timeMs: 1_000 + revision,
    authors: ["ann", "Jörg"],
    update: encode(update),
    undo,
    metadataBefore:
      revision % 2 === 0 ? null : { description: "d", tags: ["a", "b"], prompt_type: "system", eol: "crlf" },
    answers: [
      { client: "c", requestId: `r${revision}`, toSent: undo },
      // Of every third commit, and not of all its answers.
      { client: "", requestId: "key", fingerprint: revision % 3 === 0 ? "f1" : undefined, toSent: undo },
    ],
  };
}

function plain({ revision, timeMs, authors, undo, metadataBefore, answers }: Omit<Commit, "update">) {
  return {
    revision,
    timeMs,
    authors,
    undo: undo.ops,
    metadataBefore,
    answers: answers.map(({ toSent, ...request }) => ({ ...request, toSent: toSent.ops })),
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

function textsOf(log: UpdateLog): string[] {
  return [...log.updates()].map((update) => decode(update));
}
