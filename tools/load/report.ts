/**
 * A result as one HTML file that can be sent to somebody. It asks no host for anything (its policy forbids it), runs no
 * script, and has a dark and a light style.
 */
import { html, raw } from "hono/html";
import { type Chart, type Html, renderChart, roundTicks, type Series, type Tick } from "./chart.ts";
import type { Distribution } from "./distribution.ts";
import { isClean, type LoadResult } from "./load-result.ts";
import type { Second } from "./meter.ts";
import { countRows, describeLoad, latencyRows, verdict, warnings } from "./summary.ts";

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #656f7d; --rule: #e3e7ec;
  --s0: #0b62c4; --s1: #c2410c; --s2: #15803d; --s3: #9333ea; --good: #15803d; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14171b; --faint: #8a93a0; --rule: #2b3139;
  --s0: #6cb2ff; --s1: #fb923c; --s2: #4ade80; --s3: #c99bff; --good: #4ade80; --bad: #f87171; } }
body { margin: 2rem auto; max-width: 48rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.verdict { font-weight: 600; } p.good { color: var(--good); } p.bad, p.warning { color: var(--bad); }
table { border-collapse: collapse; } th, td { padding: .2rem .8rem .2rem 0; text-align: left; font-weight: normal;
  border-bottom: 1px solid var(--rule); } thead th { color: var(--faint); } td.number, th.number { text-align: right;
  font-variant-numeric: tabular-nums; }
.scrolls { overflow-x: auto; } figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
svg { width: 100%; min-width: 34rem; height: auto; }
svg text { fill: var(--faint); font: 11px system-ui, sans-serif; } svg .label { font-size: 12px; fill: var(--ink); }
.grid { stroke: var(--rule); fill: none; } .line { fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); }`;

const MAX_NINES = 7;

export function renderReport(result: LoadResult): string {
  const [head = [], ...latencies] = latencyRows(result);
  const charts = [distributionChart(result), ...timelineCharts(result.timeline)];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Load test of ${result.origin}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<h1>Load test of ${result.origin}</h1>
<p>${result.startedAt}: ${describeLoad(result.load)}.</p>
<p class="verdict ${isClean(result) ? "good" : "bad"}">${verdict(result)}</p>
${warnings(result).map((warning) => html`<p class="warning">${warning}</p>`)}
<h2>Latencies</h2>
<p>In milliseconds, from the moment when an edit was due, so that a server that makes its clients wait cannot hide it.
<em>To receive</em>: until the edit arrived at another socket, over all sockets. <em>To durable</em>: until its writer was
told that it is stored.</p>
<div class="scrolls"><table><thead>${renderRow(head, "th")}</thead><tbody>
${latencies.map((row) => renderRow(row, "td"))}
</tbody></table></div>
${charts.map(renderChart)}
<h2>Counts</h2>
<table><tbody>
${countRows(result).map(([name, value]) => html`<tr><th>${name}</th><td>${value}</td></tr>`)}
</tbody></table>
${renderErrors(result)}
</body>
</html>
`;
  return String(page); // nothing in it is a promise
}

function renderRow([name = "", ...cells]: readonly string[], tag: "td" | "th"): Html {
  const numbers = cells.map((cell) =>
    tag === "th" ? html`<th class="number">${cell}</th>` : html`<td class="number">${cell}</td>`,
  );
  return html`<tr><th>${name}</th>${numbers}</tr>`;
}

function renderErrors({ errors }: LoadResult): Html | string {
  if (errors.length === 0) return "";
  const rows = errors.map(
    ({ message, count }) => html`<tr><td class="number">${count}</td><td>${message}</td></tr>`,
  );
  return html`<h2>Errors</h2>
<table><tbody>
${rows}
</tbody></table>`;
}

/** Drawn like an HDR histogram: each step to the right adds a nine. */
function distributionChart({ receive, durable }: LoadResult): Chart {
  const series = [curve("to receive", receive), curve("to durable", durable)].filter((one) => one !== null);
  const nines = Math.max(1, ...series.flatMap(({ points }) => points.map(({ x }) => x)));
  const xTicks: Tick[] = [{ at: 0, label: "0 %" }];
  for (let nine = 1; nine <= Math.min(MAX_NINES, Math.floor(nines)); nine++)
    xTicks.push({ at: nine, label: `${(100 * (1 - 10 ** -nine)).toFixed(Math.max(0, nine - 2))} %` });
  return { title: "Latency by percentile", xLabel: "percentile", yLabel: "ms", series, xTicks };
}

/**
 * This scale has no 100 %. The longest of n latencies is drawn at the share of n - 1 in n, since all but one are
 * shorter.
 */
function curve(name: string, distribution: Distribution | null): Series | null {
  if (distribution === null) return null;
  const points = distribution.curve.map(({ percentile, ms }) => ({
    x: percentile === 100 ? Math.log10(distribution.count) : -Math.log10(1 - percentile / 100),
    y: ms,
  }));
  return { name, points };
}

function timelineCharts(timeline: readonly Second[]): Chart[] {
  const series = (name: string, value: (second: Second) => number | undefined): Series => ({
    name,
    points: timeline.map((second) => ({ x: second.second, y: value(second) ?? Number.NaN })),
  });
  const xTicks = roundTicks(1, Math.max(2, timeline.length)).filter(
    ({ at }) => Number.isInteger(at) && at <= timeline.length,
  );
  const axis = { xLabel: "second", xTicks };
  return [
    {
      title: "Latency, second by second",
      ...axis,
      yLabel: "ms",
      series: [
        series("to receive, p50", ({ receive }) => receive?.p50),
        series("to receive, p99", ({ receive }) => receive?.p99),
        series("to durable, p50", ({ durable }) => durable?.p50),
        series("to durable, p99", ({ durable }) => durable?.p99),
      ],
    },
    {
      title: "Edits, second by second",
      ...axis,
      yLabel: "1/s",
      series: [series("edits", ({ edits }) => edits), series("said to be durable", ({ saved }) => saved)],
    },
    {
      title: "Deliveries and frames, second by second",
      ...axis,
      yLabel: "1/s",
      series: [
        series("deliveries", ({ deliveries }) => deliveries),
        series("frames received", ({ frames }) => frames),
      ],
    },
    {
      title: "Errors and reconnects, second by second",
      ...axis,
      yLabel: "1/s",
      series: [
        series("errors", ({ errors }) => errors),
        series("reconnects", ({ reconnects }) => reconnects),
      ],
    },
  ];
}
