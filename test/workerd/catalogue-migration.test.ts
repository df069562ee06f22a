/** A catalogue that an earlier release has written, as this release opens it. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CatalogueEntry, CatalogueRecord } from "../../src/core/feed/catalogue-update.ts";
import type { Workspace } from "../../src/protocol/access.ts";
import type { FragmentSummary, ListQuery } from "../../src/protocol/catalogue.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { FragmentObject } from "../../src/worker/fragment/fragment-object.ts";
import { eventually } from "./eventually.ts";
import { adminOf, rebuild, rebuildStatus } from "./rebuilding.ts";

/** The tables of release 0.1.0 (version 4), frozen: what this release makes is another matter. */
const TABLES_0_1 = `
  CREATE TABLE schema_version (version INTEGER PRIMARY KEY);
  CREATE TABLE fragment (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, created_seq INTEGER NOT NULL,
    revision INTEGER NOT NULL, is_deleted INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL,
    description TEXT NOT NULL, tags TEXT NOT NULL, includes TEXT NOT NULL, prompt_type TEXT NOT NULL,
    size INTEGER NOT NULL, excerpt TEXT NOT NULL, renamed_to TEXT
  );
  CREATE UNIQUE INDEX fragment_by_seq ON fragment (seq);
  CREATE INDEX fragment_by_time ON fragment (updated_at_ms, id) WHERE is_deleted = 0;
  CREATE TABLE inclusion (target TEXT, source TEXT, PRIMARY KEY (target, source)) WITHOUT ROWID;
  CREATE VIRTUAL TABLE words USING fts5 (
    id, description, tags, content,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
  );
  CREATE TABLE editing (id TEXT PRIMARY KEY, sessions INTEGER NOT NULL, editors TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE rebuild (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1), cursor TEXT NOT NULL, done INTEGER NOT NULL,
    total INTEGER NOT NULL, repaired INTEGER NOT NULL, started_at_ms INTEGER NOT NULL, finished_at_ms INTEGER
  );
  CREATE TABLE rebuild_id (id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE due (kind TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE announced (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;`;

