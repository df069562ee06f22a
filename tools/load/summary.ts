/** A result as lines of text, for the terminal: during a load test and at its end. */

import { counted, grouped, milliseconds } from "../quantity.ts";
import type { Distribution } from "./distribution.ts";
import { isClean, type LoadResult } from "./load-result.ts";
import type { Second } from "./meter.ts";
import type { Load } from "./settings.ts";

export function describeLoad({ fragments, writers, readers, rate, seconds }: Load): string {
  const each = fragments === 1 ? " with" : ", each with";
  const sockets = `${counted(writers, "writer")} and ${counted(readers, "reader")}`;
  return `${counted(fragments, "fragment")}${each} ${sockets}; ${counted(rate, "edit")} a second from each writer for ${seconds} s`;
}

export function describeSecond(second: Second): string {
  const times = (name: string, quantiles: Second["receive"]) =>
    quantiles === null
      ? `${name} –`
      : `${name} p50 ${milliseconds(quantiles.p50)} p99 ${milliseconds(quantiles.p99)} ms`;
  return [
    `${String(second.second).padStart(3)} s`,
    counted(second.edits, "edit"),
    `${grouped(second.deliveries)} deliveries`,
    times("receive", second.receive),
    times("durable", second.durable),
    counted(second.errors, "error"),
    counted(second.reconnects, "reconnect"),
  ].join(" · ");
}

/** The table of latencies: its head, and a row for each distribution. */
export function latencyRows(result: LoadResult): string[][] {
  const row = (name: string, distribution: Distribution | null) =>
    distribution === null
      ? []
      : [
          [
            name,
            ...(["p50", "p90", "p95", "p99", "p999", "max", "mean"] as const).map((at) =>
              milliseconds(distribution[at]),
            ),
          ],
        ];
  return [
    ["ms", "p50", "p90", "p95", "p99", "p99.9", "max", "mean"],
    ...row("to receive", result.receive),
    ...row("to durable", result.durable),
  ];
}

/** The counts, as pairs of a name and a value. */
export function countRows(result: LoadResult): (readonly [string, string])[] {
  const { totals, elapsedMs } = result;
  const seconds = elapsedMs / 1_000;
  const perSecond = (number: number) =>
    `${grouped(number)} (${grouped(Math.round(number / seconds))} a second)`;
  return [
    ["edits", perSecond(totals.edits)],
    ["deliveries", `${perSecond(totals.deliveries)}, ${grouped(result.undelivered)} missing`],
    ["said to be durable", `${grouped(totals.saved)}, ${grouped(result.unsaved)} missing`],
    ["lost in the text", result.lost === null ? "not read" : grouped(result.lost)],
    ["doubled in the text", grouped(result.doubled)],
    ["frames received", perSecond(totals.framesIn)],
    ["bytes received", `${perSecond(totals.bytesIn)}`],
    ["frames sent", perSecond(totals.framesOut)],
    ["bytes sent", `${perSecond(totals.bytesOut)}`],
    ["reconnects", `${grouped(totals.reconnects)}, ${grouped(totals.failedAttempts)} failed attempts`],
    ["errors", grouped(result.errors.reduce((sum, { count }) => sum + count, 0))],
    ["after the last edit", `${milliseconds(result.drainMs)} ms`],
  ];
}

/** Reasons to doubt the figures; empty if there are none. */
export function warnings({ generator, isInterrupted }: LoadResult): string[] {
  const found: string[] = [];
  if (isInterrupted) found.push("The test was interrupted: the figures are of what was sent until then.");
  if (generator.isSaturated)
    found.push(
      `The load generator itself was too slow: edits left up to ${milliseconds(generator.lateP99Ms)} ms late, its event loop was held for ${milliseconds(generator.loopDelayP99Ms)} ms (99th percentiles). The latencies are partly its own: ask for less, or give it a machine of its own.`,
    );
  return found;
}

export function verdict(result: LoadResult): string {
  return isClean(result)
    ? "Nothing was lost, and nothing went wrong."
    : "FAILED: edits are missing, or something went wrong.";
}

export function describeResult(result: LoadResult): string {
  const errors = result.errors.map(({ message, count }) => `error, ${grouped(count)} x: ${message}`);
  return [
    ...alignColumns(latencyRows(result)),
    "",
    ...countRows(result).map(([name, value]) => `${name.padEnd(20)} ${value}`),
    ...errors,
    "",
    ...warnings(result),
    verdict(result),
  ].join("\n");
}

function alignColumns(rows: readonly string[][]): string[] {
  return rows.map(
    ([name = "", ...cells]) => name.padEnd(12) + cells.map((cell) => cell.padStart(9)).join(""),
  );
}
