/**
 * `npm run bench -- [--only NAME,NAME] [--writers 50] [--readers 50] [--rate 20] [--seconds 8] [--rounds 5]
 * [--wait 60]`: the same load on this project, Hocuspocus, y-partyserver and y-websocket's server, in turn, each time in a
 * new process and on a new document. Each server runs on one core and the load on another, if `taskset` is there. Prints the table, and writes
 * it into docs/benchmarks.md if all servers were measured and the page has a place for this load.
 *
 * Installs the others' packages into bench/. Talks to the loopback only.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runCommand, UsageError } from "../../tools/command-line.ts";
import { parseOptions, text as textOption, whole } from "../../tools/command-options.ts";
import { spawnBound } from "../../tools/dev/child-lifetime.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { checkTotals, type Load } from "../../tools/load/settings.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import {
  type Comparison,
  disturbance,
  loadName,
  MAX_OTHERS_CORES,
  putBetweenMarks,
  type Round,
  renderComparison,
} from "./bench-result.ts";
import { installPeers, packageVersion, SERVER_NAMES, SERVERS, type ServerName } from "./bench-servers.ts";
import { DiskProbe } from "./disk-probe.ts";
import { describeMachine } from "./machine.ts";
import { busySecondsOfMachine } from "./server-figures.ts";

interface Settings {
  readonly load: Load;
  readonly names: readonly ServerName[];
  readonly rounds: number;
  /** The longest wait for a quiet machine before each attempt. 0 makes one attempt, however busy the machine is. */
  readonly waitSeconds: number;
}

/** The page that shows the tables. */
const PAGE = "docs/benchmarks.md";
const ROUND_SCRIPT = fileURLToPath(new URL("bench-round.ts", import.meta.url));
const MAX_ROUNDS = 20;
const MAX_SECONDS = 60;
/** A disturbed round (bench-result.ts) is measured again. The least disturbed attempt counts, whatever its figures. */
const MAX_ATTEMPTS = 3;
const QUIET_MS = 2_000;
const MAX_WAIT_SECONDS = 600;
const SERVER_CORE = 0;
const LOAD_CORE = 1;
const canPin = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;

const USAGE = `Usage: npm run bench -- [--only NAME,NAME] [--writers N] [--readers N] [--rate X] [--seconds S] [--rounds N]
       [--wait S]

Puts the same load on this server and on others, in turn, and prints a table.

  --only NAME,NAME         some of ${SERVER_NAMES.join(", ")}; all unless given
  --writers N, --readers N sockets on one document; 50 and 50 unless given
  --rate X                 edits a second of each writer; 20 unless given
  --seconds S              8 unless given
  --rounds N               5 unless given
  --wait S                 longest wait for a quiet machine before each attempt; 60 unless given; 0 makes one attempt

Exit code: 0 if everything was measured, 1 otherwise, 2 for a wrong command line.`;

await runCommand({ name: "npm run bench", usage: USAGE, parse }, bench);

/** Returns the exit code. */
async function bench({ load, names, rounds, waitSeconds }: Settings): Promise<number> {
  await installPeers();
  const measured = new Map(names.map((name): [ServerName, Round[]] => [name, []]));
  await withTemporaryDir(async (dir) => {
    for (const name of names) {
      await mkdir(join(dir, name), { recursive: true });
      await SERVERS[name].prepare?.(join(dir, name));
    }
    for (let round = 1; round <= rounds; round++) {
      for (const name of names) {
        const what = `round ${round}, ${name}`;
        const attempt = () => withTemporaryDir((dataDir) => measure(name, load, join(dir, name), dataDir));
        measured.get(name)?.push(await measureQuietly(what, waitSeconds, attempt));
      }
    }
  });
  const servers = [];
  for (const [name, of] of measured)
    servers.push({ name, title: await SERVERS[name].describe(), rounds: of });
  const comparison: Comparison = { load, rounds, servers, circumstances: await describeCircumstances() };
  console.log(`\n${renderComparison(comparison)}\n`);
  if (names.length === SERVER_NAMES.length) await writePage(comparison);
  else console.log(`Not all servers were measured: ${PAGE} stays as it is.`);
  return 0;
}

