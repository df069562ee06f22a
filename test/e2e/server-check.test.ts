import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "vitest";
import { GROUPS } from "../../tools/check/groups.ts";
import { startServer } from "../../tools/dev/server-process.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { describeNoServer } from "../../tools/server-url.ts";
import { buildAlteredBundle } from "../support/altered-bundle.ts";
import { CheckCommand, checkServer } from "../support/check-command.ts";
import { startClosedServer } from "../support/closed-server.ts";
import { freePort } from "../support/free-port.ts";
import { HANG_LIMIT_MS } from "../support/hang-limit.ts";
import { pipeToHead } from "../support/pipe-to-head.ts";
import { PLANTED_FAULTS } from "../support/planted-faults.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// `npm run e2e`, against servers that are right and servers that are wrong.

/** To end a hang. */
const TIMEOUT_S = HANG_LIMIT_MS / 1_000;
const CLEANUP = "cleanup";

describe.concurrent("npm run e2e", () => {
  test.for([
    { mode: "open to this machine", vars: { OPEN_ACCESS: "loopback" }, hasKey: false },
    { mode: "closed", vars: {}, hasKey: true },
    { mode: "closed, but for anonymous viewers", vars: { ANONYMOUS_ROLE: "viewer" }, hasKey: true },
  ])(
    "[E2E-1] every check passes and the exit code is 0, when the server is the one that we ship, $mode",
    async ({ vars, hasKey }, { expect, onTestFinished }) => {
      await withTemporaryDir(async (persistTo) => {
        const server = await startClosedServer(persistTo, { vars });
        onTestFinished(() => server.kill());
        const key = hasKey ? ["--key", server.key] : [];
        const { code, report } = await checkServer(server.url, ["--timeout", `${TIMEOUT_S}`, ...key]);
        expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
        expect(code).toBe(0);
        const made = GROUPS.flatMap(({ name, checks }) => checks.map((check) => `${name}: ${check.name}`));
        const reported = report.checks.map(({ group, name }) => `${group}: ${name}`);
        expect(reported.slice(0, -1)).toEqual(made);
        expect(report.checks.at(-1)?.group).toBe(CLEANUP);
        expect(report).toMatchObject({ url: server.url, ok: true, error: null });
        expect(report.totals).toMatchObject({ checks: made.length + 1, passed: made.length + 1, failed: 0 });
        await server.kill();
      });
    },
  );

  test.for(PLANTED_FAULTS)(
    "[E2E-2] a check of $group finds it, when the server $what",
    async ({ alteration, group, check, says, timeoutS = TIMEOUT_S }, { expect, onTestFinished }) => {
      await withTemporaryDir(async (dir) => {
        const bundleDir = await buildAlteredBundle(join(dir, "bundle"), {
          alterations: [alteration],
        });
        const vars: Record<string, string> = group === "access" ? {} : { OPEN_ACCESS: "loopback" };
        const server = await startClosedServer(join(dir, "data"), { bundleDir, vars });
        onTestFinished(() => server.kill());
        const only = group === CLEANUP ? "expansion" : group;
        const args = ["--only", only, "--timeout", `${timeoutS}`];
        if (group === "access") args.push("--key", server.key);
        const { code, report } = await checkServer(server.url, args);
        const failed = report.checks.filter(({ ok }) => !ok);
        expect(failed.find(({ name }) => name.includes(check))?.error).toMatch(says);
        expect([...new Set(failed.map((one) => one.group))]).toEqual([group]);
        expect(report.totals.passed).toBeGreaterThan(0);
        expect(code).toBe(1);
        await server.kill();
      });
    },
  );

  test("[E2E-2] there is a planted fault for each group", ({ expect }) => {
    const groups = new Set(PLANTED_FAULTS.map(({ group }) => group));
    expect(groups).toEqual(new Set([...GROUPS.map(({ name }) => name), CLEANUP]));
  });

  test("[E2E-3] each check is a line, a failure says what was expected and what came, and a table counts them", async ({
    expect,
    onTestFinished,
  }) => {
    await withTemporaryDir(async (dir) => {
      const alterations = PLANTED_FAULTS.filter(({ what }) => what.includes("with another code")).map(
        ({ alteration }) => alteration,
      );
      const bundleDir = await buildAlteredBundle(join(dir, "bundle"), {
        alterations,
      });
      const server = await startServer({ persistTo: join(dir, "data"), bundleDir });
      onTestFinished(() => server.kill());
      const command = new CheckCommand([
        "--url",
        server.url,
        "--only",
        "errors",
        "--only",
        "conn",
        "--timeout",
        `${TIMEOUT_S}`,
      ]);
      const { code, stdout } = await command.ended;
      expect(stdout).toMatch(/^ {2}✓ a pong comes back, when a client pings \(\d+ ms\)$/m);
      expect(stdout).toMatch(
        /^ {2}✗ the socket is closed with 4004 .* \(\d+ ms\)\n {6}the close: expected \{"code":4004.*got \{"code":4040/m,
      );
      const { length } = GROUPS.find(({ name }) => name === "connection")?.checks ?? [];
      expect(stdout).toMatch(new RegExp(`^connection +${length - 1} +1 +\\d+ ms$`, "m"));
      expect(stdout).toMatch(/^cleanup +1 +0 +\d+ ms$/m);
      expect(stdout).toMatch(/^2 of \d+ checks failed\.$/m);
      expect(code).toBe(1);
      await server.kill();
    });
  });

  test("[E2E-4] the command deletes its fragments and reports the checks so far, when the run is interrupted", async ({
    expect,
    onTestFinished,
  }) => {
    await withTemporaryDir(async (persistTo) => {
      const server = await startServer({ persistTo });
      onTestFinished(() => server.kill());
      const command = new CheckCommand(["--url", server.url, "--timeout", `${TIMEOUT_S}`]);
      onTestFinished(() => command.kill("SIGKILL"));
      await command.printed("\nconnection\n");
      command.kill("SIGINT");
      const { code, stdout } = await command.ended;
      expect(stdout).toContain("✓ no fragment of the run is left, when the checks are over");
      expect(stdout).toContain("The run was interrupted: not all checks ran.");
      expect(stdout).not.toMatch(/^old-addresses$/m);
      expect(code).toBe(130);
      await server.kill();
    });
  });

  test("[E2E-4] the command deletes its fragments, when nobody reads the output any more", async ({
    expect,
    onTestFinished,
  }) => {
    await withTemporaryDir(async (persistTo) => {
      const server = await startServer({ persistTo });
      onTestFinished(() => server.kill());
      const script = join(PROJECT_DIR, "tools/check/main.ts");
      const { code, stdout, stderr } = await pipeToHead(5, script, ["--url", server.url]);
      expect({ code, stderr }).toEqual({ code: 141, stderr: "" });
      expect(stdout).toContain("\nrest\n");
      const response = await fetch(`${server.url}/v1/fragments`);
      expect(await response.json()).toMatchObject({ total: 0 });
      await server.kill();
    });
  });

  test("[E2E-5] the command says so in a sentence with exit code 2 and checks nothing, when a group is not known", async ({
    expect,
  }) => {
    const { code, stdout, stderr } = await new CheckCommand(["--url", "http://localhost", "--only", "speed"])
      .ended;
    expect(stderr).toMatch(
      /^npm run e2e: There is no group "speed"\. Groups: rest, connection, .*\n\nUsage: npm run e2e /,
    );
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("[E2E-6] the command says so in a sentence with exit code 1, when no server answers", async ({
    expect,
  }) => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await new CheckCommand(["--url", url, "--json"]).ended;
    const fault = describeNoServer(url, "ECONNREFUSED");
    expect(stderr).toBe(`npm run e2e: ${fault}\n`);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, checks: [], error: fault });
    expect(code).toBe(1);
  });

  test("[E2E-6] the command says so in a sentence with exit code 1, when the server is another one", async ({
    expect,
    onTestFinished,
  }) => {
    const other = createServer((_request, response) => response.writeHead(404).end("nothing"));
    await new Promise<void>((settle) => other.listen(0, "127.0.0.1", settle));
    onTestFinished(() => void other.close());
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`; // it listens on a port
    const { code, stderr } = await new CheckCommand(["--url", url]).ended;
    expect(stderr).toBe(
      `npm run e2e: ${url} answers, but not as Prompt Manager: GET /healthz gives 404 "nothing".\n`,
    );
    expect(code).toBe(1);
  });
});
