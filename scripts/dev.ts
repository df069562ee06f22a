/**
 * `npm run dev -- [--port N] [--persist-to DIR]`: the worker under `wrangler dev`, which rebuilds it when a file changes.
 * Runs on this machine only, without the internet and without an account, and needs no terminal.
 *
 * Wrangler is several processes (a launcher, itself, esbuild, two workerd). They are a process group of their own, so
 * that a Ctrl-C in the terminal reaches them once, through this script, and none stays when it ends. SIGINT, SIGTERM and
 * SIGHUP end them, with exit code 0. When Wrangler ends by itself, its exit code is ours, and never 0. Fragments are kept
 * where Wrangler keeps state, unless --persist-to names a directory.
 */
import type { ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { spawnBound } from "./child-lifetime.ts";
import { describeNextSteps } from "./next-steps.ts";
import { DEFAULT_PORT, parsePort } from "./port.ts";
import { PROJECT_DIR, wranglerCommand } from "./wrangler-command.ts";

/** Longer than Wrangler takes to end its own children. */
const STOP_TIMEOUT_MS = 5_000;

try {
  process.exitCode = await dev();
} catch (error) {
  console.error(`npm run dev: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function dev(): Promise<number> {
  const { values } = parseArgs({
    options: { port: { type: "string", default: DEFAULT_PORT }, "persist-to": { type: "string" } },
  });
  const { command, args, env } = wranglerCommand([
    "dev",
    "--local",
    "--show-interactive-dev-session=false",
    `--port=${parsePort(values.port)}`,
    ...(values["persist-to"] === undefined ? [] : [`--persist-to=${resolve(values["persist-to"])}`]),
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

/** Resolves when Wrangler says that it listens; its build may have errors until then. */
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
  const answer = await fetch(`${url}/healthz`).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok ? "ok" : `answered ${response.status}`;
    },
    (error: unknown) => String(error),
  );
  if (answer === "ok") console.log(describeNextSteps(url));
  else console.error(`npm run dev: GET ${url}/healthz ${answer}`);
}

/** What is left of the process group; nothing, if Wrangler could tidy up. */
function endGroup(wrangler: ChildProcess): void {
  if (wrangler.pid === undefined) return;
  try {
    process.kill(-wrangler.pid, "SIGKILL");
  } catch {
    // ESRCH: nothing is left.
  }
}
