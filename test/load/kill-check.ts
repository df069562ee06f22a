/**
 * `npm run check:kill -- [--rounds 20] [--edits 20000] [--seed N] [--compact-every N] [--broken]`
 *
 * Kills a server under load, again and again, and looks for acknowledged edits that are gone. Exits with 0 when
 * nothing is lost, doubled or otherwise wrong. With --broken it runs against a build that acknowledges first and
 * writes 200 ms later, and exits with 0 only when it found losses: else this check could not find any.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBundle } from "../../scripts/server-process.ts";
import { buildBrokenBundle } from "../support/broken-bundle.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { type RoundReport, runKillRounds } from "./kill-rounds.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    edits: { type: "string", default: "20000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    "compact-every": { type: "string", default: "" },
    broken: { type: "boolean", default: false },
  },
});

function printRound({ round, acknowledged, resent, lost, restartMs }: RoundReport): void {
  const read = lost === null ? "everybody is back at once" : `read by newcomers first: ${lost} lost`;
  console.log(
    `round ${round}: ${acknowledged} acknowledged, ${resent} sent again, up in ${Math.round(restartMs)} ms; ${read}`,
  );
}

process.exitCode = await withTemporaryDir(async (dir) => {
  // A bundle of its own: the one of the working tree may be built anew meanwhile.
  const bundleDir = await (values.broken ? buildBrokenBundle : buildBundle)(join(dir, "bundle"));
  const startedMs = performance.now();
  const ledger = await runKillRounds({
    server: {
      persistTo: join(dir, "data"),
      bundleDir,
      vars: { COMPACT_AFTER_COMMITS: values["compact-every"] },
    },
    rounds: Number(values.rounds),
    edits: Number(values.edits),
    seed: Number(values.seed),
    onRound: printRound,
  });
  const { acknowledged, sent, resent, versions, faults } = ledger;
  const lost = ledger.lost.size;
  const twice = ledger.twice.size;
  if (lost > 0) console.log(`lost: ${[...ledger.lost].slice(0, 20).join(" ")}`);
  if (twice > 0) console.log(`twice: ${[...ledger.twice].slice(0, 20).join(" ")}`);
  for (const fault of faults.slice(0, 10)) console.log(`fault: ${fault}`);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const report = { acknowledged, lost, twice, faults: faults.length, sent, resent, versions, seconds };
  console.log(JSON.stringify({ seed: Number(values.seed), rounds: Number(values.rounds), ...report }));
  if (values.broken) {
    console.log(lost > 0 ? "losses found, as it must be" : "no losses found: this check is blind");
    return lost > 0 ? 0 : 1;
  }
  return lost + twice + faults.length === 0 ? 0 : 1;
});
