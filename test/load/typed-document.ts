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
import { buildBundle, startServer } from "../../scripts/server-process.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { quantile } from "./server-figures.ts";
import { readStoredFragment, Typist, timeOpen } from "./typing.ts";

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "100000" },
    "slow-keys": { type: "string", default: "2000" },
    pace: { type: "string", default: "30" },
    opens: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
  },
});

const PATH = "/v1/sync/bench/typed?create=1";

await withTemporaryDir(async (dir) => {
  const options = { persistTo: join(dir, "data"), bundleDir: await buildBundle(join(dir, "bundle")) };
  const keys = Number(values.keys);
  const slowKeys = Number(values["slow-keys"]);
  let server = await startServer(options);
  let fastS: number;
  try {
    const typist = await Typist.open(server.url, PATH, new SeededRandom(Number(values.seed)));
    const startedMs = performance.now();
    await typist.type(keys, null);
    fastS = (performance.now() - startedMs) / 1_000;
    await typist.type(slowKeys, Number(values.pace));
    typist.close();
  } finally {
    await server.stop();
  }
  const stored = await readStoredFragment(options.persistTo);
  const opensMs: number[] = [];
  let snapshotBytes = 0;
  let characters = 0;
  for (let open = 0; open < Number(values.opens); open++) {
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
    pace_ms: Number(values.pace),
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
