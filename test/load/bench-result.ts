/** The results of `npm run bench`, and their table, whose place in docs/benchmarks.md is between two marks. */
import type { Load } from "../../tools/load/settings.ts";
import type { ServerName } from "./bench-servers.ts";

/** One run of one server under one load. A figure that could not be measured is null. */
export interface Round {
  /** Milliseconds from the moment an edit was due to its arrival at another socket, over all sockets. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Received by all sockets together. */
  readonly framesPerSecond: number;
  /** Seconds of CPU of the server for a million deliveries. */
  readonly cpuPerMillion: number | null;
  /** The number of cores that other work kept busy, on average. */
  readonly othersCores: number | null;
  /** The longest time for which a small write of another process waited for the disk meanwhile (disk-probe.ts). */
  readonly diskWaitMs: number;
  readonly undelivered: number;
  readonly reconnects: number;
  readonly errors: readonly string[];
  readonly isGeneratorSaturated: boolean;
}

export interface Comparison {
  readonly load: Load;
  readonly rounds: number;
  /** In the order of the table; ours is the first. */
  readonly servers: readonly MeasuredServer[];
  /** Day, machine and versions, in words. */
  readonly circumstances: string;
}

export interface MeasuredServer {
  readonly name: ServerName;
  /** With its version. */
  readonly title: string;
  readonly rounds: readonly Round[];
}

type Metric = "p50" | "p99" | "framesPerSecond" | "cpuPerMillion" | "othersCores" | "diskWaitMs";

/** More than an idle operating system uses. */
const NOTABLE_CORES = 0.1;
export const MAX_OTHERS_CORES = 0.2;
/** A hundred times a usual small write. */
const MAX_DISK_WAIT_MS = 50;

/** Goals: our figure divided by the other's, at most. By load, as `loadName` writes it. */
const GOALS: Readonly<
  Record<string, Partial<Record<ServerName, Partial<Record<"p99" | "cpuPerMillion", number>>>>>
> = {
  "50x50x20": { hocuspocus: { p99: 3.5, cpuPerMillion: 0.7 }, "y-partyserver": { p99: 0.1 } },
  "100x100x20": { hocuspocus: { p99: 4, cpuPerMillion: 0.6 } },
  ...Object.fromEntries(
    [500, 1_000, 2_000, 3_000].map((readers) => [
      `20x${readers}x5`,
      { hocuspocus: { p99: 3.5, cpuPerMillion: 0.8 } },
    ]),
  ),
};

/** Writers x readers x edits a second: the name of a table's place. */
export function loadName({ writers, readers, rate }: Load): string {
  return `${writers}x${readers}x${rate}`;
}

export function renderComparison(comparison: Comparison): string {
  const { load, rounds, servers, circumstances } = comparison;
  return [
    `${load.writers} writers and ${load.readers} readers on one document, ${load.rate} edits a second from each writer for`,
    `${load.seconds} seconds; medians of ${rounds} rounds, in brackets the lowest and the highest. ${circumstances}`,
    "",
    renderTable(comparison),
    "",
    ...servers.flatMap(renderTroubles),
    ...renderOthers(servers),
  ]
    .join("\n")
    .trimEnd();
}

function renderTable({ load, servers }: Comparison): string {
  const [ours, ...others] = servers;
  if (ours === undefined) return "";
  const ratios = (other: MeasuredServer) =>
    ours.name === "prompt-manager" ? [renderRatios(ours, other, load)] : [];
  return [
    "| | p50 ms | p99 ms | frames/s | CPU s per 1M deliveries |",
    "| --- | --- | --- | --- | --- |",
    renderServer(ours),
    ...others.flatMap((other) => [renderServer(other), ...ratios(other)]),
  ].join("\n");
}

/**
 * The page with this text between the marks of that name. Everything else stays as it is, to the byte. Null if the page
 * has no such marks.
 */
export function putBetweenMarks(page: string, name: string, text: string): string | null {
  const first = `<!-- bench ${name} -->\n`;
  const last = `<!-- end of bench ${name} -->`;
  const from = page.indexOf(first);
  const to = page.indexOf(last, from);
  if (from === -1 || to === -1) return null;
  return `${page.slice(0, from + first.length)}\n${text}\n\n${page.slice(to)}`;
}

/** How much other work disturbed a round. Above 1 the round is not trusted. */
export function disturbance({ othersCores, diskWaitMs }: Round): number {
  return Math.max((othersCores ?? 0) / MAX_OTHERS_CORES, diskWaitMs / MAX_DISK_WAIT_MS);
}

