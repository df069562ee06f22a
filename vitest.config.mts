import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { HANG_LIMIT_MS } from "./test/support/hang-limit.ts";

/**
 * Time limits are there to end a hang, and are the same in all projects. No test's result depends on the speed of the
 * machine. A test's limit is longer than that of one wait in it, so that the wait fails first and says what it waited for.
 */
const LIMITS = {
  testTimeout: 5 * HANG_LIMIT_MS,
  hookTimeout: 5 * HANG_LIMIT_MS,
  expect: { poll: { timeout: HANG_LIMIT_MS } },
};

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
          ...LIMITS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // In workerd, with the bindings of wrangler.toml and SQLite on disk.
        plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          ...LIMITS,
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
          ...LIMITS,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
