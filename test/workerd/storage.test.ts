/** What stands in a fragment's SQLite, seen from inside of its object. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as Y from "yjs";
import { EMPTY_WRITE, type Write } from "../../src/core/fragment/write.ts";
import { COMPACTION_POLICY, type CompactionPolicy } from "../../src/core/history/compaction-policy.ts";
import type { NewLife } from "../../src/core/history/update-log.ts";
import { Room } from "../../src/core/room/room.ts";
import { openSession, type Peer, type YjsSession } from "../../src/core/room/session.ts";
import { NO_CHANGE } from "../../src/core/text/text-change.ts";
import { encodeUpdate } from "../../src/protocol/yjs-frames.ts";
import { MAX_ROW_BYTES } from "../../src/worker/storage/chunks.ts";
import { FRAGMENT_SCHEMA } from "../../src/worker/storage/fragment-schema.ts";
import { migrate, newestVersion, type Schema, schemaVersion } from "../../src/worker/storage/migrations.ts";
import { SqlUpdateLog } from "../../src/worker/storage/sql-update-log.ts";
import { OPEN_ACCESS } from "../support/open-access.ts";
import {
  connectJson,
  connectYjs,
  createFragment,
  freshId,
  joinJson,
  joinYjs,
  objectOf,
  readFragment,
  request,
} from "./connect.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

type Row = Record<string, SqlStorageValue>;

/** The rows of a query in a fragment's own database. */
function query(id: string, sql: string, ...bindings: SqlStorageValue[]): Promise<Row[]> {
  return runInDurableObject(objectOf(id), (_, { storage }) => storage.sql.exec(sql, ...bindings).toArray());
}

const FIRST_LIFE: NewLife = { generation: 1, serverClientId: 42, deliveredRevision: 0 };

/** Version 1, as it was released. */
const FIRST_SCHEMA: Schema = {
  tables: `CREATE TABLE fragment (
     singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
     generation INTEGER NOT NULL,
     is_deleted INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     updated_at_ms INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     server_client_id INTEGER NOT NULL
   );
   CREATE TABLE old_clients (chunk INTEGER PRIMARY KEY, data BLOB NOT NULL);
   CREATE TABLE snapshot (
     chunk INTEGER PRIMARY KEY,
     format INTEGER NOT NULL,
     checksum INTEGER NOT NULL,
     data BLOB NOT NULL
   );
   CREATE TABLE update_log (
     seq INTEGER PRIMARY KEY,
     part INTEGER NOT NULL,
     parts INTEGER NOT NULL,
     format INTEGER NOT NULL,
     checksum INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     time_ms INTEGER NOT NULL,
     data BLOB NOT NULL
   );
   CREATE TABLE quarantine (
     id INTEGER PRIMARY KEY,
     source TEXT NOT NULL,
     key INTEGER NOT NULL,
     reason TEXT NOT NULL,
     revision INTEGER NOT NULL,
     data BLOB
   );
   CREATE TABLE due (kind TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;`,
  migrations: [],
};

/** Tables and columns, without the text that made them. */
function shapeOf(sql: SqlStorage): unknown[] {
  return sql
    .exec(
      `SELECT m.name AS name, c.name AS column, c.type, c."notnull", c.dflt_value, c.pk
       FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY 1, c.cid`,
    )
    .toArray();
}

async function count(id: string, table: string): Promise<number> {
  const [row] = await query(id, `SELECT count(*) AS rows FROM ${table}`);
  return Number(row?.["rows"]);
}

/** A fragment whose text stands in a snapshot. */
async function makeSnapshot(content: string): Promise<{ id: string }> {
  const { id } = await createFragment(content);
  await request("PATCH", `/v1/fragments/${id}`, { description: "compacted with this commit" });
  expect(await count(id, "snapshot")).toBeGreaterThan(0);
  return { id };
}

