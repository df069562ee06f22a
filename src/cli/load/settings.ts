/**
 * What a load test is told: read from the command line, and bounded before anything is sent. A load test is an attack
 * on one's own server, so it reaches the loopback only, unless its user says that the server is theirs.
 */
import { parseArgs } from "node:util";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";
import { grouped } from "./quantity.ts";
import { maxTokenBytes } from "./token.ts";

/** How much is written, by how many, for how long. */
export interface Load {
  readonly fragments: number;
  /** Of each fragment. */
  readonly writers: number;
  /** Of each fragment. */
  readonly readers: number;
  /** Edits a second of each writer. */
  readonly rate: number;
  readonly seconds: number;
}

export interface LoadCommand {
  readonly load: Load;
  /** Its origin is all that counts. */
  readonly url: URL;
  /** Path of the HTML report. */
  readonly reportFile: string;
  readonly jsonFile: string | null;
}

/** What the person at the terminal can mend: shown as one message, without a stack. */
export class UsageError extends Error {}

export const MAX_SOCKETS = 10_000;
export const MAX_SECONDS = 600;
/** What one process makes and counts, roughly: 400,000 deliveries a second were counted on one core of a server. */
export const MAX_EDITS_PER_SECOND = 20_000;
export const MAX_DELIVERIES_PER_SECOND = 500_000;

const USAGE = `Usage: npm run load -- [--url http://localhost:8081] [--fragments 1] [--writers 10] [--readers 10] [--rate 5]
       [--seconds 10] [--report build/load-report.html] [--json FILE] [--yes-this-is-my-server]
  --writers, --readers   sockets on each fragment
  --rate                 edits a second of each writer; 0.2 is one in five seconds
  --url                  on the loopback, unless --yes-this-is-my-server is given`;

/** Throws a `UsageError`. */
export function parseLoadCommand(args: readonly string[]): LoadCommand {
  const values = parseOptions(args);
  const url = parseUrl(values.url);
  if (!isLoopback(url) && !values["yes-this-is-my-server"]) {
    throw new UsageError(
      `--url ${values.url} is not on the loopback. A load test can bring a server down: give --yes-this-is-my-server if it is yours.`,
    );
  }
  const load: Load = {
    fragments: parseCount("fragments", values.fragments, 1, MAX_SOCKETS),
    writers: parseCount("writers", values.writers, 1, MAX_SOCKETS),
    readers: parseCount("readers", values.readers, 0, MAX_SOCKETS),
    rate: parseNumber("rate", values.rate, 0.01, 1_000),
    seconds: parseNumber("seconds", values.seconds, 1, MAX_SECONDS),
  };
  checkTotals(load);
  return { load, url, reportFile: values.report, jsonFile: values.json ?? null };
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        url: { type: "string", default: "http://localhost:8081" },
        fragments: { type: "string", default: "1" },
        writers: { type: "string", default: "10" },
        readers: { type: "string", default: "10" },
        rate: { type: "string", default: "5" },
        seconds: { type: "string", default: "10" },
        report: { type: "string", default: "build/load-report.html" },
        json: { type: "string" },
        "yes-this-is-my-server": { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url must be an http or https address, not "${text}".`);
  return url;
}

/** `URL` has brought every spelling of an IPv4 address to four decimal parts. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function parseNumber(name: string, text: string, least: number, most: number): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (!(number >= least && number <= most))
    throw new UsageError(`--${name} ${text}: must be a number from ${least} to ${grouped(most)}.`);
  return number;
}

function parseCount(name: string, text: string, least: number, most: number): number {
  const count = parseNumber(name, text, least, most);
  if (!Number.isInteger(count)) throw new UsageError(`--${name} ${text}: must be a whole number.`);
  return count;
}

/** Throws a `UsageError` when the numbers are too much together, though each may be given by itself. */
export function checkTotals(load: Load): void {
  const { fragments, writers, readers } = load;
  const sockets = fragments * (writers + readers);
  const edits = fragments * writers * load.rate;
  const deliveries = edits * (writers + readers - 1);
  const fragmentBytes = editsOfWriter(load) * writers * maxTokenBytes(writers, editsOfWriter(load));
  checkTotal(sockets, MAX_SOCKETS, "sockets: fewer --fragments, --writers or --readers, please");
  if (writers + readers < 2)
    throw new UsageError("One writer alone delivers to nobody: --readers 1 at least.");
  checkTotal(edits, MAX_EDITS_PER_SECOND, "edits a second: lower --rate, or have fewer --writers");
  checkTotal(
    deliveries,
    MAX_DELIVERIES_PER_SECOND,
    "deliveries a second: fewer --readers or --writers, or a lower --rate",
  );
  checkTotal(
    fragmentBytes,
    MAX_CONTENT_BYTES,
    "bytes of text in each fragment at the end: fewer --seconds, a lower --rate, or fewer --writers",
  );
}

/** How many edits each writer makes. */
export function editsOfWriter({ rate, seconds }: Load): number {
  return Math.max(1, Math.floor(rate * seconds));
}

function checkTotal(total: number, most: number, whatAndHow: string): void {
  if (total > most)
    throw new UsageError(
      `That would make ${grouped(Math.ceil(total))} and at most ${grouped(most)} are allowed: ${whatAndHow}.`,
    );
}
