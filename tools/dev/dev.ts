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
import { operatorToken } from "../access/access-server.ts";
import { type AuthSecrets, claimSecrets } from "../access/auth-secret.ts";
import { runCommand } from "../command-line.ts";
import { flag, parseOptions, text, type ValuesOf } from "../command-options.ts";
import { DEFAULT_PORT } from "../server-url.ts";
import { type AccessMode, accessMode, anonymousRole, anonymousWorkspace } from "./access-mode.ts";
import { allowedHosts, allowedOrigins } from "./allowed-callers.ts";
import { catalogueWarning } from "./catalogue-state.ts";
import { spawnBound } from "./child-lifetime.ts";
import { configWithoutRoutes, secretArguments } from "./dev-config.ts";
import { addressFault, port } from "./listen-address.ts";
import { describeSteps } from "./next-steps.ts";
import { claimStorageDir } from "./storage-dir.ts";
import { PROJECT_DIR, wranglerCommand } from "./wrangler-command.ts";

/** More than Wrangler needs to end its own children. */
const STOP_TIMEOUT_MS = 5_000;
const HEALTH_TIMEOUT_MS = 30_000;

const OPTIONS = {
  port: port(),
  /** Null for Wrangler's own directory, .wrangler/state. */
  "persist-to": text(),
  closed: flag(),
  // Null for those of wrangler.toml.
  "anonymous-role": anonymousRole(),
  "anonymous-workspace": anonymousWorkspace(),
  "allowed-origins": allowedOrigins(),
  "allowed-hosts": allowedHosts(),
};

const USAGE = `Usage: npm run dev -- [--port N] [--persist-to DIR] [--closed] [--anonymous-role ROLE] [--anonymous-workspace NAME]
       [--allowed-origins LIST] [--allowed-hosts LIST]

The server under wrangler dev, rebuilt when a file changes. Programs of this machine need no key, unless it is --closed.

  --port N                    ${DEFAULT_PORT} unless given; 0 takes a free port
  --persist-to DIR            the directory of the fragments and of the secret; .wrangler/state unless given
  --closed                    ask everybody for a key, a token or a sign-in (npm run key makes the first key)
  --anonymous-role ROLE       none, viewer or editor: what callers without a key may do in a closed server; none unless given
  --anonymous-workspace NAME  the workspace of callers without a key; default unless given
  --allowed-origins LIST      pages of these origins may call, too, such as https://a.example,https://b.example
  --allowed-hosts LIST        names of this server, such as prompts.example.com, if a proxy reaches it by a name`;

interface Settings extends ValuesOf<typeof OPTIONS> {
  readonly mode: AccessMode;
}

await runCommand({ name: "npm run dev", usage: USAGE, parse, tellsFailures: true }, dev);

function parse(args: readonly string[]): Settings {
  const options = parseOptions(args, OPTIONS);
  return { ...options, mode: accessMode("localhost", false, options) };
}

/** Returns the exit code. */
async function dev({ port, mode, "persist-to": dir }: Settings): Promise<number> {
  const persistTo = dir === null ? null : resolve(dir);
  const storageDir = persistTo ?? join(PROJECT_DIR, ".wrangler", "state");
  const fault = await addressFault("localhost", port);
  if (fault !== null) throw new Error(fault);
  await claimStorageDir(storageDir); // until this process ends
  const secrets = await claimSecrets(storageDir);
  const config = await configWithoutRoutes();
  const { command, args, env } = wranglerCommand([
    "dev",
    "--local",
    "--show-interactive-dev-session=false",
    `--port=${port}`,
    ...(config === null ? [] : [`--config=${config}`]),
    ...(persistTo === null ? [] : [`--persist-to=${persistTo}`]),
    ...(await secretArguments(storageDir, secrets)),
    ...Object.entries(mode.vars).map(([name, value]) => `--var=${name}:${value}`),
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
    await announce(`http://localhost:${port}`, mode, storageDir, secrets);
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

async function announce(
  url: string,
  mode: AccessMode,
  storageDir: string,
  secrets: AuthSecrets,
): Promise<void> {
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
  const operator = await operatorToken(secrets.AUTH_SECRET, mode.workspace);
  const warning = await catalogueWarning(url, operator);
  console.log(await describeSteps(url, mode, storageDir, operator));
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
