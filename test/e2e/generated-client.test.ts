import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../tools/dev/server-process.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

const run = promisify(execFile);
const project = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const GENERATED = project("build/generated-client");

test("[API-5] a program compiles and works, when its client was generated from /openapi.json by oazapfts", async () => {
  await withTemporaryDir(async (persistTo) => {
    const server = await startServer({ persistTo });
    onTestFinished(() => server.kill());
    await mkdir(GENERATED, { recursive: true });
    const description = await (await fetch(`${server.url}/openapi.json`)).text();
    await writeFile(`${GENERATED}/openapi.json`, description);
    const files = [`${GENERATED}/openapi.json`, `${GENERATED}/client.ts`];
    await run(process.execPath, [project("node_modules/oazapfts/dist/cli.js"), ...files]);

    const compiled = run(project("node_modules/.bin/tsc"), ["-p", project("test/generated-client")]);
    expect(await compiled.catch(({ stdout }: { stdout: string }) => stdout)).toMatchObject({ stdout: "" });

    const { stdout } = await run(process.execPath, [project("test/generated-client/program.ts"), server.url]);
    expect(JSON.parse(stdout)).toEqual([
      "generated/über_uns",
      1,
      "Good day, [[generated/name]]!",
      "composite",
      "Good day, [[generated/name]]!",
      [["generated/über_uns", 1]],
      "Good day, world!",
      "world",
      "stale_base",
      2,
      204,
      404,
    ]);
    await server.kill();
  });
});