function parse(args: string[]): Settings {
  const { only, rounds, wait, ...size } = parseOptions(args, {
    only: textOption(SERVER_NAMES.join(",")),
    writers: whole(50, 1, 1_000),
    readers: whole(50, 1, 5_000),
    rate: whole(20, 1, 1_000),
    seconds: whole(8, 1, MAX_SECONDS),
    rounds: whole(5, 1, MAX_ROUNDS),
    wait: whole(60, 0, MAX_WAIT_SECONDS),
  });
  const wanted = only.split(",");
  if (!wanted.every((name) => SERVER_NAMES.some((known) => known === name)))
    throw new UsageError(`--only ${only}: must be of ${SERVER_NAMES.join(", ")}, with commas`);
  const load: Load = { fragments: 1, ...size };
  checkTotals(load);
  const names = SERVER_NAMES.filter((name) => wanted.includes(name));
  return { load, names, rounds, waitSeconds: wait };
}

/** The least disturbed of a few attempts. An undisturbed attempt is the last. */
async function measureQuietly(
  what: string,
  waitSeconds: number,
  attemptRound: () => Promise<Round>,
): Promise<Round> {
  let best: Round | null = null;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    await waitForQuiet(waitSeconds);
    let round: Round;
    try {
      round = await attemptRound();
    } catch (error) {
      console.log(`${what}, attempt ${attempt} failed: ${error instanceof Error ? error.message : error}`);
      continue; // such as a port that was taken: that is no reason to lose the earlier rounds
    }
    console.log(`${what}, attempt ${attempt}: ${JSON.stringify(round)}`);
    if (best === null || disturbance(round) < disturbance(best)) best = round;
    if (disturbance(round) <= 1 || waitSeconds === 0) break;
  }
  if (best === null) throw new Error(`${what} failed ${MAX_ATTEMPTS} times`);
  return best;
}

/** Waits until the machine has been quiet for a while, but at most this long. */
async function waitForQuiet(waitSeconds: number): Promise<void> {
  const deadlineMs = performance.now() + waitSeconds * 1_000;
  while (performance.now() < deadlineMs) {
    const before = busySecondsOfMachine();
    await delay(QUIET_MS);
    const after = busySecondsOfMachine();
    if (before === null || after === null) return;
    if (after - before < (MAX_OTHERS_CORES * QUIET_MS) / 1_000) return;
  }
}

async function measure(name: ServerName, load: Load, dir: string, dataDir: string): Promise<Round> {
  const server = await SERVERS[name].start(dir, dataDir);
  try {
    if (canPin) await promisify(execFile)("taskset", ["-a", "-c", "-p", `${SERVER_CORE}`, `${server.pid}`]);
    const args = [ROUND_SCRIPT, name, server.origin, String(server.pid), JSON.stringify(load)];
    const [command, ...all] = canPin
      ? ["taskset", "-c", `${LOAD_CORE}`, process.execPath, ...args]
      : [process.execPath, ...args];
    const child = spawnBound(command, all, "SIGKILL", { stdio: ["ignore", "pipe", "inherit"] });
    if (child.stdout === null) throw new Error("no pipe from the load");
    const probe = new DiskProbe(join(dataDir, "probe"));
    const printed = await text(child.stdout).finally(() => probe.end());
    if (printed === "") throw new Error("the load ended without a result");
    const round = JSON.parse(printed) as Omit<Round, "diskWaitMs">; // written by bench-round.ts
    return { ...round, diskWaitMs: await probe.end() };
  } finally {
    await server.stop();
  }
}

async function describeCircumstances(): Promise<string> {
  const day = new Date().toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  const fromWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
  const workerd = await packageVersion(dirname(fromWrangler.resolve("workerd/package.json")));
  const yjs = await packageVersion(join(PROJECT_DIR, "node_modules", "yjs"));
  const cores = canPin ? "the server on one core and the load on another" : "server and load on all cores";
  return `${day}; ${describeMachine()}, ${cores}; workerd ${workerd}, yjs ${yjs}, Node ${process.versions.node}.`;
}

async function writePage(comparison: Comparison): Promise<void> {
  const name = loadName(comparison.load);
  const file = join(PROJECT_DIR, PAGE);
  const page = putBetweenMarks(await readFile(file, "utf8"), name, renderComparison(comparison));
  if (page === null) {
    console.log(`${PAGE} has no place for a load of ${name}, and stays as it is.`);
    return;
  }
  await writeFile(file, page);
  console.log(`This table is now in ${PAGE}.`);
}
