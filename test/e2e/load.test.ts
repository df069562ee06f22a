import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import type { LoadResult } from "../../tools/load/load-result.ts";
import { buildAlteredBundle } from "../support/altered-bundle.ts";
import { LOSING } from "../support/broken-bundle.ts";
import { freePort } from "../support/free-port.ts";
import { pipeToHead } from "../support/pipe-to-head.ts";
import { serverOfFile } from "../support/server-of-file.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

const MAIN = fileURLToPath(new URL("../../tools/load/main.ts", import.meta.url));

interface LoadProcess {
  readonly child: ChildProcess;
  /** Resolves as soon as its output holds the text. */
  printed(text: string): Promise<void>;
  /** The exit code and all of its output. */
  ended(): Promise<{ code: number | null; output: string }>;
}

function spawnLoad(...args: string[]): LoadProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  let output = "";
  let look: () => void = () => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      look();
    });
  }
  return {
    child,
    printed: (text) =>
      new Promise((settle, fail) => {
        look = () => {
          if (output.includes(text)) settle();
        };
        look();
        child.once("close", () => fail(new Error(`ended without "${text}":\n${output}`)));
      }),
    async ended() {
      await closed;
      return { code: child.exitCode, output };
    },
  };
}

async function readResult(file: string): Promise<LoadResult> {
  return JSON.parse(await readFile(file, "utf8")) as LoadResult; // the command's own word
}

async function statusOf(server: ServerProcess, { output }: { output: string }): Promise<number> {
  const [, id] = output.match(/made (load\/\S+)/) ?? [];
  const response = await fetch(`${server.url}/v1/fragments/${id}`);
  return response.status;
}

describe("npm run load", () => {
  const file = serverOfFile();

  test("[LOAD-4] every edit arrives at every socket of its fragment and is in the text, and the report says so", async () => {
    const [report, json] = [join(file.dir, "reports", "a.html"), join(file.dir, "a.json")];
    const numbers = [
      "--fragments",
      "2",
      "--writers",
      "2",
      "--readers",
      "2",
      "--rate",
      "10",
      "--seconds",
      "3",
    ];
    const load = spawnLoad("--url", file.server.url, ...numbers, "--report", report, "--json", json);
    const { code, output } = await load.ended();
    expect(output).toContain("Nothing was lost, and nothing went wrong.");
    expect(code).toBe(0);
    const result = await readResult(json);
    expect(result.totals).toMatchObject({ edits: 120, deliveries: 360, saved: 120, reconnects: 0 });
    expect(result).toMatchObject({ undelivered: 0, unsaved: 0, lost: 0, doubled: 0, errors: [] });
    expect(result.receive?.count).toBe(360);
    expect(result.durable?.count).toBe(120);
    expect(result.receive?.p50).toBeGreaterThan(0);
    expect(result.receive?.max).toBeGreaterThanOrEqual(result.receive?.p50 ?? Number.NaN);
    expect(result.timeline.length).toBeGreaterThanOrEqual(3);
    expect(result.timeline.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(360);
    expect(output.match(/^ +\d+ s · /gm)?.length).toBeGreaterThanOrEqual(2);
    const page = await readFile(report, "utf8");
    expect(page).toContain("<th>deliveries</th><td>360 (");
    expect(page.match(/<path class="line s\d" d="M[^"]*L/g)?.length).toBe(12);
    expect(await statusOf(file.server, { output }), "the fragment that it made").toBe(404);
  });

  test("[LOAD-2] a foreign host is refused before anything is sent", async () => {
    const { code, output } = await spawnLoad("--url", "http://192.0.2.1").ended();
    expect(code).toBe(2);
    expect(output).toMatch(
      /^npm run load: --url http:\/\/192\.0\.2\.1 is not on the loopback\. .*\n\nUsage: npm run load /,
    );
  });

  test("[LOAD-1] the command says so and fails, when no server answers", async () => {
    const { code, output } = await spawnLoad("--url", "http://127.0.0.1:9").ended();
    expect(code).toBe(1);
    expect(output).toMatch(/^npm run load: No server answers at http:\/\/127\.0\.0\.1:9 \(.+\)\..*\n$/);
  });

  test("[LOAD-6] the command reports what was sent until then and deletes its fragments, when it is interrupted", async () => {
    const json = join(file.dir, "interrupted.json");
    const report = join(file.dir, "interrupted.html");
    const numbers = ["--writers", "2", "--rate", "10", "--seconds", "60"];
    const load = spawnLoad("--url", file.server.url, ...numbers, "--json", json, "--report", report);
    await load.printed("  1 s · ");
    load.child.kill("SIGINT");
    const { code, output } = await load.ended();
    expect(code).toBe(0);
    expect(output).toContain("The test was interrupted");
    const result = await readResult(json);
    expect(result.isInterrupted).toBe(true);
    expect(result.totals.edits).toBeGreaterThan(0);
    expect(result.totals.edits).toBeLessThan(2 * 10 * 60);
    expect(result.undelivered).toBe(0);
    expect(await statusOf(file.server, { output })).toBe(404);
  });

  test("[LOAD-6] the command reports and deletes its fragments, when nobody reads its output any more", async () => {
    const [json, report] = [join(file.dir, "headed.json"), join(file.dir, "headed.html")];
    const args = ["--url", file.server.url, "--seconds", "60", "--json", json, "--report", report];
    const { code, stdout, stderr } = await pipeToHead(5, MAIN, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await statusOf(file.server, { output: stdout })).toBe(404);
    const result = await readResult(json);
    expect(result).toMatchObject({ isInterrupted: true, undelivered: 0 });
    expect(result.totals.edits).toBeGreaterThan(0);
  });
});

// The two below wait for real seconds more than they work.

test.concurrent("[LOAD-5] sockets that a killed server drops come back when it does, and nothing is lost", async () => {
  await withTemporaryDir(async (dir) => {
    const port = await freePort();
    let server = await startServer({ persistTo: dir, port });
    try {
      const json = join(dir, "a.json");
      const options = ["--writers", "2", "--readers", "2", "--rate", "20", "--seconds", "2", "--json", json];
      const load = spawnLoad("--url", server.url, ...options, "--report", join(dir, "a.html"));
      await load.printed("  1 s · ");
      await server.kill();
      await load.printed("waiting for what is under way"); // so that no later edit speaks for those of now
      server = await startServer({ persistTo: dir, port });
      const { code, output } = await load.ended();
      expect(output).toContain("Nothing was lost, and nothing went wrong.");
      expect(code).toBe(0);
      const result = await readResult(json);
      expect(result.totals).toMatchObject({ edits: 80, deliveries: 240, saved: 80, reconnects: 4 });
    } finally {
      await server.kill();
    }
  });
});

test.concurrent("[LOAD-4] a server that loses edits is found", async () => {
  await withTemporaryDir(async (dir) => {
    const bundleDir = await buildAlteredBundle(join(dir, "bundle"), { alterations: LOSING });
    const server = await startServer({ persistTo: join(dir, "data"), bundleDir });
    try {
      const json = join(dir, "a.json");
      const options = ["--writers", "2", "--readers", "2", "--rate", "10", "--seconds", "2", "--json", json];
      const load = spawnLoad("--url", server.url, ...options, "--report", join(dir, "a.html"));
      const { code, output } = await load.ended();
      expect(code).toBe(1);
      expect(output).toContain("FAILED: edits are missing");
      const result = await readResult(json);
      expect(result.undelivered).toBeGreaterThan(0);
      expect(result.lost).toBe(1);
    } finally {
      await server.kill();
    }
  });
});