describe("rows", () => {
  test("[STO-1] a probe stores nothing, when the id does not exist", async () => {
    const id = freshId();
    await (await connectJson(id)).closed();
    await (await connectYjs(id)).closed();
    const answers = await Promise.all([
      request("GET", `/v1/fragments/${id}`),
      request("PATCH", `/v1/fragments/${id}`, { content: "x" }),
      request("DELETE", `/v1/fragments/${id}`),
      request("GET", `/v1/expansions/${id}`),
      request("POST", "/v1/expand", { content: `[[${id}]]` }),
      request("PUT", `/v1/fragments/${id}`, { content: "x" }, { "If-Match": '"1"' }),
      request("PUT", `/v1/fragments/${id}`, { content: "\0" }),
    ]);
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
    expect(await query(id, "SELECT name FROM sqlite_master WHERE name NOT LIKE '_cf_%'")).toEqual([]);
    const alarm = await runInDurableObject(objectOf(id), (_, { storage }) => storage.getAlarm());
    expect(alarm).toBeNull();
  });

  test("[STO-2] a log row says format, checksum, revision and time, when a commit is stored", async () => {
    const before = Date.now();
    const { id } = await createFragment("text");
    const [row, ...more] = await query(id, "SELECT * FROM update_log");
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      seq: 1,
      part: 0,
      parts: 1,
      format: 1,
      checksum: expect.any(Number),
      revision: 1,
      data: expect.any(ArrayBuffer),
    });
    expect(Number(row?.["time_ms"])).toBeGreaterThanOrEqual(before);
  });

  test("[STO-2] the newest row is rewritten, when commits are small", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    for (let seq = 1; seq <= 8; seq++) {
      client.push(
        seq,
        client.edit((text) => text.insert(text.length, "word ")),
      );
      await client.saved(seq);
    }
    expect(await query(id, "SELECT seq, revision FROM update_log")).toEqual([{ seq: 1, revision: 9 }]);
  });

  test("[STO-2] a new row begins, when the newest is no longer small", async () => {
    const { id } = await makeSnapshot("s".repeat(100_000));
    const client = await joinYjs(id);
    for (const [seq, length] of [40_000, 1].entries()) {
      client.push(
        seq,
        client.edit((text) => text.insert(0, "x".repeat(length))),
      );
      await client.saved(seq);
    }
    expect(await count(id, "update_log")).toBe(2);
  });

  test("[STO-3] the schema has its newest version once, when a fragment is made and opened again", async () => {
    const { id } = await createFragment("text");
    const [{ version } = { version: 0 }] = await query(
      id,
      "SELECT max(version) AS version FROM schema_version",
    );
    expect(Number(version)).toBe(newestVersion(FRAGMENT_SCHEMA));
    await evictDurableObject(objectOf(id));
    await request("PUT", `/v1/fragments/${id}`, { content: "more" });
    expect(await query(id, "SELECT version FROM schema_version")).toEqual([{ version }]);
  });

  test("[STO-3] migrate changes nothing, when the schema is the newest", async () => {
    await runInDurableObject(objectOf(freshId()), (_, { storage }) => {
      const { sql } = storage;
      expect(schemaVersion(sql)).toBe(0);
      migrate(sql, FRAGMENT_SCHEMA, 0);
      const tables = shapeOf(sql);
      expect(schemaVersion(sql)).toBe(newestVersion(FRAGMENT_SCHEMA));
      migrate(sql, FRAGMENT_SCHEMA, schemaVersion(sql));
      expect([schemaVersion(sql), shapeOf(sql)]).toEqual([newestVersion(FRAGMENT_SCHEMA), tables]);
    });
  });

  test("[STO-3] the tables are a new object's, when those of an earlier release were migrated", async () => {
    const migrated = await runInDurableObject(objectOf(freshId()), (_, { storage: { sql } }) => {
      migrate(sql, FIRST_SCHEMA, 0);
      sql.exec("INSERT INTO fragment VALUES (1, 2, 0, 3, 4, 5, 6)");
      migrate(sql, FRAGMENT_SCHEMA, schemaVersion(sql));
      expect(sql.exec("SELECT revision, delivered_revision FROM fragment").toArray()).toEqual([
        { revision: 5, delivered_revision: 0 },
      ]);
      return { version: schemaVersion(sql), shape: shapeOf(sql) };
    });
    const fresh = await runInDurableObject(objectOf(freshId()), (_, { storage: { sql } }) => {
      migrate(sql, FRAGMENT_SCHEMA, 0);
      return { version: schemaVersion(sql), shape: shapeOf(sql) };
    });
    expect(migrated).toEqual(fresh);
  });
});

