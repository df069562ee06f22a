import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/**
 * Three projects, by where the code under test runs; a test in another place is in none. They run one after the other
 * (`groupOrder`, from 1: Vitest treats 0 in its own way), because the end-to-end tests wait for real servers, and on a
 * small machine would wait for the other projects too.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/contract/**/*.test.ts"],
          testTimeout: 60_000, // random schedules, on a machine that may be busy
          sequence: { groupOrder: 1 },
        },
      },
      {
        // In workerd, with the bindings of wrangler.toml and SQLite on disk.
        plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Real sockets to the production bundle on a workerd process, which the tests start, kill and start again.
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: "test/e2e/build-bundle.ts",
          pool: "forks",
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
