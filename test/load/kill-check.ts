/**
 * `npm run check:kill -- [--rounds 20] [--edits 20000] [--seed N] [--compact-every N] [--broken]`
 *
 * Kills a server under load, again and again, and looks for acknowledged edits that are gone. Exits with 0 if edits
 * were acknowledged and nothing is lost, doubled or otherwise wrong. With --broken it runs against a build that
 * acknowledges first and writes 200 ms later, and exits with 0 only if it finds losses. That proves that the check can
 * find them.
 */
import { join } from "node:path";
import { runCommand } from "../../tools/command-line.ts";
import { flag, parseOptions, type ValuesOf, whole } from "../../tools/command-options.ts";
import { buildBundle } from "../../tools/dev/server-process.ts";
import { buildBrokenBundle } from "../support/broken-bundle.ts";
import { MAX_SEED } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { hasKeptAll, type RoundReport, runKillRounds } from "./kill-rounds.ts";

const OPTIONS = {
  rounds: whole(20, 1, 10_000),
  edits: whole(20_000, 1, 10_000_000),
  seed: whole(Date.now() % 1_000_000, 0, MAX_SEED),
  /** Null for the value of production. */
  "compact-every": whole(null, 1, 1_000_000),
  broken: flag(),
};

const USAGE = `Usage: npm run check:kill -- [--rounds N] [--edits N] [--seed N] [--compact-every N] [--broken]

Kills a server of its own under load, again and again, and looks for acknowledged edits that are lost or doubled.

  --rounds N          number of kills; 20 unless given
  --edits N           least number of acknowledged edits; 20000 unless given
  --seed N            seed of writers, texts and places; another one each time unless given
  --compact-every N   compact after this number of commits; as in production unless given
  --broken            test a server that acknowledges before it writes: the check must find losses

Exit code: 0 if edits were acknowledged and nothing is wrong, 1 otherwise, 2 for a wrong command line.`;

await runCommand(
  { name: "npm run check:kill", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS) },
  check,
);

/** Returns the exit code. */
function check(options: ValuesOf<typeof OPTIONS>): Promise<number> {
  const { rounds, edits, seed, "compact-every": compactEvery, broken: isBroken } = options;
  return withTemporaryDir(async (dir) => {
    // The check has its own bundle, because another command may rebuild the shared one meanwhile.
    const bundleDir = await (isBroken ? buildBrokenBundle : buildBundle)(join(dir, "bundle"));
    const startedMs = performance.now();
    const ledger = await runKillRounds({
      server: {
        persistTo: join(dir, "data"),
        bundleDir,
        vars: { COMPACT_AFTER_COMMITS: compactEvery === null ? "" : String(compactEvery) },
      },
      rounds,
      edits,
      seed,
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
    console.log(JSON.stringify({ seed, rounds, ...report }));
    if (isBroken) {
      console.log(lost > 0 ? "losses found, as it must be" : "no losses found: this check is blind");
      return lost > 0 ? 0 : 1;
    }
    return hasKeptAll(ledger) ? 0 : 1;
  });
}

function printRound({ round, acknowledged, resent, lost, restartMs }: RoundReport): void {
  const read = lost === null ? "everybody is back at once" : `read by newcomers first: ${lost} lost`;
  console.log(
    `round ${round}: ${acknowledged} acknowledged, ${resent} sent again, up in ${Math.round(restartMs)} ms; ${read}`,
  );
}