/** The median over the rounds that have a figure; null if none has. */
export function median(server: MeasuredServer, metric: Metric): number | null {
  const values = valuesOf(server, metric);
  const middle = values.length / 2;
  if (values.length === 0) return null;
  if (!Number.isInteger(middle)) return values[Math.floor(middle)] ?? null;
  return ((values[middle - 1] ?? 0) + (values[middle] ?? 0)) / 2;
}

function valuesOf({ rounds }: MeasuredServer, metric: Metric): number[] {
  const values = rounds.map((round) => round[metric]).filter((value) => value !== null);
  return values.toSorted((a, b) => a - b);
}

function renderServer(server: MeasuredServer): string {
  const p99s = valuesOf(server, "p99");
  const range = p99s.length > 1 ? ` (${figure(p99s[0] ?? null)} to ${figure(p99s.at(-1) ?? null)})` : "";
  const frames = median(server, "framesPerSecond");
  return row([
    server.title,
    figure(median(server, "p50")),
    figure(median(server, "p99")) + range,
    frames === null ? "–" : (Math.round(frames / 100) * 100).toLocaleString("en-US"),
    figure(median(server, "cpuPerMillion")),
  ]);
}

function renderRatios(ours: MeasuredServer, other: MeasuredServer, load: Load): string {
  const goals = GOALS[loadName(load)]?.[other.name];
  const cell = (metric: Metric, goal: number | undefined) => {
    const [own, foreign] = [median(ours, metric), median(other, metric)];
    if (own === null || foreign === null || foreign === 0) return "–";
    const ratio = Number((own / foreign).toPrecision(2));
    if (goal === undefined) return `${ratio} x`;
    return `**${ratio} x** (goal: ${goal} x, ${ratio <= goal ? "met" : "missed"})`;
  };
  return row([
    `ratio of ours to ${other.name}`,
    cell("p50", undefined),
    cell("p99", goals?.p99),
    cell("framesPerSecond", undefined),
    cell("cpuPerMillion", goals?.cpuPerMillion),
  ]);
}

/** Reasons to doubt a row. */
function renderTroubles({ title, rounds }: MeasuredServer): string[] {
  const troubles: string[] = [];
  const behind = rounds.filter(({ undelivered }) => undelivered > 0);
  if (behind.length > 0) {
    const most = Math.max(...behind.map(({ undelivered }) => undelivered)).toLocaleString("en-US");
    troubles.push(
      `In ${behind.length} of ${rounds.length} rounds deliveries were missing 30 s after the last edit, ${most} at most.`,
    );
  }
  const dropped = rounds.filter(({ reconnects }) => reconnects > 0).length;
  if (dropped > 0) troubles.push(`It dropped sockets in ${dropped} of ${rounds.length} rounds.`);
  const errors = new Set(rounds.flatMap((round) => round.errors));
  if (errors.size > 0) troubles.push(`Errors: ${[...errors].slice(0, 3).join("; ")}.`);
  const saturated = rounds.filter(({ isGeneratorSaturated }) => isGeneratorSaturated).length;
  if (saturated > 0)
    troubles.push(
      `In ${saturated} of ${rounds.length} rounds the load generator was too slow too, so that the latencies are partly its own.`,
    );
  if (rounds.every(({ cpuPerMillion }) => cpuPerMillion === null))
    troubles.push("CPU is not measured on a system without /proc.");
  return troubles.length === 0 ? [] : [`- ${title}: ${troubles.join(" ")}`];
}

/** Other work on the machine, which makes the figures less certain. */
function renderOthers(servers: readonly MeasuredServer[]): string[] {
  const others: string[] = [];
  const cores = servers.flatMap((server) => valuesOf(server, "othersCores"));
  const most = Math.max(0, ...cores);
  if (most >= NOTABLE_CORES) {
    const mean = cores.reduce((sum, one) => sum + one, 0) / cores.length;
    others.push(
      `- Other work kept ${mean.toFixed(1)} of the machine's cores busy on average over the rounds, ${most.toFixed(1)} in the busiest.`,
    );
  }
  const waits = servers.flatMap((server) => valuesOf(server, "diskWaitMs"));
  const stalls = waits.filter((wait) => wait > MAX_DISK_WAIT_MS);
  if (stalls.length > 0)
    others.push(
      `- In ${stalls.length} of ${waits.length} rounds of all servers a small write of another process waited for the machine's disk, ${figure(Math.max(...stalls))} ms at most.`,
    );
  return others;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function figure(value: number | null): string {
  if (value === null) return "–";
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(1);
}
