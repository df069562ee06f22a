import { join } from "node:path";
import { expect, test } from "vitest";
import { runCatalogueKills } from "../load/catalogue-kills.ts";
import { buildForgetfulBundle } from "../support/broken-bundle.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// The long version is `npm run check:catalogue`: 50 kills.

test("[CAT-11] the list is the set of fragments, when the server was killed while they were written", async () => {
  await withTemporaryDir(async (dir) => {
    const report = await runCatalogueKills({ rounds: 8, seed: 11, server: { persistTo: dir } });
    expect(report.differences).toEqual([]);
    expect(report.fragments).toBeGreaterThan(10);
    expect(report.writes).toBeGreaterThan(20);
  });
});

test("[CAT-11] the check finds differences, when the alarm is not set", async () => {
  await withTemporaryDir(async (dir) => {
    const bundleDir = await buildForgetfulBundle(join(dir, "bundle"));
    const server = { persistTo: join(dir, "data"), bundleDir };
    const report = await runCatalogueKills({ rounds: 6, seed: 12, server });
    expect(report.differences.length).toBeGreaterThan(0);
  });
});
