/**
 * `npm run check:catalogue -- [--rounds 50] [--seed N] [--broken]`
 *
 * Kills a server again and again while fragments are written, and compares the list with the fragments. Exits with 0 if
 * writes were answered and both are the same. With --broken it runs against a build that sets no alarm for pending deliveries,
 * and exits with 0 only if it finds differences.
 */
import { join } from "node:path";
import { runCommand } from "../../tools/command-line.ts";
import { flag, parseOptions, type ValuesOf, whole } from "../../tools/command-options.ts";
import { buildBundle } from "../../tools/dev/server-process.ts";
import { buildForgetfulBundle } from "../support/broken-bundle.ts";
import { MAX_SEED } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { isListRight, runCatalogueKills } from "./catalogue-kills.ts";

const OPTIONS = {
  rounds: whole(50, 1, 10_000),
  seed: whole(Date.now() % 1_000_000, 0, MAX_SEED),
  broken: flag(),
};

const USAGE = `Usage: npm run check:catalogue -- [--rounds N] [--seed N] [--broken]

Kills a server of its own while fragments are written, again and again, and compares the list with the fragments.

  --rounds N   number of kills; 50 unless given
  --seed N     seed of the writes; another one each time unless given
  --broken     test a server that forgets what it must still deliver: the check must find differences

Exit code: 0 if writes were answered and nothing is wrong, 1 otherwise, 2 for a wrong command line.`;

await runCommand(
  { name: "npm run check:catalogue", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS) },
  check,
);

/** Returns the exit code. */
function check({ rounds, seed, broken: isBroken }: ValuesOf<typeof OPTIONS>): Promise<number> {
  return withTemporaryDir(async (dir) => {
    const bundleDir = await (isBroken ? buildForgetfulBundle : buildBundle)(join(dir, "bundle"));
    const report = await runCatalogueKills({
      server: { persistTo: join(dir, "data"), bundleDir },
      rounds,
      seed,
      onRound: (round, writes) => console.log(`round ${round}: ${writes} writes answered`),
    });
    for (const difference of report.differences.slice(0, 10)) console.log(difference);
    console.log(JSON.stringify({ seed, rounds, ...report, differences: report.differences.length }));
    const isRight = isBroken ? report.differences.length > 0 : isListRight(report);
    return isRight ? 0 : 1;
  });
}