describe("large documents", () => {
  test("[STO-4] values are cut into chunks below 1.9 MB, when a document is larger", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    // Each character inserted before the last one is a struct of its own: a small text, a large document.
    const update = client.edit((text) => {
      for (let n = 0; n < 220_000; n++) text.insert(0, "x");
    });
    expect(update.length).toBeGreaterThan(MAX_ROW_BYTES);
    client.push(1, update);
    await client.saved(1);
    const readChunks = () => query(id, "SELECT chunk, length(data) AS bytes FROM snapshot ORDER BY chunk");
    // A long compaction has a turn of its own.
    await expect.poll(async () => (await readChunks()).length).toBeGreaterThan(1);
    const chunks = await readChunks();
    for (const { bytes } of chunks) expect(Number(bytes)).toBeLessThanOrEqual(MAX_ROW_BYTES);
    await evictDurableObject(objectOf(id));
    const again = await joinYjs(id);
    expect(Y.encodeStateVector(again.doc)).toEqual(Y.encodeStateVector(client.doc));
    expect(again.text).toBe(client.text);
  });

  test("[STO-4] a record goes on in further rows, when one commit is larger than a row", async () => {
    await runInDurableObject(objectOf(freshId()), (_, { storage }) => {
      const log = new SqlUpdateLog(storage, fail);
      const update = crypto.getRandomValues(new Uint8Array(65_536));
      const large = new Uint8Array(4_500_000).map((_, at) => update[at % update.length] ?? 0);
      log.create(commitOf(1, null), FIRST_LIFE);
      log.append(commitOf(2, large));
      log.append(commitOf(3, new Uint8Array([1, 2, 3])));
      const rows = storage.sql.exec("SELECT part, parts, length(data) AS bytes FROM update_log").toArray();
      expect(rows.map(({ part, parts }) => `${part}/${parts}`)).toEqual(["0/1", "0/3", "1/3", "2/3", "0/1"]);
      for (const { bytes } of rows) expect(Number(bytes)).toBeLessThanOrEqual(MAX_ROW_BYTES);
      const reader = new SqlUpdateLog(storage, fail);
      expect([...reader.updates()]).toEqual([large, new Uint8Array([1, 2, 3])]);
      expect(reader.load()).toMatchObject({
        revision: 3,
        generation: 1,
        serverClientId: 42,
        isDeleted: false,
      });
    });
  });
});

describe("compaction", () => {
  test("[STO-5] a snapshot replaces the log, when the log outweighs it", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    let seq = 0;
    while ((await count(id, "snapshot")) === 0) {
      client.push(
        ++seq,
        client.edit((text) => text.insert(text.length, `line ${seq} `.repeat(20))),
      );
      await client.saved(seq);
      expect(seq).toBeLessThan(200);
    }
    const { version } = await readFragment(id);
    await evictDurableObject(objectOf(id));
    expect(await readFragment(id)).toMatchObject({ content: client.text, version });
  });

  test("[STO-5] text, state vector, revision, bases and answers are the same, when it compacts every five commits", async () => {
    await runInDurableObject(objectOf(freshId()), (_, { storage }) => {
      const host = new RoomOnStorage(storage, { ...COMPACTION_POLICY, maxCommits: 5 });
      host.create();
      const session = host.join();
      const doc = new Y.Doc();
      const texts = [""];
      for (let n = 1; n <= 33; n++) {
        host.type(session, doc, `${n},`, n * 1_000);
        texts.push(doc.getText("content").toString());
      }
      const reopened = new RoomOnStorage(storage);
      const { room } = reopened;
      expect(storage.sql.exec("SELECT count(*) AS rows FROM snapshot").one()["rows"]).toBe(1);
      expect(room.committed).toMatchObject({ content: texts.at(-1), revision: 34 });
      expect(Y.encodeStateVectorFromUpdate(room.snapshot())).toEqual(Y.encodeStateVector(doc));
      // Each past revision is a base: the edit lands where it would have on that text.
      const bases = [2, 7, 20, 33];
      for (const revision of bases) {
        const text = `<${revision}>${texts[revision - 1]}`;
        expect(reopened.update(text, revision, 34_000 + revision)).toMatchObject({ ok: true });
      }
      const { content } = room.committed;
      const inserted = content.match(/<\d+>/g)?.map((token) => Number(token.slice(1, -1)));
      expect(inserted?.toSorted((a, b) => a - b)).toEqual(bases);
      expect(content.replace(/^(<\d+>)+/, "")).toBe(texts.at(-1));
    });
  });

  test("[STO-5] the log stays as it was, when a compaction fails half-way", async () => {
    await runInDurableObject(objectOf(freshId()), (_, { storage }) => {
      const log = new SqlUpdateLog(storage, fail);
      log.create(commitOf(1, new Uint8Array([7])), FIRST_LIFE);
      log.append(commitOf(2, new Uint8Array([8])));
      log.compact(new Uint8Array([7, 8]), 0);
      log.append(commitOf(3, new Uint8Array([9])));
      const before = dump(storage.sql);
      const { sql } = storage;
      const exec = sql.exec.bind(sql);
      const failing = vi.spyOn(Object.getPrototypeOf(sql) as SqlStorage, "exec");
      failing.mockImplementation((query: string, ...bindings: unknown[]) => {
        if (query.includes("UPDATE fragment")) throw new Error("the disk is full");
        return exec(query, ...bindings);
      });
      expect(() => log.compact(new Uint8Array([7, 8, 9]), 0)).toThrow("the disk is full");
      failing.mockRestore();
      expect(dump(sql)).toEqual(before);
      expect([...new SqlUpdateLog(storage, fail).updates()]).toEqual([
        new Uint8Array([7, 8]),
        new Uint8Array([9]),
      ]);
    });
  });

  test("[STO-5] few rows are kept, when a text is typed key by key", async () => {
    await runInDurableObject(objectOf(freshId()), (_, { storage }) => {
      const host = new RoomOnStorage(storage);
      host.create();
      const session = host.join();
      const doc = new Y.Doc();
      let most = 0;
      for (let n = 1; n <= 3_000; n++) {
        host.type(session, doc, "abcde fghij klmno"[n % 17] ?? "", n * 250);
        if (n % 100 === 0)
          most = Math.max(
            most,
            Number(storage.sql.exec("SELECT count(*) AS rows FROM update_log").one()["rows"]),
          );
      }
      expect(most).toBeLessThan(250);
      const reopened = new RoomOnStorage(storage);
      expect(reopened.room.committed.content).toBe(doc.getText("content").toString());
    });
  });
});

