/**
 * `npm run dev`: the worker under `wrangler dev`, which rebuilds it when a file changes. It runs on this machine only,
 * and needs no internet, no account and no terminal.
 *
 * Wrangler is several processes (a launcher, itself, esbuild, two workerd). They are a process group of their own, so
 * that a Ctrl-C in the terminal reaches them once, through this script, and none is left when it ends. SIGINT, SIGTERM
 * and SIGHUP end them, with exit code 0. When Wrangler ends by itself, its exit code is passed on, and never 0.
 */
import type { ChildProcess } from "node:child_process";
import { join, resolve } from "node:path";
import { runCommand } from "../command-line.ts";
import { parseOptions, text, type ValuesOf } from "../command-options.ts";
import { DEFAULT_PORT } from "../server-url.ts";
import { allowedOrigins } from "./allowed-callers.ts";
import { catalogueWarning } from "./catalogue-state.ts";
import { spawnBound } from "./child-lifetime.ts";
import { addressFault, port } from "./listen-address.ts";
import { describeNextSteps } from "./next-steps.ts";
import { claimStorageDir } from "./storage-dir.ts";
import { PROJECT_DIR, wranglerCommand } from "./wrangler-command.ts";

/** More than Wrangler needs to end its own children. */
const STOP_TIMEOUT_MS = 5_000;
const HEALTH_TIMEOUT_MS = 30_000;

const OPTIONS = {
  port: port(),
  /** Null for Wrangler's own directory, .wrangler/state. */
  "persist-to": text(),
  /** Null for those of wrangler.toml. */
  "allowed-origins": allowedOrigins(),
};

const USAGE = `Usage: npm run dev -- [--port N] [--persist-to DIR] [--allowed-origins LIST]

The server under wrangler dev, rebuilt when a file changes.

  --port N                 ${DEFAULT_PORT} unless given; 0 takes a free port
  --persist-to DIR         the directory of the fragments; .wrangler/state unless given
  --allowed-origins LIST   pages of these origins may call from a browser, such as https://a.example,https://b.example; all unless given`;

await runCommand(
  { name: "npm run dev", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS), tellsFailures: true },
  dev,
);

/** Returns the exit code. */
async function dev(options: ValuesOf<typeof OPTIONS>): Promise<number> {
  const { port, "allowed-origins": origins, "persist-to": dir } = options;
  const persistTo = dir === null ? null : resolve(dir);
  const fault = await addressFault("localhost", port);
  if (fault !== null) throw new Error(fault);
  await claimStorageDir(persistTo ?? join(PROJECT_DIR, ".wrangler", "state")); // until this process ends
  const { command, args, env } = wranglerCommand([
    "dev",
    "--local",
    "--show-interactive-dev-session=false",
    `--port=${port}`,
    "--var=OPEN_ACCESS:loopback",
    ...(persistTo === null ? [] : [`--persist-to=${persistTo}`]),
    ...(origins === null ? [] : [`--var=ALLOWED_ORIGINS:${origins}`]),
  ]);
  const wrangler = spawnBound(command, args, "SIGTERM", {
    cwd: PROJECT_DIR,
    env,
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = new Promise<number | null>((settle) => wrangler.once("close", settle));
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (isStopping) return endGroup(wrangler);
      isStopping = true;
      wrangler.kill("SIGTERM");
      setTimeout(endGroup, STOP_TIMEOUT_MS, wrangler).unref();
    });
  }

  let wasReady = false;
  readyPort(wrangler).then(async (port) => {
    wasReady = true;
    await announce(`http://localhost:${port}`);
  });
  const code = await exited;
  endGroup(wrangler);
  if (isStopping) return 0;
  console.error(
    `npm run dev: Wrangler ended${wasReady ? "" : " before the server was up"} (exit code ${code})`,
  );
  return code === null || code === 0 ? 1 : code;
}

/** Resolves when Wrangler says that it listens. Until then its build may have errors. */
function readyPort(wrangler: ChildProcess): Promise<number> {
  return new Promise((settle) => {
    wrangler.on("message", (message) => {
      if (typeof message !== "string") return;
      const { event, port }: { event?: unknown; port?: unknown } = JSON.parse(message);
      if (event === "DEV_SERVER_READY" && typeof port === "number") settle(port);
    });
  });
}

async function announce(url: string): Promise<void> {
  const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) }).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok ? "ok" : `answered ${response.status}`;
    },
    (error: unknown) => String(error),
  );
  if (answer !== "ok") {
    console.error(`npm run dev: GET ${url}/healthz ${answer}`);
    return;
  }
  const warning = await catalogueWarning(url);
  console.log(describeNextSteps(url));
  if (warning !== null) console.error(warning);
}

/** Ends the rest of the process group. If Wrangler could tidy up, nothing is left of it. */
function endGroup(wrangler: ChildProcess): void {
  if (wrangler.pid === undefined) return;
  try {
    process.kill(-wrangler.pid, "SIGKILL");
  } catch {
    // ESRCH: nothing is left.
  }
}
