/**
 * `npm run load -- [--url URL] [--fragments F] [--writers W] [--readers R] [--rate X] [--seconds S]`: puts load on a
 * running server from outside, and measures how long edits take. It makes F fragments with W writers and R readers each;
 * each writer makes X edits a second. Every edit must reach every other socket, get its `saved`, and be in the text at the
 * end.
 *
 * Exit code: 0 if all of that is so, without an error; 1 if not; 2 for a wrong command line.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { authorization } from "../access/credential.ts";
import { whenOutputCloses } from "../closed-output.ts";
import { runCommand } from "../command-line.ts";
import { OWN_DIALECT } from "./dialect.ts";
import { RestFragments } from "./fragments.ts";
import { isClean } from "./load-result.ts";
import { runLoad } from "./load-run.ts";
import { Progress } from "./progress.ts";
import { renderReport } from "./report.ts";
import { LOAD_COMMAND, type LoadCommand } from "./settings.ts";
import { describeLoad, describeResult, describeSecond } from "./summary.ts";

await runCommand(LOAD_COMMAND, putLoad);

/** Returns the exit code. */
async function putLoad({ load, url, key, reportFile, jsonFile }: LoadCommand): Promise<number> {
  const headers = authorization(key);
  const fragments = new RestFragments(url.origin, key);
  await fragments.checkServer();
  const signal = interruption();
  console.log(`${url.origin}: ${describeLoad(load)}`);
  const progress = new Progress(process.stdout);
  const result = await runLoad(
    load,
    { origin: url.origin, headers, dialect: OWN_DIALECT, fragments },
    {
      signal,
      onPhase: (what) => progress.show(what),
      onSecond: (second) => progress.show(describeSecond(second)),
    },
  );
  progress.end();
  console.log(`\n${describeResult(result)}`);
  await write(reportFile, renderReport(result));
  console.log(`Report: ${reportFile}`);
  if (jsonFile !== null) await write(jsonFile, `${JSON.stringify(result, null, 2)}\n`);
  return isClean(result) ? 0 : 1;
}

/** The first Ctrl-C ends the writing, the second the process. Closed output ends the writing too. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  whenOutputCloses(() => interrupted.abort());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
  return interrupted.signal;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
