import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { HANG_LIMIT_MS } from "./test/support/hang-limit.ts";
import { TEST_SECRET } from "./test/support/test-secret.ts";

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
 * Three projects, by where the code under test runs; a test in another place is in none. They run side by side: many
 * tests wait for a server, a timer or a process that starts, and others compute meanwhile. So there is one file more at
 * work than a small machine has processors. (Vitest treats the group 0 in its own way.)
 */
const SIDE_BY_SIDE = { maxWorkers: 3, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/contract/**/*.test.ts"],
          ...LIMITS,
          ...SIDE_BY_SIDE,
        },
      },
      {
        // In workerd, with the bindings of wrangler.toml and SQLite on disk.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { OPEN_ACCESS: "loopback", AUTH_SECRET: TEST_SECRET } },
          }),
        ],
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          ...LIMITS,
          ...SIDE_BY_SIDE,
        },
      },
      {
        // Real sockets to the production bundle on a workerd process, which the tests start, kill and start again.
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: "test/e2e/build-bundle.ts",
          pool: "forks",
          ...LIMITS,
          ...SIDE_BY_SIDE,
        },
      },
    ],
  },
});
