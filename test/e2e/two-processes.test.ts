import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../tools/dev/server-process.ts";
import { putFragment, readFragment } from "../support/rest.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

const EDITOR = fileURLToPath(new URL("../support/editor-process.ts", import.meta.url));
const COUNT = 30;

test("[LIVE-15] two editors in processes of their own end with the same text and all edits, when a stock provider and a JSON client type at once", async () => {
  await withTemporaryDir(async (persistTo) => {
    const server = await startServer({ persistTo });
    onTestFinished(() => server.kill());
    await putFragment(server.url, "two/processes", "");
    const editors = [
      startEditor("stock", server.url, "two/processes", "yjs"),
      startEditor("json", server.url, "two/processes", "json"),
    ];
    await Promise.all(editors.map((editor) => editor.nextLine()));
    for (const editor of editors) editor.say("go");
    for (const editor of editors) editor.say(String(2 * COUNT));
    const texts = await Promise.all(editors.map((editor) => editor.nextLine()));
    const { content } = await readFragment(server.url, "two/processes");
    expect(texts).toEqual([JSON.stringify(content), JSON.stringify(content)]);
    const tokens = ["yjs", "json"].flatMap((name) => Array.from({ length: COUNT }, (_, n) => `${name}:${n}`));
    expect(content.split(";").slice(0, -1).toSorted()).toEqual(tokens.toSorted());
    await server.kill();
  });
});

function startEditor(kind: "stock" | "json", url: string, id: string, name: string) {
  const child = spawn(process.execPath, [EDITOR, kind, url, id, name, String(COUNT)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout });
  const read: string[] = [];
  lines.on("line", (line) => read.push(line));
  return {
    say: (line: string) => child.stdin.write(`${line}\n`),
    async nextLine(): Promise<string> {
      if (read.length === 0) await once(lines, "line");
      return read.shift() ?? "";
    },
  };
}
