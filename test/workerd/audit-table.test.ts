/** The table of the audit log, in the SQLite of an object. */
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { AuditPage, AuditQuery } from "../../src/protocol/audit.ts";
import {
  AUDIT_AGE_MS,
  MAX_AUDIT_ROWS_SCANNED,
  MAX_REPEATED_ROWS_PER_MINUTE,
} from "../../src/protocol/limits.ts";
import {
  AUDIT_TABLES,
  type AuditRecord,
  AuditTable,
  type RepeatedRecord,
} from "../../src/worker/storage/access-audit.ts";

const NOON = Date.UTC(2026, 10, 28, 12);
const MINUTE = 60_000;
const ANN: AuditRecord = {
  principal: "user:ann",
  via: "key:k1",
  address: "192.0.2.7",
  action: "fragment_deleted",
  on: "a/b",
};
const REFUSED: RepeatedRecord = {
  principal: "user:ann",
  via: null,
  address: "192.0.2.7",
  action: "refused",
  on: "secret",
  detail: "PUT /v1/fragments",
  result: "forbidden",
  timeMs: NOON,
  count: 1,
};

describe("the audit table", () => {
  audited(
    "[AUDIT-1] an entry says who did what, on which id, when, from where, with which result",
    (table) => {
      table.add(ANN, NOON);
      expect(page(table).entries).toEqual([
        {
          time: "2026-11-28T12:00:00.000+00:00",
          action: "fragment_deleted",
          principal: "user:ann",
          via: "key:k1",
          id: "a/b",
          detail: null,
          address: "192.0.2.7",
          result: "done",
          count: 1,
        },
      ]);
    },
  );

  audited("[AUDIT-2] pages show the newest first, and all entries once", (table) => {
    for (let number = 0; number < 25; number++) table.add({ ...ANN, on: `n${number}` }, NOON + number);
    const shown = idsOf(table, { limit: 10 });
    expect(shown).toEqual(Array.from({ length: 25 }, (_, at) => `n${24 - at}`));
  });

  audited("[AUDIT-2] pages go on where they were, when entries come meanwhile", (table) => {
    for (let number = 0; number < 4; number++) table.add({ ...ANN, on: `n${number}` }, NOON);
    const first = page(table, { limit: 2 });
    table.add({ ...ANN, on: "new" }, NOON);
    const second = page(table, { limit: 2, cursor: first.next_cursor ?? "" });
    expect(second.entries.map(({ id }) => id)).toEqual(["n1", "n0"]);
    expect(second.next_cursor).toBeNull();
  });

  audited("[AUDIT-2] entries are found by principal, action, id and time", (table) => {
    table.add(ANN, NOON);
    table.add({ ...ANN, principal: "key:k2" }, NOON + 1);
    table.add({ ...ANN, action: "fragment_renamed", detail: "to c" }, NOON + 2);
    table.add({ ...ANN, on: "other" }, NOON + 3);
    const found = (query: Partial<AuditQuery>) =>
      page(table, query).entries.map(({ time }) => time.slice(20, 23));
    expect(found({ principal: "key:k2" })).toEqual(["001"]);
    expect(found({ action: "fragment_renamed" })).toEqual(["002"]);
    expect(found({ id: "other" })).toEqual(["003"]);
    expect(found({ since: "2026-11-28T13:00:00.002+01:00" })).toEqual(["003", "002"]);
    expect(found({ principal: "user:ann", id: "a/b" })).toEqual(["002", "000"]);
  });

  audited(
    "[AUDIT-2] a rare entry is found page by page, and each page looks at a bounded number",
    (table, sql) => {
      table.add({ ...ANN, on: "rare" }, NOON);
      fill(sql, MAX_AUDIT_ROWS_SCANNED + 10, "access", NOON);
      const first = page(table, { id: "rare" });
      expect(first.entries).toEqual([]);
      const second = page(table, { id: "rare", cursor: first.next_cursor ?? "" });
      expect(second.entries.map(({ id }) => id)).toEqual(["rare"]);
      expect(second.next_cursor).toBeNull();
    },
  );

  audited("[AUDIT-3] repetitions within a minute are one entry with their number", (table) => {
    table.addRepeated([{ ...REFUSED, count: 3 }]);
    table.addRepeated([{ ...REFUSED, on: "another", count: 4, timeMs: NOON + 59_000 }]);
    table.addRepeated([{ ...REFUSED, timeMs: NOON + MINUTE }]);
    const shown = page(table).entries.map(({ id, count, result }) => [id, count, result]);
    expect(shown).toEqual([
      ["secret", 1, "forbidden"],
      ["secret", 7, "forbidden"],
    ]);
  });

  audited("[AUDIT-3] tokens are counted for each key and user", (table) => {
    const minted = { ...REFUSED, principal: "key:k1", action: "token_minted", result: "done" } as const;
    for (const on of ["user:ann", "user:bob", "user:ann"]) table.addRepeated([{ ...minted, on }]);
    expect(page(table).entries.map(({ id, count }) => [id, count])).toEqual([
      ["user:bob", 1],
      ["user:ann", 2],
    ]);
  });

  audited(
    "[AUDIT-3] a flood from many addresses begins a bounded number of rows, and all is counted",
    (table) => {
      for (let number = 0; number < 5_000; number++)
        table.addRepeated([{ ...REFUSED, address: `2001:db8::${number}` }]);
      table.addRepeated([{ ...REFUSED, address: "2001:db8::1" }]);
      const counts = new Map<string | null, number>();
      let rows = 0;
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const next: AuditPage = page(table, { limit: 200, ...(cursor === undefined ? {} : { cursor }) });
        for (const { address, count } of next.entries)
          counts.set(address, (counts.get(address) ?? 0) + count);
        rows += next.entries.length;
        cursor = next.next_cursor;
      }
      expect(rows).toBe(MAX_REPEATED_ROWS_PER_MINUTE + 1);
      expect(counts.get("2001:db8::1")).toBe(2);
      expect(counts.get(null)).toBe(5_000 - MAX_REPEATED_ROWS_PER_MINUTE);
    },
  );

  audited("[AUDIT-4] an entry stays for 90 days", (table) => {
    table.add({ ...ANN, on: "old" }, NOON - 1);
    table.add({ ...ANN, on: "young" }, NOON);
    expect(table.prune(NOON + AUDIT_AGE_MS)).toBe(true);
    expect(idsOf(table)).toEqual(["young"]);
    table.prune(NOON + AUDIT_AGE_MS + 1);
    expect(idsOf(table)).toEqual([]);
  });

  audited("[AUDIT-4] very many old entries are dropped in several turns", (table, sql) => {
    fill(sql, 25_000, "fragments", NOON - 1);
    table.add(ANN, NOON);
    let turns = 1;
    while (!table.prune(NOON + AUDIT_AGE_MS)) turns++;
    expect([turns, idsOf(table)]).toEqual([3, ["a/b"]]);
  });

  audited("[AUDIT-4] sign-ins that fail push no other entry out of the log", (table, sql) => {
    const signIn = { ...REFUSED, action: "signed_in", on: null, detail: null } as const;
    table.addRepeated([{ ...signIn, result: "unauthorised" }]);
    table.add({ ...ANN, action: "signed_in" }, NOON);
    const shelves = sql.exec("SELECT result, shelf FROM audit ORDER BY id").toArray();
    expect(shelves).toEqual([
      { result: "unauthorised", shelf: "refusals" },
      { result: "done", shelf: "access" },
    ]);
  });

  audited("[AUDIT-4] the ends of tokens push no key out of the log", (table, sql) => {
    table.add({ ...ANN, action: "key_made", on: "k1" }, NOON);
    table.add({ ...ANN, action: "token_revoked", on: "t1" }, NOON);
    const shelves = sql.exec("SELECT on_id, shelf FROM audit ORDER BY id").toArray();
    expect(shelves).toEqual([
      { on_id: "k1", shelf: "access" },
      { on_id: "t1", shelf: "tokens" },
    ]);
  });

  audited("[AUDIT-4] refusals push no other entry out of the log", (table, sql) => {
    table.add({ ...ANN, action: "key_made", on: "k1" }, NOON);
    fill(sql, 100_500, "refusals", NOON);
    while (!table.prune(NOON));
    const rows = sql
      .exec("SELECT shelf, count(*) AS rows FROM audit GROUP BY shelf ORDER BY shelf")
      .toArray();
    expect(rows).toEqual([
      { shelf: "access", rows: 1 },
      { shelf: "refusals", rows: 100_000 },
    ]);
    expect(Number(sql.exec("SELECT max(id) AS id FROM audit").one()["id"])).toBe(100_501);
  });
});

let objects = 0;

/** A test on the table in the storage of an object of its own. */
function audited(title: string, use: (table: AuditTable, sql: SqlStorage) => void): void {
  test(title, () => {
    const stub = env.FRAGMENT.get(env.FRAGMENT.idFromName(`default/audit-${++objects}`));
    return runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec(AUDIT_TABLES);
      use(new AuditTable(storage), storage.sql);
    });
  });
}

function page(table: AuditTable, query: Partial<AuditQuery> = {}): AuditPage {
  return table.page({ limit: 50, ...query });
}

/** The ids of all pages. */
function idsOf(table: AuditTable, query: Partial<AuditQuery> = {}): (string | null)[] {
  const { entries, next_cursor } = page(table, query);
  const rest = next_cursor === null ? [] : idsOf(table, { ...query, cursor: next_cursor });
  return [...entries.map(({ id }) => id), ...rest];
}

function fill(sql: SqlStorage, rows: number, shelf: string, timeMs: number): void {
  sql.exec(
    `INSERT INTO audit (shelf, time_ms, action, result, count)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
       SELECT '${shelf}', ${timeMs}, 'refused', 'forbidden', 1 FROM n`,
  );
}
