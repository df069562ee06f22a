import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { pipeToHead } from "../support/pipe-to-head.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// `npm run seed`, against a server that only records its requests.

interface Sent {
  readonly request: string;
  readonly body: unknown;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly sent: readonly Sent[];
}

const SCRIPT = join(PROJECT_DIR, "tools/dev/seed.ts");

/** Runs the command on a folder of these files, to its end. */
function seed(files: Readonly<Record<string, string>>, run = runAlone): Promise<Ended> {
  return withTemporaryDir(async (dir) => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), content);
    }
    const sent: Sent[] = [];
    const server = createServer(async (request, response) => {
      sent.push({ request: `${request.method} ${request.url}`, body: JSON.parse(await text(request)) });
      response.writeHead(201).end();
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
    return { ...(await run(["--url", url, "--dir", dir])), sent };
  });
}

function runAlone(args: readonly string[]): Promise<Omit<Ended, "sent">> {
  return new Promise((settle) => {
    const child = execFile(process.execPath, [SCRIPT, ...args], (_, stdout, stderr) =>
      settle({ code: child.exitCode, stdout, stderr }),
    );
  });
}

test("[SEED-4] npm run seed sends nothing and names each bad file, when the good ones stand before them", async () => {
  const ended = await seed({
    "a/good.md": "Good.",
    "b/bad.md": "---\ntag: [a]\n---\nText",
    "b/-bad.md": "Text",
    "c/good.md": "Good, too.",
  });
  expect(ended.sent).toEqual([]);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  const [first, ...faults] = ended.stderr.trimEnd().split("\n");
  expect(first).toBe("npm run seed: Nothing was sent, because of:");
  expect(faults.map((fault) => fault.trim().split(": ")[0])).toEqual(["b/-bad.md", "b/bad.md"]);
});

test("[SEED-1] npm run seed sends each file under its path and counts them, when all are good", async () => {
  const ended = await seed({ "a/good.md": "---\ntags: [t]\n---\nGood.\n", "notes.txt": "no sample" });
  const fragment = { content: "Good.", description: "", tags: ["t"], prompt_type: "standard" };
  expect(ended.sent).toEqual([{ request: "PUT /v1/fragments/a/good", body: fragment }]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toMatch(/^1 fragment is at http:/m);
});

test("[CLI-6] npm run seed sends all its files, when nobody reads its output any more", async () => {
  const ids = Array.from({ length: 200 }, (_, at) => `a/file-${at}`);
  const files = Object.fromEntries(ids.map((id) => [`${id}.md`, "Text."]));
  const ended = await seed(files, (args) => pipeToHead(1, SCRIPT, args));
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout.trimEnd().split("\n")).toHaveLength(1);
  expect(ended.sent).toHaveLength(200);
});