describe("damage", () => {
  /** A snapshot by the server and two rows by two peers, none of which builds on another. */
  async function makeRows() {
    const { id } = await makeSnapshot("s".repeat(100_000));
    let revision = 0;
    for (const typed of ["a".repeat(40_000), "b"]) {
      const peer = await connectYjs(id); // it has not synced: what it types stands alone
      peer.push(
        1,
        peer.edit((text) => text.insert(0, typed)),
      );
      revision = (await peer.saved(1)).revision;
      peer.close();
    }
    const [older, newer, ...more] = await query(id, "SELECT seq, revision FROM update_log ORDER BY seq");
    expect([newer?.["revision"], more]).toEqual([revision, []]);
    return { id, revision, older: Number(older?.["seq"]), newer: Number(newer?.["seq"]) };
  }

  /** How many of each letter there are. */
  async function lettersOf(id: string): Promise<Record<string, number>> {
    const letters: Record<string, number> = { a: 0, b: 0, s: 0 };
    for (const letter of (await readFragment(id)).content) letters[letter] = (letters[letter] ?? 0) + 1;
    return letters;
  }

  function spoil(id: string, seq: number): Promise<Row[]> {
    return query(
      id,
      "UPDATE update_log SET data = substr(data, 1, length(data) - 1) || x'ff' WHERE seq = ?",
      seq,
    );
  }

  test("[STO-6] the damaged row is set aside and reported and the rest opens, when it is the newest", async () => {
    const { id, revision, newer } = await makeRows();
    const reports = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await spoil(id, newer);
    await evictDurableObject(objectOf(id));
    expect(await lettersOf(id)).toEqual({ a: 40_000, b: 0, s: 100_000 });
    const report = reports.mock.calls.flat().join(" ");
    expect(report).toContain(`update_log row ${newer} is quarantined: wrong checksum`);
    expect(await query(id, "SELECT source, key, reason, revision FROM quarantine")).toEqual([
      { source: "update_log", key: newer, reason: "wrong checksum", revision },
    ]);
    expect(await count(id, "update_log")).toBe(1);
  });

  test("[STO-6] the rest opens, when a row before the newest is damaged", async () => {
    const { id, older } = await makeRows();
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await spoil(id, older);
    await evictDurableObject(objectOf(id));
    expect(await lettersOf(id)).toEqual({ a: 0, b: 1, s: 100_000 });
  });

  test("[STO-6] the rows open, when the snapshot is damaged", async () => {
    const { id } = await makeRows();
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await query(id, "UPDATE snapshot SET checksum = checksum + 1");
    await evictDurableObject(objectOf(id));
    expect(await lettersOf(id)).toEqual({ a: 40_000, b: 1, s: 0 });
    expect(await query(id, "SELECT source, key FROM quarantine")).toEqual([{ source: "snapshot", key: 0 }]);
  });

  test("[STO-6] a revision that was told is not given again, when its row was damaged", async () => {
    const { id, revision, newer } = await makeRows();
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await spoil(id, newer);
    await evictDurableObject(objectOf(id));
    expect((await readFragment(id)).version).toBeGreaterThanOrEqual(revision);
    await evictDurableObject(objectOf(id)); // the second time it finds the row in quarantine
    const answer = await request("PATCH", `/v1/fragments/${id}`, { description: "d" });
    expect((await answer.json<{ version: number }>()).version).toBeGreaterThan(revision);
  });

  test("[STO-6] lost edits come back and all texts agree, when a peer that has them syncs", async () => {
    const { id, older, newer } = await makeRows();
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const peer = await joinYjs(id);
    peer.close();
    for (const seq of [older, newer]) await spoil(id, seq);
    await query(id, "DELETE FROM snapshot");
    await evictDurableObject(objectOf(id));
    expect((await readFragment(id)).content).toBe("");
    const back = await connectYjs(id);
    Y.applyUpdate(back.doc, Y.encodeStateAsUpdate(peer.doc));
    await back.sync();
    await back.next("step1"); // answered with all that it has
    back.push(1, new Uint8Array([0, 0]));
    await back.saved(1);
    expect(await lettersOf(id)).toEqual({ a: 40_000, b: 1, s: 100_000 });
    // The server writes under a new client id: the peer holds what the old one wrote and the log lacked.
    await request("PATCH", `/v1/fragments/${id}`, { edits: [{ old: "b", new: "B" }] });
    await back.next("update");
    expect(back.text).toBe((await readFragment(id)).content);
  });

  test("[STO-6] the rest opens and can be written, when the snapshot is damaged", async () => {
    const id = freshId();
    await request("PUT", `/v1/fragments/${id}`, { content: "first" });
    const client = await joinYjs(id);
    let seq = 0;
    while ((await count(id, "snapshot")) === 0) {
      client.push(
        ++seq,
        client.edit((text) => text.insert(text.length, "0123456789".repeat(50))),
      );
      await client.saved(seq);
    }
    const { version } = await readFragment(id);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await query(id, "UPDATE snapshot SET checksum = checksum + 1");
    await evictDurableObject(objectOf(id));
    await readFragment(id);
    const answer = await request("PUT", `/v1/fragments/${id}`, { content: "written anew" });
    expect(await answer.json()).toMatchObject({ content: "written anew" });
    expect((await readFragment(id)).version).toBeGreaterThan(version);
    expect(await count(id, "quarantine")).toBe(1);
    await evictDurableObject(objectOf(id));
    expect((await readFragment(id)).content).toBe("written anew");
  });
});

