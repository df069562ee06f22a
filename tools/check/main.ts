/**
 * `npm run e2e -- [--url URL] [--key KEY] [--only GROUP]... [--timeout SECONDS] [--json]`: checks a running server, local or
 * deployed, from outside. (The tests in test/e2e are another thing: they start servers of this repository, and some
 * of them run this command.)
 *
 * SIGINT and SIGTERM stop the run: its fragments are deleted, the results so far are reported, and the exit code is
 * the signal's. A second signal ends the process at once.
 */
import { Console } from "node:console";
import { constants } from "node:os";
import { timestamp } from "../../src/protocol/timestamp.ts";
import { whenOutputCloses } from "../closed-output.ts";
import { runCommand } from "../command-line.ts";
import { describeNoServer } from "../server-url.ts";
import { withUserTokens } from "./check-user.ts";
import { Deadline } from "./deadline.ts";
import { show } from "./expect.ts";
import { GROUPS } from "./groups.ts";
import { describeCommand, type Options } from "./options.ts";
import { describeResult, describeSummary, makeReport, type Report } from "./report.ts";
import { runChecks } from "./run-checks.ts";
import { Server } from "./server.ts";

/** One Ctrl-C arrives twice: from the terminal and from npm, which forwards it. Signals this close count as one. */
const SAME_SIGNAL_MS = 500;

// Yjs prints warnings with `console.log`; standard output is for the report.
globalThis.console = new Console(process.stderr);

await runCommand(describeCommand(GROUPS), check);

/** Returns the exit code. */
async function check({ url, key, groups, isJson, timeoutMs }: Options): Promise<number> {
  const direct = new Server(url.origin, key);
  const startedAt = timestamp(Date.now());
  const tell = (text: string) => {
    if (!isJson) print(text);
  };
  const finish = (report: Report) => {
    if (isJson) print(JSON.stringify(report, null, 2));
    return report.ok ? 0 : 1;
  };

  const found = await askHealth(direct, timeoutMs);
  const server = found instanceof Server ? found : direct;
  if (typeof found === "string") {
    console.error(`npm run e2e: ${found}`);
    return finish(makeReport(server.url, startedAt, [], found));
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
      console.error(
        "Stopping, and deleting the fragments of this run. Press Ctrl-C again to leave them there.",
      );
      stopping.abort();
    });
  }
  whenOutputCloses(() => {
    signalled ??= "SIGPIPE"; // the signal that would have ended this process if Node did not ignore it
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
  const error = signalled === null ? null : "The run was interrupted: not all checks ran.";
  const report = makeReport(server.url, startedAt, results, error);
  tell(`\n${describeSummary(report)}`);
  const code = finish(report);
  return signalled === null ? code : exitCodeOf(signalled);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The exit code that shells give a process that a signal ended. */
function exitCodeOf(signal: "SIGINT" | "SIGTERM" | "SIGPIPE"): number {
  return 128 + constants.signals[signal];
}

/** The server for the checks, if a Prompt Manager answers and takes the key; otherwise a sentence that says what is wrong. */
async function askHealth(server: Server, timeoutMs: number): Promise<Server | string> {
  const deadline = new Deadline(timeoutMs, null);
  try {
    const { status, body } = await server.request(deadline, "GET", "/healthz");
    if (status === 200) return await withUserTokens(server, deadline);
    return `${server.url} answers, but not as Prompt Manager: GET /healthz gives ${status} ${show(body)}.`;
  } catch (error) {
    return describeNoServer(server.url, error);
  } finally {
    deadline.end();
  }
}
