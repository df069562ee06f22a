/**
 * `npm run bench:turns -- [--only TEXT]`
 *
 * Measures how long one request keeps all others waiting. Each case sends one large or awkward input to a fragment of
 * its own, on a server of its own with the production bundle, while another thread asks for `/healthz` every 25 ms. The
 * longest wait is about the longest turn: all objects and requests of the server share one thread. The next column has
 * the processor time of the whole case, to which other work on the machine does not add.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand, UsageError } from "../../tools/command-line.ts";
import { parseOptions, text } from "../../tools/command-options.ts";
import { buildBundle, startServer } from "../../tools/dev/server-process.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { HealthProbe } from "./health-probe.ts";
import { describeMachine } from "./machine.ts";
import { cpuSeconds } from "./server-figures.ts";
import { TURN_CASES, type TurnCase } from "./turn-cases.ts";

const USAGE = `Usage: npm run bench:turns -- [--only TEXT]

Sends large and awkward inputs to a server of its own, and prints how long each keeps other requests waiting.

  --only TEXT   the cases whose names contain this; all unless given`;

const IDLE: TurnCase = { name: "nothing, for 2 s", prepare: async () => () => delay(2_000) };

await runCommand({ name: "npm run bench:turns", usage: USAGE, parse }, measure);

function parse(args: string[]): readonly TurnCase[] {
  const { only } = parseOptions(args, { only: text() });
  const cases = TURN_CASES.filter(({ name }) => only === null || name.includes(only));
  if (cases.length === 0) throw new UsageError(`--only ${only}: no case has that in its name.`);
  return cases;
}

/** Returns the exit code. */
async function measure(cases: readonly TurnCase[]): Promise<number> {
  console.log(`${describeMachine()}\n`);
  console.log("| input | longest wait ms | CPU ms |");
  console.log("| --- | --- | --- |");
  await withTemporaryDir(async (dir) => {
    const bundleDir = await buildBundle(join(dir, "bundle"));
    for (const [index, { name, prepare }] of [IDLE, ...cases].entries()) {
      const server = await startServer({ persistTo: join(dir, `data-${index}`), bundleDir });
      const probe = await HealthProbe.start(server.url);
      try {
        const play = await prepare(server.url);
        await delay(1_000); // for the rest of the preparation, such as the catalogue's part
        await probe.longestWaitMs();
        const cpuS = cpuSeconds(server.pid);
        await play();
        await delay(500);
        const cpuMs = Math.round((cpuSeconds(server.pid) - cpuS) * 1_000);
        console.log(`| ${name} | ${Math.round(await probe.longestWaitMs())} | ${cpuMs} |`);
      } finally {
        await probe.stop();
        await server.kill();
      }
    }
  });
  return 0;
}
