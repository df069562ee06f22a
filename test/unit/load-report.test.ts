import { describe, expect, test } from "vitest";
import { renderChart, roundTicks } from "../../tools/load/chart.ts";
import { isClean } from "../../tools/load/load-result.ts";
import { renderReport } from "../../tools/load/report.ts";
import { describeResult, describeSecond } from "../../tools/load/summary.ts";
import { makeLoadResult } from "../support/load-result.ts";

describe("the report of a load test", () => {
  test("[LOAD-7] the report holds settings, latencies, counts and charts with figures", () => {
    const page = renderReport(makeLoadResult());
    expect(page).toContain(
      "1 fragment with 1 writer and 3 readers; 1 edit a second from each writer for 3 s",
    );
    expect(page).toContain('<th>to receive</th><td class="number">4.00</td>');
    expect(page).toMatch(/<th>deliveries<\/th><td>9 \(3 a second\), 0 missing<\/td>/);
    expect(page).toContain("Nothing was lost, and nothing went wrong.");
    const lines = [...page.matchAll(/<path class="line s\d" d="(M[^"]*L[^"]*)"/g)];
    expect(lines.length).toBe(2 + 4 + 2 + 2 + 2);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("[LOAD-7] the report closes its elements in the right order", () => {
    const open: string[] = [];
    const tags = renderReport(makeLoadResult({ errors: [{ message: "<b>", count: 2 }] })).matchAll(
      /<(\/?)([a-z0-9]+)\b[^>]*?(\/?)>/g,
    );
    for (const [, isEnd, name = "", isEmpty] of tags) {
      if (isEnd) expect(open.pop()).toBe(name);
      else if (!isEmpty && name !== "meta") open.push(name);
    }
    expect(open).toEqual([]);
  });

  test("[LOAD-7] the report shows foreign text as text, not as markup", () => {
    const message = `<script>alert("1 & 2")</script>`;
    const page = renderReport(makeLoadResult({ errors: [{ message, count: 7 }], origin: "http://a'b" }));
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;");
    expect(page).toContain("http://a&#39;b");
  });

  test("[LOAD-7] the report asks no other host for anything, and is readable in the dark", () => {
    const page = renderReport(makeLoadResult());
    expect(page).not.toMatch(/\b(?:src|href)=|url\(|@import/);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain("prefers-color-scheme: dark");
  });

  test("[LOAD-7] a run in which nothing was timed gives a report too", () => {
    const page = renderReport(makeLoadResult({ receive: null, durable: null, timeline: [] }));
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("[LOAD-8] the page and the terminal say so, when the generator was too slow", () => {
    const generator = { lateP99Ms: 45, loopDelayP99Ms: 30, isSaturated: true };
    const result = makeLoadResult({ generator });
    const warning = /The load generator itself was too slow: edits left up to 45\.0 ms late/;
    expect(renderReport(result)).toMatch(warning);
    expect(describeResult(result)).toMatch(warning);
    expect(describeResult(makeLoadResult())).not.toMatch(/generator/);
  });
});

describe("what the terminal shows", () => {
  test("[LOAD-7] a second is one line", () => {
    const [second] = makeLoadResult().timeline;
    expect(second && describeSecond(second)).toBe(
      "  1 s · 1 edit · 3 deliveries · receive p50 2.00 p99 30.0 ms · durable p50 50.0 p99 50.0 ms · 0 errors · 0 reconnects",
    );
  });

  test.each([
    ["an undelivered edit", { undelivered: 1 }],
    ["an edit that is not said to be durable", { unsaved: 1 }],
    ["an edit that is lost in the text", { lost: 1 }],
    ["an edit that is there twice", { doubled: 1 }],
    ["an error", { errors: [{ message: "broken", count: 1 }] }],
  ])("[LOAD-4] with %s the run has failed", (_, fault) => {
    expect(isClean(makeLoadResult())).toBe(true);
    expect(isClean(makeLoadResult(fault))).toBe(false);
    expect(describeResult(makeLoadResult(fault))).toContain("FAILED");
  });
});

describe("charts", () => {
  test.each([
    [0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]],
    [0, 7, ["0", "2", "4", "6", "8"]],
    [0, 43_210, ["0", "10,000", "20,000", "30,000", "40,000", "50,000"]],
    [1, 8, ["2", "4", "6", "8"]],
  ])("[LOAD-7] the ticks from %d to %d are round numbers", (from, to, labels) => {
    expect(roundTicks(from, to).map(({ label }) => label)).toEqual(labels);
  });

  test("[LOAD-7] the line has a gap, where a value is missing", () => {
    const points = [1, 2, Number.NaN, 4].map((y, x) => ({ x, y }));
    const chart = String(
      renderChart({ title: "a", xLabel: "b", yLabel: "c", series: [{ name: "d", points }] }),
    );
    const [, path = ""] = chart.match(/<path class="line s0" d="(M\d[^"h]*h0[^"]*)"/) ?? [];
    expect(path.split("M").length - 1).toBe(2);
    expect(path).not.toContain("NaN");
  });
});
