/**
 * The settings of a load test, read from the command line and bounded before anything is sent. A load test is an attack
 * on one's own server, so it reaches only the loopback, unless its user says that the server is theirs.
 */
import { isLoopbackHost } from "../../src/protocol/hosts.ts";
import { MAX_CONTENT_BYTES } from "../../src/protocol/limits.ts";
import { credential, describeKeyOption } from "../access/credential.ts";
import { type Command, UsageError } from "../command-line.ts";
import { decimal, flag, parsed, parseOptions, text, whole } from "../command-options.ts";
import { grouped } from "../quantity.ts";
import { DEFAULT_SERVER_URL, parseServerUrl } from "../server-url.ts";
import { maxTokenBytes } from "./token.ts";

/** The size of a load. */
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
  /** Only its origin is used. */
  readonly url: URL;
  readonly key: string | null;
  /** Path of the HTML report. */
  readonly reportFile: string;
  readonly jsonFile: string | null;
}

const MAX_SOCKETS = 10_000;
const MAX_SECONDS = 600;
/** About as much as one process can make and count. One core of a server counted 400,000 deliveries a second. */
const MAX_EDITS_PER_SECOND = 20_000;
const MAX_DELIVERIES_PER_SECOND = 500_000;

const USAGE = `Usage: npm run load -- [--url URL] [--key KEY] [--fragments F] [--writers W] [--readers R] [--rate X] [--seconds S]
       [--report FILE] [--json FILE] [--yes-this-is-my-server]

Puts load on a running server from outside, and measures how long edits take. It deletes its fragments at the end.

  --url URL                the server; ${DEFAULT_SERVER_URL} unless given
${describeKeyOption(25)}
  --fragments F            number of fragments; 1 unless given
  --writers W, --readers R sockets on each fragment; 10 and 10 unless given
  --rate X                 edits a second of each writer; 5 unless given; 0.2 is one in five seconds
  --seconds S              10 unless given
  --report FILE            the report with its charts; build/load-report.html unless given
  --json FILE              also write all figures as JSON
  --yes-this-is-my-server  needed for a server that is not on this machine

Exit code: 0 if nothing is missing and nothing went wrong, 1 otherwise, 2 for a wrong command line.`;

export const LOAD_COMMAND: Command<LoadCommand> = {
  name: "npm run load",
  usage: USAGE,
  parse,
  tellsFailures: true,
};

function parse(args: string[]): LoadCommand {
  const {
    url,
    key,
    report,
    json,
    "yes-this-is-my-server": isOwn,
    ...load
  } = parseOptions(args, {
    url: parsed(DEFAULT_SERVER_URL, parseServerUrl),
    key: credential(),
    fragments: whole(1, 1, MAX_SOCKETS),
    writers: whole(10, 1, MAX_SOCKETS),
    readers: whole(10, 0, MAX_SOCKETS),
    rate: decimal(5, 0.01, 1_000),
    seconds: decimal(10, 1, MAX_SECONDS),
    report: text("build/load-report.html"),
    json: text(),
    "yes-this-is-my-server": flag(),
  });
  if (!isLoopbackHost(url.hostname) && !isOwn) {
    throw new UsageError(
      `--url ${url.origin} is not on the loopback. A load test can bring a server down: give --yes-this-is-my-server if it is yours.`,
    );
  }
  checkTotals(load);
  return { load, url, key, reportFile: report, jsonFile: json };
}

/** Throws a `UsageError` if the numbers are too large together, though each is within its limits. */
export function checkTotals(load: Load): void {
  const { fragments, writers, readers } = load;
  const sockets = fragments * (writers + readers);
  const edits = fragments * writers * load.rate;
  const deliveries = edits * (writers + readers - 1);
  const fragmentBytes = editsOfWriter(load) * writers * maxTokenBytes(writers, editsOfWriter(load));
  checkTotal(sockets, MAX_SOCKETS, "sockets: fewer --fragments, --writers or --readers, please");
  if (writers + readers < 2)
    throw new UsageError("A single writer delivers to nobody: give at least --readers 1.");
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

/** The number of edits of each writer. */
export function editsOfWriter({ rate, seconds }: Load): number {
  return Math.max(1, Math.floor(rate * seconds));
}

function checkTotal(total: number, most: number, whatAndHow: string): void {
  if (total > most)
    throw new UsageError(
      `That would make ${grouped(Math.ceil(total))} and at most ${grouped(most)} are allowed: ${whatAndHow}.`,
    );
}
