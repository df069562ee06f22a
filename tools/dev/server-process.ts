/**
 * The production bundle on workerd: one operating-system process, whose pid is the server's. `npm run serve`, the
 * end-to-end tests and the load tests all start their servers here.
 *
 * workerd commits each write to SQLite before it answers, so a SIGKILL loses nothing that was acknowledged.
 */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { AuthSecrets } from "../access/auth-secret.ts";
import { spawnBound } from "./child-lifetime.ts";
import { DEFAULT_BUNDLE_DIR, readBundleSettings } from "./production-bundle.ts";
import { claimStorageDir } from "./storage-dir.ts";
import { renderWorkerdConfig, SECRETS, SOCKET_NAME, STORAGE_NAME } from "./workerd-config.ts";

export { buildBundle } from "./production-bundle.ts";

export interface ServerOptions {
  /** The directory of the fragments, made if it is missing. One server at a time may use it. */
  readonly persistTo: string;
  /** 0 or absent: a free port. */
  readonly port?: number;
  /** Absent: 127.0.0.1. */
  readonly host?: string;
  /** The directory that `buildBundle` returned. Absent: its default one. */
  readonly bundleDir?: string;
  /** Variables of the worker, over those of wrangler.toml. Open to this machine unless they say otherwise. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Absent: the worker has none, whatever the environment says. A closed server needs them. */
  readonly secrets?: AuthSecrets;
  /** Gets everything that workerd prints, from the moment it is ready. */
  readonly onOutput?: (text: string) => void;
}

export interface ServerProcess {
  readonly pid: number;
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** The exit code, or null when a signal ended it. Never rejects. */
  readonly exited: Promise<number | null>;
  /** The end of what workerd printed, including the worker's logs. */
  output(): string;
  /** Gives requests under way at most two seconds. Resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
/** On SIGTERM workerd waits for open WebSockets without a limit of its own. */
const STOP_TIMEOUT_MS = 2_000;
const MAX_KEPT_OUTPUT_UNITS = 65_536;
/** workerd reports its port on this file descriptor. */
const CONTROL_FD = 3;

/** Starts a server and waits until it is healthy. If it does not come up, throws and leaves nothing running. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { host = "127.0.0.1", port = 0, bundleDir = DEFAULT_BUNDLE_DIR } = options;
  const persistTo = resolve(options.persistTo);
  const config = await writeConfig(bundleDir, { OPEN_ACCESS: "loopback", ...options.vars });
  const release = await claimStorageDir(persistTo);
  const args = [
    "serve",
    config,
    `--socket-addr=${SOCKET_NAME}=${inAuthority(host)}:${port}`,
    `--directory-path=${STORAGE_NAME}=${persistTo}`,
    `--control-fd=${CONTROL_FD}`,
  ];
  const child = spawnBound(workerdPath(), args, "SIGKILL", {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: environmentWith(options.secrets),
  });
  const exited = new Promise<number | null>((settle) => {
    child.once("close", (code) => {
      release();
      settle(code);
    });
  });
  const printed = collectOutput(child);
  await once(child, "spawn");
  if (child.pid === undefined) throw new Error("workerd runs without a pid");

  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const stop = async () => {
    child.kill("SIGTERM");
    await Promise.race([exited, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    await kill();
  };
  const settled = new AbortController();
  const { signal } = settled;
  try {
    const url = await Promise.race([
      healthyUrl(child, host, signal),
      exited.then(() => "ended" as const),
      delay(START_TIMEOUT_MS, "late" as const, { signal }),
    ]);
    if (url === "ended") throw startFailure(host, port, printed.text());
    if (url === "late") throw new Error(`workerd was not ready in ${START_TIMEOUT_MS} ms\n${printed.text()}`);
    printed.forwardTo(options.onOutput);
    return { pid: child.pid, url, exited, output: printed.text, stop, kill };
  } catch (error) {
    await kill();
    throw error;
  } finally {
    settled.abort();
  }
}

/** Our own environment, with these secrets and no others. */
function environmentWith(secrets: AuthSecrets | undefined): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !SECRETS.some((secret) => secret === name));
  return { ...Object.fromEntries(others), ...secrets };
}

/** The binary itself, as Wrangler finds it: the launcher in node_modules/.bin may be a process of its own. */
function workerdPath(): string {
  const fromWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
  const { default: path }: { default: string } = fromWrangler("workerd");
  return path;
}

/**
 * Writes workerd's configuration beside the bundle, and returns its path.
 *
 * The file is named by its content, so that servers that start at the same time write the same bytes or different
 * files. A file that exists already stays, so that a server can start from a read-only directory.
 */
export async function writeConfig(
  bundleDir: string,
  overrides: Readonly<Record<string, string>>,
): Promise<string> {
  const settings = await readBundleSettings(bundleDir);
  const vars = { ...settings.vars };
  for (const [name, value] of Object.entries(overrides)) vars[name] = JSON.stringify(value);
  const text = renderWorkerdConfig({ ...settings, vars });
  const path = join(
    bundleDir,
    `workerd-${createHash("sha256").update(text).digest("hex").slice(0, 16)}.capnp`,
  );
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}.${performance.now()}`;
  await writeFile(unfinished, text, { mode: 0o600 });
  await rename(unfinished, path);
  return path;
}

function collectOutput(child: ChildProcess): {
  text(): string;
  forwardTo(sink?: (text: string) => void): void;
} {
  let kept = "";
  let sink: ((text: string) => void) | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      kept = (kept + text).slice(-MAX_KEPT_OUTPUT_UNITS);
      sink?.(text);
    });
  }
  return {
    text: () => kept,
    forwardTo(next) {
      if (kept !== "") next?.(kept);
      sink = next;
    },
  };
}

/** Asks only the port that this child reported. Does not resolve if the child dies first. */
async function healthyUrl(child: ChildProcess, host: string, signal: AbortSignal): Promise<string> {
  const url = `http://${reachable(host)}:${await listeningPort(child)}`;
  const response = await fetch(`${url}/healthz`, { signal });
  const body = await response.text();
  if (!response.ok) throw new Error(`GET ${url}/healthz answered ${response.status}: ${body}`);
  return url;
}

function listeningPort(child: ChildProcess): Promise<number> {
  const control = child.stdio[CONTROL_FD] as Readable; // "pipe" in the spawn above
  return new Promise((settle, fail) => {
    createInterface({ input: control }).on("line", (line) => {
      try {
        const report: unknown = JSON.parse(line);
        if (isListenReport(report)) settle(report.port);
      } catch (error) {
        fail(error);
      }
    });
  });
}

function isListenReport(report: unknown): report is { port: number } {
  return (
    typeof report === "object" &&
    report !== null &&
    "socket" in report &&
    report.socket === SOCKET_NAME &&
    "port" in report &&
    typeof report.port === "number"
  );
}

function startFailure(host: string, port: number, output: string): Error {
  return output.includes("Address already in use")
    ? new Error(`Port ${port} of ${host} is taken. Choose another one with --port.`)
    : new Error(`workerd ended before it was ready\n${output}`);
}

function inAuthority(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The address to call: "all interfaces" can be listened on, but not called. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "*") return "127.0.0.1";
  return host === "::" ? "[::1]" : inAuthority(host);
}
