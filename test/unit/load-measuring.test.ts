import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { encodeSaved, encodeUpdate } from "../../src/protocol/yjs-frames.ts";
import { HOCUSPOCUS_DIALECT, OWN_DIALECT, stockDialect } from "../../tools/load/dialect.ts";
import { Durations } from "../../tools/load/distribution.ts";
import { LoadedFragment } from "../../tools/load/loaded-fragment.ts";
import { Meter } from "../../tools/load/meter.ts";
import { pace, randomMoments } from "../../tools/load/pace.ts";
import { Receipts } from "../../tools/load/receipts.ts";
import { decodeTokens, encodeToken, maxTokenBytes, tokensInUpdate } from "../../tools/load/token.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

describe("tokens", () => {
  test("[LOAD-3] tokens are read back in order, with what is none", () => {
    const tokens = [
      { writer: 0, seq: 0 },
      { writer: 35, seq: 36 },
      { writer: 1_295, seq: 46_655 },
    ];
    const text = tokens.map(encodeToken);
    expect(decodeTokens(text.join(""))).toEqual({ tokens, rest: "" });
    expect(decodeTokens(`${text[0]}x${text[1]}w1:`)).toEqual({ tokens: tokens.slice(0, 2), rest: "xw1:" });
  });

  test("[LOAD-3] no token is longer than the longest that was counted with", () => {
    expect(maxTokenBytes(50, 160)).toBe("w1d:4f;".length);
  });

  test("[LOAD-3] the tokens of an update are found without its document, also of several that were merged", () => {
    const updates: Uint8Array[] = [];
    for (const writer of [0, 1]) {
      const doc = new Y.Doc();
      doc.on("update", (update: Uint8Array) => updates.push(update));
      const text = doc.getText("content");
      for (const seq of [0, 1, 2]) text.insert(text.length, encodeToken({ writer, seq }));
    }
    expect(tokensInUpdate(updates[1] ?? new Uint8Array())).toEqual([{ writer: 0, seq: 1 }]);
    const merged = tokensInUpdate(Y.mergeUpdates(updates)).map(encodeToken);
    expect(merged.toSorted().join("")).toBe("w0:0;w0:1;w0:2;w1:0;w1:1;w1:2;");
  });
});

describe("receipts", () => {
  test("[LOAD-3] each edit counts once, in whatever order it comes", () => {
    forEachSeed(20, [], (seed) => {
      const random = new SeededRandom(seed);
      const receipts = new Receipts();
      const oracle = new Set<number>();
      for (let step = 0; step < 200; step++) {
        const seq = random.below(60);
        expect(receipts.add(seq)).toBe(!oracle.has(seq));
        oracle.add(seq);
        expect(receipts.count).toBe(oracle.size);
      }
    });
  });
});

describe("a fragment under load", () => {
  const makeFragment = () => {
    const fragment = new LoadedFragment("a", OWN_DIALECT, 2, new Meter());
    fragment.edited(0, 10);
    fragment.edited(0, 20);
    fragment.edited(1, 30);
    return fragment;
  };

  test("[LOAD-3] the schedule knows when each edit was due", () => {
    const fragment = makeFragment();
    expect(fragment.edits).toBe(3);
    expect(fragment.dueMs({ writer: 0, seq: 1 })).toBe(20);
    expect(fragment.dueMs({ writer: 1, seq: 1 })).toBeUndefined();
    expect(fragment.dueMs({ writer: 2, seq: 0 })).toBeUndefined();
  });

  test.each([
    ["all that was sent, in any order", "w1:0;w0:0;w0:1;", { lost: 0, doubled: 0, foreign: "" }],
    ["one too few", "w1:0;w0:1;", { lost: 1, doubled: 0, foreign: "" }],
    ["one twice", "w1:0;w0:1;w0:0;w0:0;", { lost: 0, doubled: 1, foreign: "" }],
    ["what nobody wrote", "w1:0;w0:1;w0:0;w0:2;?", { lost: 0, doubled: 0, foreign: "?0:2" }],
    ["nothing", "", { lost: 3, doubled: 0, foreign: "" }],
  ])("[LOAD-4] a text with %s is judged so", (_, text, verdict) => {
    expect(makeFragment().judge(text)).toEqual(verdict);
  });

  test("[LOAD-3] a frame that comes to many is read alike each time", () => {
    const doc = new Y.Doc();
    doc.getText("content").insert(0, "w0:1;");
    const frame = Buffer.from(encodeUpdate(Y.encodeStateAsUpdate(doc)));
    const fragment = makeFragment();
    const arrival = { kind: "tokens", tokens: [{ writer: 0, seq: 1 }] };
    expect(fragment.read(frame)).toEqual(arrival);
    expect(fragment.read(Buffer.from(frame))).toEqual(arrival);
    expect(fragment.read(Buffer.from(encodeSaved(4, 9)))).toEqual({ kind: "saved", seq: 4 });
    expect(fragment.read(Buffer.from([0, 2])).kind).toBe("refused");
    expect(fragment.read(Buffer.from(encodeUpdate(Uint8Array.of(9, 9)))).kind).toBe("refused");
  });
});

