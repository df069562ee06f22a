/**
 * The servers that are compared: how each starts with an empty store, and which dialect it speaks. The packages of the other
 * servers are in `bench/`, with a lockfile of their own, so that only `npm run bench` installs them.
 */

import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { build } from "esbuild";
import { spawnBound } from "../../tools/dev/child-lifetime.ts";
import { readBundleSettings } from "../../tools/dev/production-bundle.ts";
import { buildBundle, startServer } from "../../tools/dev/server-process.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { type Dialect, HOCUSPOCUS_DIALECT, stockDialect } from "../../tools/load/dialect.ts";
import { freePort } from "../support/free-port.ts";
import { workerBuild } from "../support/worker-build.ts";

export const SERVER_NAMES = ["prompt-manager", "hocuspocus", "y-partyserver", "y-websocket"] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

export interface RunningServer {
  readonly pid: number;
  /** `http://host:port`, without a slash at the end. */
  readonly origin: string;
  stop(): Promise<void>;
}

export interface BenchServer {
  /** Its name in the table, with its version. */
  describe(): Promise<string>;
  /** Work that is done once, into a directory of its own. Absent: none. */
  prepare?(dir: string): Promise<void>;
  /** @param dir the prepared directory @param dataDir a new directory for each start */
  start(dir: string, dataDir: string): Promise<RunningServer>;
}

const BENCH_DIR = join(PROJECT_DIR, "bench");
const START_TIMEOUT_MS = 15_000;
const LOOK_MS = 50;

/** The dialect of a stock provider, for every server: `saved` would be work that only ours does. */
export const DIALECTS: Readonly<Record<ServerName, Dialect>> = {
  "prompt-manager": stockDialect((id) => `/v1/sync/${id}?create=1`),
  hocuspocus: HOCUSPOCUS_DIALECT,
  "y-partyserver": stockDialect((id) => `/parties/doc/${encodeURIComponent(id)}`),
  "y-websocket": stockDialect((id) => `/${id}`),
};

export const SERVERS: Readonly<Record<ServerName, BenchServer>> = {
  "prompt-manager": {
    describe: async () => "Prompt Manager, SQLite",
    prepare: async (dir) => void (await buildBundle(dir)),
    start: startOnWorkerd,
  },
  hocuspocus: {
    describe: async () => `Hocuspocus ${await benchVersion("@hocuspocus/server")}, in memory`,
    start: () => startOnNode(join(BENCH_DIR, "servers", "hocuspocus.js")),
  },
  "y-partyserver": {
    describe: async () => `y-partyserver ${await benchVersion("y-partyserver")}, SQLite`,
    prepare: bundlePartyserver,
    start: startOnWorkerd,
  },
  "y-websocket": {
    describe: async () => `y-websocket's server ${await benchVersion("@y/websocket-server")}, in memory`,
    start: () => startOnNode(join(BENCH_DIR, "node_modules", "@y", "websocket-server", "src", "server.js")),
  },
};

/** Installs the packages of `bench/package-lock.json`, unless they are installed already. */
export async function installPeers(): Promise<void> {
  const changedMs = (await stat(join(BENCH_DIR, "package-lock.json"))).mtimeMs;
  const installed = await stat(join(BENCH_DIR, "node_modules", ".package-lock.json")).catch(() => null);
  if (installed !== null && installed.mtimeMs >= changedMs) return;
  await promisify(execFile)("npm", ["ci", "--prefix", BENCH_DIR, "--no-audit", "--no-fund"], {
    cwd: BENCH_DIR,
  });
}

async function benchVersion(name: string): Promise<string> {
  return packageVersion(join(BENCH_DIR, "node_modules", name));
}

/** The version of the package in that directory. */
export async function packageVersion(dir: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dir, "package.json"), "utf8")) as { version: string };
  return version;
}

async function startOnWorkerd(bundleDir: string, persistTo: string): Promise<RunningServer> {
  const { pid, url, kill } = await startServer({ bundleDir, persistTo });
  return { pid, origin: url, stop: kill };
}

/** A configuration for the same workerd, with the same settings as ours. */
async function bundlePartyserver(dir: string): Promise<void> {
  const ours = await readBundleSettings(await buildBundle(join(dir, "ours")));
  await build(workerBuild(join(BENCH_DIR, "servers", "y-partyserver.js"), join(dir, "index.js")));
  const settings = {
    workerName: "y-partyserver",
    compatibilityDate: ours.compatibilityDate,
    compatibilityFlags: ["nodejs_compat"],
    modules: ["index.js"],
    durableObjects: [{ binding: "Doc", className: "Doc" }],
    vars: {},
  };
  await writeFile(join(dir, "settings.json"), JSON.stringify(settings));
}

/** A server that listens on `PORT` of `HOST`. */
async function startOnNode(script: string): Promise<RunningServer> {
  const port = await freePort();
  const child = spawnBound(process.execPath, [script], "SIGKILL", {
    cwd: BENCH_DIR,
    env: { ...process.env, PORT: String(port), HOST: "127.0.0.1", NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(child, "exit");
  await once(child, "spawn");
  if (child.pid === undefined) throw new Error(`${script} runs without a pid`);
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  try {
    await listening(port, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid, origin: `http://127.0.0.1:${port}`, stop };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (const deadlineMs = performance.now() + START_TIMEOUT_MS; performance.now() < deadlineMs; ) {
    if (child.exitCode !== null) throw new Error(`a server ended with exit code ${child.exitCode}`);
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      await delay(LOOK_MS); // refused: the server does not listen yet
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing listens on port ${port} after ${START_TIMEOUT_MS} ms`);
}
