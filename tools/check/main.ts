/**
 * `npm run e2e -- --url URL [--only GROUP]... [--timeout SECONDS] [--json]`: checks a running server, local or
 * deployed, from outside, and reports on its health.
 *
 * SIGINT and SIGTERM stop it: what it made is deleted, what was checked so far is reported, and the exit code is the
 * signal's. A second one ends it at once.
 */
import { Console } from "node:console";
import { constants } from "node:os";
import { timestamp } from "../../src/protocol/timestamp.ts";
import { whenOutputCloses } from "../closed-output.ts";
import { runCommand } from "../command-line.ts";
import { Deadline } from "./deadline.ts";
import { show } from "./expect.ts";
import { GROUPS } from "./groups.ts";
import { describeCommand, type Options } from "./options.ts";
import { describeResult, describeSummary, makeReport, type Report } from "./report.ts";
import { runChecks } from "./run-checks.ts";
import { Server } from "./server.ts";

/** A Ctrl-C arrives twice: from the terminal, and from npm, which passes on its own. */
const SAME_SIGNAL_MS = 500;

// Yjs prints its warnings with `console.log`, and standard output is for the report.
globalThis.console = new Console(process.stderr);

await runCommand(describeCommand(GROUPS), check);

/** Returns the exit code. */
async function check({ url, groups, isJson, timeoutMs }: Options): Promise<number> {
  const server = new Server(url);
  const startedAt = timestamp(Date.now());
  const tell = (text: string) => {
    if (!isJson) print(text);
  };
  const finish = (report: Report) => {
    if (isJson) print(JSON.stringify(report, null, 2));
    return report.ok ? 0 : 1;
  };

  const fault = await askHealth(server, timeoutMs);
  if (fault !== null) {
    console.error(fault);
    return finish(makeReport(server.url, startedAt, [], fault));
  }
  tell(`Prompt Manager at ${server.url}, ${startedAt}`);
  const stopping = new AbortController();
  let signalled: "SIGINT" | "SIGTERM" | "SIGPIPE" | null = null;
  let signalledMs = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (signalled !== null) {
        if (performance.now() - signalledMs > SAME_SIGNAL_MS) process.exit(exitCodeOf(signal));
        return;
      }
      signalled = signal;
      signalledMs = performance.now();
      console.error("Stopping. What was made is being deleted; once more to leave it there.");
      stopping.abort();
    });
  }
  whenOutputCloses(() => {
    signalled ??= "SIGPIPE"; // what would have ended it, if Node did not ignore it
    stopping.abort();
  });
  const results = await runChecks({
    server,
    groups,
    timeoutMs,
    interrupt: stopping.signal,
    onGroup: (name) => tell(`\n${name}`),
    onResult: (result) => tell(describeResult(result)),
  });
  const error = signalled === null ? null : "The run was interrupted: not all checks were made.";
  const report = makeReport(server.url, startedAt, results, error);
  tell(`\n${describeSummary(report)}`);
  const code = finish(report);
  return signalled === null ? code : exitCodeOf(signalled);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** As shells have it for a process that a signal ended. */
function exitCodeOf(signal: "SIGINT" | "SIGTERM" | "SIGPIPE"): number {
  return 128 + constants.signals[signal];
}

/** A sentence that says why there is nothing to check; null if there is. */
async function askHealth(server: Server, timeoutMs: number): Promise<string | null> {
  const deadline = new Deadline(timeoutMs, null);
  try {
    const { status, body } = await server.request(deadline, "GET", "/healthz");
    if (status === 200) return null;
    return `${server.url} answers, but not as Prompt Manager: GET /healthz gives ${status} ${show(body)}.`;
  } catch (error) {
    return `No server answers at ${server.url}: ${error instanceof Error ? error.message : error}.`;
  } finally {
    deadline.end();
  }
}