describe("dialects", () => {
  const update = Y.encodeStateAsUpdate(new Y.Doc());

  test("[BENCH-1] each dialect reads what it writes, but for a push, which no server sends", () => {
    const stock = stockDialect((id) => `/${id}`);
    expect(stock.path("a/b")).toBe("/a/b");
    expect(stock.decode(stock.encodeEdit("a", 3, update))).toEqual({ kind: "update", update });
    expect(HOCUSPOCUS_DIALECT.decode(HOCUSPOCUS_DIALECT.encodeEdit("a/é", 3, update))).toEqual({
      kind: "update",
      update,
    });
    const [authentication = new Uint8Array(), step1 = new Uint8Array()] = HOCUSPOCUS_DIALECT.greeting("a");
    expect(HOCUSPOCUS_DIALECT.decode(authentication)).toEqual({ kind: "foreign" });
    expect(HOCUSPOCUS_DIALECT.decode(step1)?.kind).toBe("step1");
    expect(HOCUSPOCUS_DIALECT.decode(Uint8Array.of(9))).toBeNull();
    expect(OWN_DIALECT.decode(OWN_DIALECT.encodeEdit("a", 3, update))).toEqual({ kind: "foreign" });
  });
});

describe("durations", () => {
  test("[LOAD-3] percentiles are within a thousandth of those of all values sorted", () => {
    forEachSeed(10, [], (seed) => {
      const random = new SeededRandom(seed);
      const durations = new Durations();
      const values = Array.from({ length: 2_000 }, () => 10 ** (random.next() * 5 - 1));
      for (const value of values) durations.record(value);
      const sorted = values.toSorted((a, b) => a - b);
      const described = durations.describe();
      for (const [at, share] of [
        ["p50", 0.5],
        ["p90", 0.9],
        ["p99", 0.99],
        ["p999", 0.999],
      ] as const) {
        const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
        expect(Math.abs((described?.[at] ?? Number.NaN) - exact)).toBeLessThan(exact / 500 + 0.001);
      }
      expect(described?.max).toBeCloseTo(sorted.at(-1) ?? Number.NaN, -2);
    });
  });

  test("[LOAD-3] the curve rises to 100 percent, and there is none without values", () => {
    const durations = new Durations();
    expect(durations.describe()).toBeNull();
    for (let ms = 1; ms <= 1_000; ms++) durations.record(ms);
    const curve = durations.describe()?.curve ?? [];
    expect(curve.at(-1)?.percentile).toBe(100);
    expect(curve.length).toBeGreaterThan(30);
    const ascending = curve.toSorted((a, b) => a.percentile - b.percentile || a.ms - b.ms);
    expect(curve).toEqual(ascending);
  });
});

describe("the meter", () => {
  test("[LOAD-3] each second has its own counts and times, and the whole has all", () => {
    const meter = new Meter();
    meter.edited(1);
    meter.frameOut(10);
    meter.received(1);
    meter.received(2);
    meter.error("a");
    expect(meter.closeSecond()).toMatchObject({
      second: 1,
      edits: 1,
      deliveries: 2,
      errors: 1,
      receive: { p50: 1, p99: 2 },
      durable: null,
    });
    meter.saved(100);
    meter.reconnected();
    meter.error("a");
    meter.error("b");
    const second = meter.closeSecond();
    expect(second).toMatchObject({ second: 2, edits: 0, deliveries: 0, saved: 1, errors: 2, reconnects: 1 });
    expect(second.receive).toBeNull();
    expect(meter.receive()).toMatchObject({ count: 2, max: 2 });
    expect(meter.durable()?.count).toBe(1);
    expect(meter.errors).toEqual([
      { message: "a", count: 2 },
      { message: "b", count: 1 },
    ]);
    expect(meter.totals).toMatchObject({ edits: 1, deliveries: 2, framesOut: 1, bytesOut: 10 });
  });

  test("[LOAD-3] after a warm-up the times begin anew", () => {
    const meter = new Meter();
    meter.received(500);
    meter.restart();
    meter.received(1);
    expect(meter.closeSecond()).toMatchObject({ second: 1, deliveries: 1 });
    expect(meter.receive()).toMatchObject({ count: 1, max: 1 });
  });
});

describe("the pace", () => {
  test("[LOAD-3] a late edit is sent after all, and its latency counts from the moment when it was due", async () => {
    const dueMs: number[] = [];
    const startedMs = performance.now();
    await pace(20, 0.2, new AbortController().signal, (index, due) => {
      dueMs.push(due);
      if (index === 3) for (const until = performance.now() + 60; performance.now() < until; ); // a stall
    });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(200);
    expect(dueMs).toHaveLength(20);
    const [first = Number.NaN] = dueMs;
    expect(dueMs).toEqual(dueMs.toSorted((a, b) => a - b));
    expect(Math.max(...dueMs) - first).toBeLessThan(200);
  });

  test("[LOAD-3] the moments are random, the same each time, and as many in each part of the time", () => {
    const moments = [...randomMoments(2_000, 200)];
    for (const from of [0, 50, 100, 150]) {
      const within = moments.filter((moment) => moment >= from && moment < from + 50).length;
      expect(within).toBeGreaterThan(420);
      expect(within).toBeLessThan(580);
    }
    // Of random gaps about one in e is longer than the mean one; of even ones none is, or half of them.
    const gaps = moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0));
    expect(gaps.filter((gap) => gap > 0.1).length / gaps.length).toBeCloseTo(1 / Math.E, 1);
    expect([...randomMoments(2_000, 200)]).toEqual(moments);
  });

  test("[LOAD-3] the acts are due at the random moments, counted from one start", async () => {
    const dueMs: number[] = [];
    await pace(20, 0.1, new AbortController().signal, (_, due) => dueMs.push(due));
    const moments = [...randomMoments(20, 100)];
    const starts = dueMs.map((due, index) => due - (moments[index] ?? Number.NaN));
    for (const start of starts) expect(start).toBeCloseTo(starts[0] ?? Number.NaN, 6);
  });

  test("[LOAD-6] the pace ends, when it is aborted", async () => {
    const aborted = new AbortController();
    let acts = 0;
    await pace(1_000, 100, aborted.signal, () => {
      if (++acts === 2) aborted.abort();
    });
    expect(acts).toBe(2);
  });
});