describe("rows written", () => {
  test("[STO-7] at most 6 rows a second are written over a minute, when twenty type 20 times a second", async () => {
    await runInDurableObject(objectOf(freshId()), (_, { storage }) => {
      const rows = countRows(storage.sql);
      const host = new RoomOnStorage(storage);
      host.create();
      const peers = Array.from({ length: 20 }, () => ({ session: host.join(), doc: new Y.Doc() }));
      const created = rows();
      for (let nowMs = 1_000; nowMs < 61_000; nowMs += 50) {
        for (const { session, doc } of peers) host.type(session, doc, "x", nowMs);
      }
      expect(host.room.committed.content.length).toBeGreaterThan(20 * 1_100);
      expect(rows() - created).toBeLessThanOrEqual(360);
      expect(rows() - created).toBeGreaterThan(60);
    });
  });

  test("[STO-7] few rows are written for many edits, when a client pushes as fast as it is answered", async () => {
    const { id } = await createFragment("");
    const client = await joinYjs(id);
    const rows = await runInDurableObject(objectOf(id), (_, { storage }) => countRows(storage.sql));
    const before = rows();
    const startMs = Date.now();
    let seq = 0;
    while (Date.now() - startMs < 2_000) {
      for (let n = 0; n < 10; n++)
        client.push(
          ++seq,
          client.edit((text) => text.insert(text.length, "x")),
        );
      await client.saved(seq);
    }
    const seconds = (Date.now() - startMs) / 1_000;
    expect((await readFragment(id)).content.length).toBe(seq);
    expect(rows() - before).toBeLessThanOrEqual(12 + 6 * seconds);
    expect(rows() - before).toBeGreaterThan(5);
  });

  test("[STO-7] a few rows are written, when two hundred cursors move", async () => {
    const { id } = await createFragment("");
    const [stock, watcher] = await Promise.all([joinYjs(id, { isStock: true }), joinYjs(id)]);
    const rows = await runInDurableObject(objectOf(id), (_, { storage }) => countRows(storage.sql));
    const client = stock.doc.clientID;
    for (let clock = 1; clock <= 200; clock++) {
      stock.sendAwareness([{ client, clock, state: { cursor: clock } }]);
    }
    const isLast = (state: unknown) => (state as { cursor?: number } | undefined)?.cursor === 200;
    await watcher.inbox.next(
      "the last cursor",
      (frame) => frame.kind === "awareness" && isLast(frame.states.get(client)?.state),
    );
    expect(rows()).toBeLessThanOrEqual(2); // when to look for silent ones
  });

  test("[STO-7] no row is written, when a fragment is read and joined", async () => {
    const { id } = await createFragment("text");
    await evictDurableObject(objectOf(id));
    const rows = await runInDurableObject(objectOf(id), (_, { storage }) => countRows(storage.sql));
    await readFragment(id);
    await Promise.all([joinJson(id), joinYjs(id)]);
    expect(rows()).toBe(0);
  });
});

