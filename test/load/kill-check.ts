/**
 * `npm run check:kill -- [--rounds 20] [--edits 20000] [--seed N] [--compact-every N] [--broken]`
 *
 * Kills a server under load, again and again, and looks for acknowledged edits that are gone. Exits with 0 when
 * edits were acknowledged and nothing is lost, doubled or otherwise wrong. With --broken it runs against a build that acknowledges first and
 * writes 200 ms later, and exits with 0 only when it found losses: else this check could not find any.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseWhole, runCommand } from "../../tools/command-line.ts";
import { buildBundle } from "../../tools/dev/server-process.ts";
import { buildBrokenBundle } from "../support/broken-bundle.ts";
import { MAX_SEED } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { hasKeptAll, type RoundReport, runKillRounds } from "./kill-rounds.ts";

interface Settings {
  readonly rounds: number;
  readonly edits: number;
  readonly seed: number;
  /** Null: as in production. */
  readonly compactEvery: number | null;
  readonly isBroken: boolean;
}

const USAGE = `Usage: npm run check:kill -- [--rounds N] [--edits N] [--seed N] [--compact-every N] [--broken]

Kills a server of its own under load, again and again, and looks for acknowledged edits that are lost or doubled.

  --rounds N          how often it is killed; 20
  --edits N           acknowledged by the end, at least; 20000
  --seed N            who writes what where; another one each time
  --compact-every N   compaction after so many commits; absent: as in production
  --broken            a server that acknowledges before it writes: losses must be found

Exit code: 0 when edits were acknowledged and all is right, 1 otherwise, 2 for a wrong command line.`;

await runCommand({ name: "npm run check:kill", usage: USAGE, parse }, check);

function parse(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "20" },
      edits: { type: "string", default: "20000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      "compact-every": { type: "string" },
      broken: { type: "boolean", default: false },
    },
  });
  const compactEvery = values["compact-every"];
  return {
    rounds: parseWhole("rounds", values.rounds, 1, 10_000),
    edits: parseWhole("edits", values.edits, 1, 10_000_000),
    seed: parseWhole("seed", values.seed, 0, MAX_SEED),
    compactEvery: compactEvery === undefined ? null : parseWhole("compact-every", compactEvery, 1, 1_000_000),
    isBroken: values.broken,
  };
}

/** Returns the exit code. */
function check({ rounds, edits, seed, compactEvery, isBroken }: Settings): Promise<number> {
  return withTemporaryDir(async (dir) => {
    // A bundle of its own: the one of the working tree may be built anew meanwhile.
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