/** As release 0.1.0 stored it: in NFC, with a byte between the characters of scripts without spaces. */
interface OldFragment {
  readonly id: string;
  readonly text: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

const OLD: readonly OldFragment[] = [
  { id: "greek", text: "Λέμε καλημέρα το πρωί.", description: "Χαιρετισμός", tags: ["Ευγένεια"] },
  { id: "chinese", text: "\u001F中\u001F国\u001F科\u001F学\u001F院\u001F大\u001F学\u001F" },
  { id: "robot", text: "\u001F🤖\u001FAssistant" },
  { id: "plain", text: "some plain words" },
];

/** What the fragments answer when the catalogue asks them: what it has of them. */
const records = new Map<string, CatalogueRecord>();

beforeEach(() => {
  vi.spyOn(FragmentObject.prototype, "catalogueRecord").mockImplementation(function (this: FragmentObject) {
    const { ctx } = this as unknown as { ctx: DurableObjectState }; // protected
    return Promise.resolve(records.get(ctx.id.name?.replace(/^[^/]*\//, "") ?? "") ?? null);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  records.clear();
});

const FIELDS = {
  createdAtMs: 1,
  updatedAtMs: 2,
  description: "",
  tags: [],
  prompt_type: "standard",
} as const;

type Catalogue = ReturnType<typeof catalogueStub>;

/** A catalogue whose storage was written by release 0.1.0. This release's object is gone, and opens it at the next call. */
async function catalogueOf(
  fragments: readonly OldFragment[],
  version = 4,
  catalogue = catalogueStub(env, crypto.randomUUID() as Workspace),
): Promise<Catalogue> {
  await runInDurableObject(catalogue, async (_, { storage }) => {
    await storage.deleteAlarm();
    storage.transactionSync(() => {
      const { sql } = storage;
      const made = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
      const names = made.map(({ name }) => String(name));
      for (const name of names.filter((one) => !/^(words_|_cf|sqlite_)/.test(one)))
        sql.exec(`DROP TABLE ${name}`);
      sql.exec(TABLES_0_1);
      sql.exec("INSERT INTO schema_version VALUES (?)", version);
      for (const [at, { id, text, description = "", tags = [] }] of fragments.entries()) {
        const entry = { ...FIELDS, id, revision: 1, description, tags, size: text.length };
        records.set(id, { kind: "text", entry, text: text.replaceAll("\u001F", "") });
        sql.exec(
          "INSERT INTO fragment VALUES (?1, ?2, ?1, ?1, 1, 0, 1, 2, ?3, ?4, '[]', 'standard', ?5, '', NULL)",
          at + 1,
          id,
          description,
          JSON.stringify(tags),
          text.length,
        );
        sql.exec(
          "INSERT INTO words (rowid, id, description, tags, content) VALUES (?, ?, ?, ?, ?)",
          at + 1,
          id,
          description,
          tags.join(" "),
          text,
        );
      }
      sql.exec("INSERT INTO editing VALUES ('plain', 2, '[]')");
      sql.exec("INSERT INTO announced VALUES ('plain', 1, 1)");
      sql.exec("INSERT INTO due VALUES ('announced', 9000000000000)");
    });
  });
  await evictDurableObject(catalogue);
  return catalogue;
}

async function find(catalogue: Catalogue, query: string): Promise<readonly FragmentSummary[]> {
  const answer = await catalogue.list(adminOf(catalogue), { query, limit: 200 } satisfies ListQuery);
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.value.fragments;
}

async function rebuilt(catalogue: Catalogue): Promise<void> {
  await eventually(async () =>
    expect(await rebuildStatus(adminOf(catalogue))).toMatchObject({ state: "done", repaired: 0 }),
  );
}

function oldTables(catalogue: Catalogue): Promise<string[]> {
  return runInDurableObject(catalogue, (_, { storage }) =>
    Array.from(storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'old%'").raw(), ([name]) =>
      String(name),
    ),
  );
}

describe("a catalogue of release 0.1.0", () => {
  test("[EXIST-4] does not vouch for what it does not know, until it is rebuilt as a complete one", async () => {
    const catalogue = await catalogueOf(OLD);
    expect(await catalogue.known(["plain", "unknown"])).toBeNull();
    await rebuild([], true, adminOf(catalogue));
    await eventually(async () => {
      expect(await rebuildStatus(adminOf(catalogue))).toMatchObject({ state: "done", complete: true });
    });
    expect(await catalogue.known(["plain", "unknown"])).toEqual(["plain"]);
  });

  test.each([
    ["greek", "ΚΑΛΗΜΕΡΑ", "Λέμε καλημέρα το πρωί.", "καλημέρα"],
    ["greek", "καλημερα", "Λέμε καλημέρα το πρωί.", "καλημέρα"],
    ["chinese", "科学", "中国科学院大学", "科学"],
    ["robot", "assist", "🤖Assistant", "Assistant"],
    ["plain", "WORDS", "some plain words", "words"],
  ])(
    "[CAT-13] %s is found by %s in the first search, and shown as it is",
    async (id, query, excerpt, shown) => {
      const catalogue = await catalogueOf(OLD);
      const [found] = await find(catalogue, query);
      expect(found).toMatchObject({ id, excerpt });
      const { from, to } = found?.highlights.excerpt[0] ?? { from: 0, to: 0 };
      expect(excerpt.slice(from, to)).toBe(shown);
      expect(await oldTables(catalogue)).toEqual([]);
    },
  );

  test("[CAT-13] ids, descriptions and tags are found too, and what else was stored stays", async () => {
    const catalogue = await catalogueOf(OLD);
    expect((await find(catalogue, "χαιρετισμος ευγενεια GREEK")).map(({ id }) => id)).toEqual(["greek"]);
    await rebuilt(catalogue);
    const kept = await runInDurableObject(catalogue, (_, { storage }) => ({
      due: storage.sql.exec("SELECT kind FROM due").toArray(),
      awaited: storage.sql.exec("SELECT id FROM awaited").toArray(),
      open: storage.sql.exec("SELECT id, sessions FROM open_sessions").toArray(),
    }));
    expect(kept).toEqual({
      due: [{ kind: "awaited" }],
      awaited: [{ id: "plain" }],
      open: [{ id: "plain", sessions: 2 }],
    });
  });

  test("[CAT-13] a large catalogue is indexed in steps, over a crash, and serves meanwhile", async () => {
    const filler = "filler ".repeat(20_000);
    const many = Array.from({ length: 32 }, (_, n) => ({ id: `f${n}`, text: `Λέμε καλημέρα ${filler}` }));
    const workspace = crypto.randomUUID() as Workspace;
    const again = () => catalogueStub(env, workspace); // a stub is of no use once its object was aborted
    let catalogue = await catalogueOf(many, 4, again());
    const found = async () => (await find(catalogue, "ΚΑΛΗΜΕΡΑ")).length;
    const atFirst = await found();
    expect(atFirst).toBeGreaterThan(0);
    expect(atFirst).toBeLessThan(32);
    expect(await oldTables(catalogue)).toContain("old_words");
    const entry: CatalogueEntry = { ...FIELDS, id: "f31", revision: 2, size: 14 };
    const update = { kind: "text", entry, text: "told meanwhile" } as const;
    records.set("f31", update);
    await catalogue.deliver({ id: "f31", update, openSessions: null });
    await abortAllDurableObjects();
    catalogue = again();
    await eventually(async () => expect(await oldTables(catalogue)).toEqual([]));
    expect(await found()).toBe(31);
    expect((await find(catalogue, "told meanwhile"))[0]).toMatchObject({ id: "f31", version: 2 });
    // The rebuild that a migration begins finds nothing wrong.
    await rebuilt(catalogue);
    const rest = await runInDurableObject(catalogue, async (_, { storage }) => ({
      alarm: await storage.getAlarm(),
      changed: storage.sql.exec("SELECT id FROM fragment WHERE seq > 32").toArray(),
    }));
    expect(rest).toEqual({ alarm: 9_000_000_000_000, changed: [{ id: "f31" }] });
  });

  test("[CAT-10] a catalogue of an earlier version begins a rebuild", async () => {
    const catalogue = await catalogueOf([], 3);
    expect((await rebuildStatus(adminOf(catalogue))).state).not.toBe("never");
  });
});