/** A room on an object's real storage, with the test's own clock. */
class RoomOnStorage {
  readonly room: Room;
  #sessions = 0;

  constructor(storage: DurableObjectStorage, compaction: CompactionPolicy = COMPACTION_POLICY) {
    const log = new SqlUpdateLog(storage, fail);
    const random32 = () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    this.room = new Room({ id: "f", log, random32, compaction });
  }

  create(): void {
    this.room.create({ ...this.#write(null, null), answer: () => undefined }, false, 0);
  }

  join(): YjsSession {
    const peer: Peer = { send: () => undefined, close: fail, remember: () => undefined };
    const session = openSession(
      {
        id: `s${++this.#sessions}`,
        access: OPEN_ACCESS,
        isToldOfEnd: false,
        clientId: null,
        presence: null,
        presenceClock: -1,
        protocol: "yjs",
        isOwnClient: true,
        isBehind: false,
      },
      peer,
    );
    this.room.join(session);
    return session;
  }

  /** One update at the end of this document's own text. */
  type(session: YjsSession, doc: Y.Doc, what: string, nowMs: number): void {
    const known = Y.encodeStateVector(doc);
    const text = doc.getText("content");
    text.insert(text.length, what);
    this.room.receive(session, encodeUpdate(Y.encodeStateAsUpdate(doc, known)), nowMs);
    this.room.run(nowMs);
  }

  update(text: string, base: number, nowMs: number): unknown {
    let result: unknown;
    this.room.submit({
      ...this.#write(text, base),
      answer: (answered) => {
        result = answered;
      },
    });
    this.room.run(nowMs + 60_000);
    return result;
  }

  #write(text: string | null, base: number | null): Omit<Write, "answer"> {
    return {
      ...EMPTY_WRITE,
      content: text === null ? null : { kind: "text", text },
      base: base === null ? { kind: "current" } : { kind: "version", version: base },
    };
  }
}

function commitOf(revision: number, update: Uint8Array | null) {
  return {
    revision,
    timeMs: revision,
    authors: [],
    update,
    undo: NO_CHANGE,
    metadataBefore: null,
    answers: [],
  };
}

/** Everything in the tables, to compare. */
function dump(sql: SqlStorage): unknown {
  return ["fragment", "snapshot", "update_log", "old_clients", "quarantine", "due"].map((table) =>
    sql.exec(`SELECT * FROM ${table}`).toArray(),
  );
}

/** Counts the rows that any statement of this isolate writes from now on. */
function countRows(sql: SqlStorage): () => number {
  let rows = 0;
  const prototype = Object.getPrototypeOf(sql) as SqlStorage;
  const exec = prototype.exec;
  vi.spyOn(prototype, "exec").mockImplementation(function (
    this: SqlStorage,
    ...args: Parameters<SqlStorage["exec"]>
  ) {
    const cursor = exec.apply(this, args);
    if (this === sql) rows += cursor.rowsWritten; // the catalogue writes, too, and some time later
    return cursor;
  } as SqlStorage["exec"]);
  return () => rows;
}

function fail(reason: unknown): never {
  throw new Error(String(reason));
}
