/** The report: lines for people, or one JSON document. */
import type { CheckResult } from "./check.ts";

export interface Totals {
  readonly checks: number;
  readonly passed: number;
  readonly failed: number;
  readonly ms: number;
}

export interface Report {
  readonly url: string;
  /** ISO 8601 with offset. */
  readonly started_at: string;
  /** All checks ran and passed. */
  readonly ok: boolean;
  /** The reason why checks are missing; null if all ran. */
  readonly error: string | null;
  readonly checks: readonly CheckResult[];
  readonly totals: Totals;
}

export function makeReport(
  url: string,
  startedAt: string,
  checks: readonly CheckResult[],
  error: string | null = null,
): Report {
  const totals = count(checks);
  return { url, started_at: startedAt, ok: error === null && totals.failed === 0, error, checks, totals };
}

export function describeResult({ name, ok, ms, error }: CheckResult): string {
  const line = `  ${ok ? "✓" : "✗"} ${name} (${ms} ms)`;
  return error === null ? line : `${line}\n      ${error.replaceAll("\n", "\n      ")}`;
}

/** The table of groups, and one sentence. */
export function describeSummary({ checks, totals, error }: Report): string {
  const names = [...new Set(checks.map(({ group }) => group))];
  const rows = names.map((name) => ({ name, ...count(checks.filter(({ group }) => group === name)) }));
  const width = Math.max(5, ...names.map((name) => name.length));
  const row = (name: string, ...cells: string[]) =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padStart(10)).join("")}`;
  const table = [
    row("group", "passed", "failed", "time"),
    ...rows.map(({ name, passed, failed, ms }) => row(name, `${passed}`, `${failed}`, `${ms} ms`)),
    row("total", `${totals.passed}`, `${totals.failed}`, `${totals.ms} ms`),
  ];
  const sentence =
    totals.failed > 0
      ? `${totals.failed} of ${totals.checks} checks failed.`
      : `All ${totals.checks} checks passed.`;
  return `${table.join("\n")}\n\n${error === null ? sentence : `${sentence} ${error}`}`;
}

function count(checks: readonly CheckResult[]): Totals {
  const passed = checks.filter(({ ok }) => ok).length;
  const ms = checks.reduce((sum, check) => sum + check.ms, 0);
  return { checks: checks.length, passed, failed: checks.length - passed, ms };
}
