/**
 * `npm run bench:typed -- [--keys 100000] [--slow-keys 2000] [--pace 30] [--opens 5] [--seed 1]`
 *
 * A document typed key by key, as fast as the server saves it, and then at a person's pace: a key each `--pace`
 * milliseconds. The default of 30 is compressed, six times a fast typist's; 180 is real and takes six minutes. Then
 * the server is stopped, what it stored is counted, and it is started again for each measurement of a cold open.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as Y from "yjs";
import { parseWhole, runCommand } from "../../tools/command-line.ts";
import { buildBundle, startServer } from "../../tools/dev/server-process.ts";
import { MAX_SEED, SeededRandom } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { quantile } from "./server-figures.ts";
import { readStoredFragment, Typist, timeOpen } from "./typing.ts";

interface Settings {
  readonly keys: number;
  readonly slowKeys: number;
  readonly paceMs: number;
  readonly opens: number;
  readonly seed: number;
}

const PATH = "/v1/sync/bench/typed?create=1";

const USAGE = `Usage: npm run bench:typed -- [--keys N] [--slow-keys N] [--pace MS] [--opens N] [--seed N]

Types a document into a server of its own, and measures what is stored and how long a cold open takes.

  --keys N        as fast as the server saves them; 100000
  --slow-keys N   and then so many at a pace; 2000
  --pace MS       between two of them; 30
  --opens N       servers started for a cold open; 5
  --seed N        what is typed where; 1`;

await runCommand({ name: "npm run bench:typed", usage: USAGE, parse }, measure);

function parse(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      keys: { type: "string", default: "100000" },
      "slow-keys": { type: "string", default: "2000" },
      pace: { type: "string", default: "30" },
      opens: { type: "string", default: "5" },
      seed: { type: "string", default: "1" },
    },
  });
  return {
    keys: parseWhole("keys", values.keys, 1, 1_000_000),
    slowKeys: parseWhole("slow-keys", values["slow-keys"], 0, 1_000_000),
    paceMs: parseWhole("pace", values.pace, 1, 10_000),
    opens: parseWhole("opens", values.opens, 1, 1_000),
    seed: parseWhole("seed", values.seed, 0, MAX_SEED),
  };
}

/** Returns the exit code. */
async function measure({ keys, slowKeys, paceMs, opens, seed }: Settings): Promise<number> {
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
