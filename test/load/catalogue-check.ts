/**
 * `npm run check:catalogue -- [--rounds 50] [--seed N] [--broken]`
 *
 * Kills a server again and again while fragments are written, and compares the list with the fragments. Exits with 0
 * when they are the same. With --broken it runs against a build that sets no alarm for what is still to be delivered,
 * and exits with 0 only when it found differences.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBundle } from "../../scripts/server-process.ts";
import { buildForgetfulBundle } from "../support/broken-bundle.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { runCatalogueKills } from "./catalogue-kills.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "50" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    broken: { type: "boolean", default: false },
  },
});

process.exitCode = await withTemporaryDir(async (dir) => {
  const bundleDir = await (values.broken ? buildForgetfulBundle : buildBundle)(join(dir, "bundle"));
  const report = await runCatalogueKills({
    server: { persistTo: join(dir, "data"), bundleDir },
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    onRound: (round, writes) => console.log(`round ${round}: ${writes} writes answered`),
  });
  for (const difference of report.differences.slice(0, 10)) console.log(difference);
  console.log(
    JSON.stringify({
      seed: Number(values.seed),
      rounds: Number(values.rounds),
      ...report,
      differences: report.differences.length,
    }),
  );
  return report.differences.length === 0 ? Number(values.broken) : Number(!values.broken);
});
