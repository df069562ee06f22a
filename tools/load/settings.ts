/**
 * What a load test is told: read from the command line, and bounded before anything is sent. A load test is an attack
 * on one's own server, so it reaches the loopback only, unless its user says that the server is theirs.
 */
import { parseArgs } from "node:util";
import { MAX_CONTENT_BYTES } from "../../src/protocol/limits.ts";
import { type Command, parseNumber, parseWhole, UsageError } from "../command-line.ts";
import { grouped } from "../quantity.ts";
import { DEFAULT_SERVER_URL, parseServerUrl } from "../server-url.ts";
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

const MAX_SOCKETS = 10_000;
const MAX_SECONDS = 600;
/** What one process makes and counts, roughly: 400,000 deliveries a second were counted on one core of a server. */
const MAX_EDITS_PER_SECOND = 20_000;
const MAX_DELIVERIES_PER_SECOND = 500_000;

const USAGE = `Usage: npm run load -- [--url URL] [--fragments F] [--writers W] [--readers R] [--rate X] [--seconds S]
       [--report FILE] [--json FILE] [--yes-this-is-my-server]

Puts load on a running Prompt Manager, from outside, and says how long edits are under way. The fragments that it makes
are deleted afterwards.

  --url URL                on the loopback, unless --yes-this-is-my-server is given; ${DEFAULT_SERVER_URL}
  --fragments F            1
  --writers W, --readers R sockets on each fragment; 10 and 10
  --rate X                 edits a second of each writer; 5. 0.2 is one in five seconds
  --seconds S              10
  --report FILE            the report with its charts; build/load-report.html
  --json FILE              all figures, for a program

Exit code: 0 when nothing is missing and nothing went wrong, 1 otherwise, 2 for a wrong command line.`;

export const LOAD_COMMAND: Command<LoadCommand> = {
  name: "npm run load",
  usage: USAGE,
  parse,
  tellsFailures: true,
};

function parse(args: string[]): LoadCommand {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: "string", default: DEFAULT_SERVER_URL },
      fragments: { type: "string", default: "1" },
      writers: { type: "string", default: "10" },
      readers: { type: "string", default: "10" },
      rate: { type: "string", default: "5" },
      seconds: { type: "string", default: "10" },
      report: { type: "string", default: "build/load-report.html" },
      json: { type: "string" },
      "yes-this-is-my-server": { type: "boolean", default: false },
    },
  });
  const url = parseServerUrl(values.url);
  if (!isLoopback(url) && !values["yes-this-is-my-server"]) {
    throw new UsageError(
      `--url ${values.url} is not on the loopback. A load test can bring a server down: give --yes-this-is-my-server if it is yours.`,
    );
  }
  const load: Load = {
    fragments: parseWhole("fragments", values.fragments, 1, MAX_SOCKETS),
    writers: parseWhole("writers", values.writers, 1, MAX_SOCKETS),
    readers: parseWhole("readers", values.readers, 0, MAX_SOCKETS),
    rate: parseNumber("rate", values.rate, 0.01, 1_000),
    seconds: parseNumber("seconds", values.seconds, 1, MAX_SECONDS),
  };
  checkTotals(load);
  return { load, url, reportFile: values.report, jsonFile: values.json ?? null };
}

/** `URL` has brought every spelling of an IPv4 address to four decimal parts. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
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
