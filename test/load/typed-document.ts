/**
 * `npm run bench:typed -- [--keys 100000] [--slow-keys 2000] [--pace 30] [--opens 5] [--seed 1]`
 *
 * Types a document key by key, as fast as the server saves it, and then one key every `--pace` milliseconds. The default of
 * 30 is six times as fast as a fast typist; 180 is real, and takes six minutes. Then it stops the server, counts what is
 * stored, and starts the server again for each measurement of a cold open.
 */
import { join } from "node:path";
import * as Y from "yjs";
import { runCommand } from "../../tools/command-line.ts";
import { parseOptions, type ValuesOf, whole } from "../../tools/command-options.ts";
import { buildBundle, startServer } from "../../tools/dev/server-process.ts";
import { MAX_SEED, SeededRandom } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { quantile } from "./server-figures.ts";
import { readStoredFragment, Typist, timeOpen } from "./typing.ts";

const OPTIONS = {
  keys: whole(100_000, 1, 1_000_000),
  "slow-keys": whole(2_000, 0, 1_000_000),
  pace: whole(30, 1, 10_000),
  opens: whole(5, 1, 1_000),
  seed: whole(1, 0, MAX_SEED),
};

const PATH = "/v1/sync/bench/typed?create=1";

const USAGE = `Usage: npm run bench:typed -- [--keys N] [--slow-keys N] [--pace MS] [--opens N] [--seed N]

Types a document into a server of its own, and measures what is stored and how long a cold open takes.

  --keys N        keys typed as fast as the server saves them; 100000 unless given
  --slow-keys N   keys typed afterwards at a pace; 2000 unless given
  --pace MS       time between two of them; 30 unless given
  --opens N       number of cold opens, each on a new server; 5 unless given
  --seed N        seed of the keys and their places; 1 unless given`;

await runCommand(
  { name: "npm run bench:typed", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS) },
  measure,
);

/** Returns the exit code. */
async function measure(options: ValuesOf<typeof OPTIONS>): Promise<number> {
  const { keys, "slow-keys": slowKeys, pace: paceMs, opens, seed } = options;
  await withTemporaryDir(async (dir) => {
    const options = { persistTo: join(dir, "data"), bundleDir: await buildBundle(join(dir, "bundle")) };
    let server = await startServer(options);
    let fastS: number;
    try {
      const typist = await Typist.open(server.url, PATH, new SeededRandom(seed));
      const startedMs = performance.now();
      await typist.type(keys, null);
      fastS = (performance.now() - startedMs) / 1_000;
      await typist.type(slowKeys, paceMs);
      typist.close();
    } finally {
      await server.stop();
    }
    const stored = await readStoredFragment(options.persistTo);
    const opensMs: number[] = [];
    let snapshotBytes = 0;
    let characters = 0;
    for (let open = 0; open < opens; open++) {
      server = await startServer(options);
      try {
        const { ms, doc } = await timeOpen(server.url, PATH);
        opensMs.push(ms);
        snapshotBytes = Y.encodeStateAsUpdate(doc).length;
        characters = doc.getText("content").length;
      } finally {
        await server.kill();
      }
    }
    opensMs.sort((a, b) => a - b);
    const report = {
      keys,
      slow_keys: slowKeys,
      pace_ms: paceMs,
      keys_per_s: Math.round(keys / fastS),
      characters,
      rows: stored.rows,
      live_bytes: stored.liveBytes,
      snapshot_bytes: snapshotBytes,
      live_to_snapshot: Math.round((stored.liveBytes / snapshotBytes) * 100) / 100,
      file_bytes: stored.fileBytes,
      cold_open_ms: {
        median: Math.round(quantile(opensMs, 0.5)),
        max: Math.round(opensMs.at(-1) ?? Number.NaN),
      },
    };
    console.log(JSON.stringify(report));
  });
  return 0;
}
