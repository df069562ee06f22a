/**
 * The production bundle on workerd: one operating-system process, started here, whose pid is the server's. What
 * `npm run serve`, the end-to-end tests and the load tests have in common.
 *
 * workerd commits each write to SQLite before it tells anyone, alarms too, so ending it with SIGKILL loses nothing that
 * was acknowledged.
 */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { spawnBound } from "./child-lifetime.ts";
import { DEFAULT_BUNDLE_DIR, readBundleSettings } from "./production-bundle.ts";
import { renderWorkerdConfig, SOCKET_NAME, STORAGE_NAME } from "./workerd-config.ts";

export { buildBundle } from "./production-bundle.ts";

export interface ServerOptions {
  /** Where the fragments are stored. Made when it does not exist; one server at a time. */
  readonly persistTo: string;
  /** 0 or absent: a free port. */
  readonly port?: number;
  /** Absent: 127.0.0.1. */
  readonly host?: string;
  /** What `buildBundle` returned. Absent: where it builds by default. */
  readonly bundleDir?: string;
  /** Variables of the worker, over those of wrangler.toml. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Gets what workerd prints, once it is ready. */
  readonly onOutput?: (text: string) => void;
}

export interface ServerProcess {
  readonly pid: number;
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** The exit code, or null when a signal ended it. Never rejects. */
  readonly exited: Promise<number | null>;
  /** The last of what workerd printed, logs of the worker among it. */
  output(): string;
  /** Lets requests that are under way finish, for two seconds at most. Resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
/** On SIGTERM workerd waits for open WebSockets for as long as they stay open. */
const STOP_TIMEOUT_MS = 2_000;
const MAX_KEPT_OUTPUT_UNITS = 65_536;
/** The descriptor on which workerd reports the port that it listens on. */
const CONTROL_FD = 3;

/** Starts a server and waits until it is healthy. Throws, with nothing left running, when it does not come up. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { host = "127.0.0.1", port = 0, bundleDir = DEFAULT_BUNDLE_DIR } = options;
  const persistTo = resolve(options.persistTo);
  const config = await writeConfig(bundleDir, options.vars ?? {});
  await mkdir(persistTo, { recursive: true });
  const args = [
    "serve",
    config,
    `--socket-addr=${SOCKET_NAME}=${inAuthority(host)}:${port}`,
    `--directory-path=${STORAGE_NAME}=${persistTo}`,
    `--control-fd=${CONTROL_FD}`,
  ];
  const child = spawnBound(workerdPath(), args, "SIGKILL", { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const exited = new Promise<number | null>((settle) => child.once("close", settle));
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

/** The real binary, as Wrangler would find it: the launcher in node_modules/.bin may be one process more. */
function workerdPath(): string {
  const fromWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
  const { default: path }: { default: string } = fromWrangler("workerd");
  return path;
}

/** Named by its content, so that servers which start at the same time write the same bytes or different files. */
async function writeConfig(bundleDir: string, overrides: Readonly<Record<string, string>>): Promise<string> {
  const settings = await readBundleSettings(bundleDir);
  const vars = { ...settings.vars };
  for (const [name, value] of Object.entries(overrides)) vars[name] = JSON.stringify(value);
  const text = renderWorkerdConfig({ ...settings, vars });
  const path = join(
    bundleDir,
    `workerd-${createHash("sha256").update(text).digest("hex").slice(0, 16)}.capnp`,
  );
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

/** Asks only a port that this child reported as its own; does not resolve when it dies first. */
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
    ? new Error(`port ${port} of ${host} is taken; choose another one (--port)`)
    : new Error(`workerd ended before it was ready\n${output}`);
}

function inAuthority(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** An address for "all interfaces" is one to listen on, not one to call. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "*") return "127.0.0.1";
  return host === "::" ? "[::1]" : inAuthority(host);
}
