import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { connectJson } from "../support/live-clients.ts";
import { within } from "../support/live-socket.ts";
import { readFragment } from "../support/rest.ts";
import { StockEditor } from "../support/stock-editor.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// `npm run dev` as a person starts it: several processes under Wrangler.

test("[LIVE-16] a stock provider and an old client edit together and find their text again, when `npm run dev` is killed and started anew", async () => {
  await withTemporaryDir(async (dir) => {
    const first = await startDev(dir);
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
    const editor = new StockEditor(first.url, "team/greeting", { create: "1" });
    onTestFinished(() => editor.destroy());
    await editor.synced();
    const old = await connectJson(first.url, "/api/prompts/ws/fragments/team/greeting", "the old client");
    onTestFinished(() => old.socket.terminate());
    expect(await old.client.next("initial")).toMatchObject({ content: "" });
    editor.text.insert(0, "Hello, ");
    expect(await old.client.next("update")).toMatchObject({ content: "Hello, " });
    old.client.send({ action: "update", content: "Hello, [[team/name]]!" });
    expect(await old.client.next("update_status")).toMatchObject({ success: true });
    await editor.hasText("Hello, [[team/name]]!");
    editor.destroy(); // it would bring the text along
    await killTree(first.process);

    const second = await startDev(dir);
    const fragment = await readFragment(second.url, "team/greeting");
    expect(fragment.content).toBe("Hello, [[team/name]]!");
    await killTree(second.process);
  });
});

test("[LIVE-16] `npm run dev` leaves no process behind, when it gets SIGTERM", async () => {
  await withTemporaryDir(async (dir) => {
    const dev = await startDev(dir);
    const tree = descendants(dev.process.pid ?? 0);
    expect(tree.length).toBeGreaterThan(1);
    const ended = once(dev.process, "close");
    dev.process.kill("SIGTERM");
    expect(await within("the end", ended)).toEqual([0, null]);
    // A killed process is in the table until its parent has looked; no event tells of a grandchild's end.
    await expect.poll(() => tree.filter(isRunning)).toEqual([]);
  });
});

/** Settles when it has told where it listens. */
async function startDev(persistTo: string): Promise<{ process: ChildProcess; url: string }> {
  const child = spawn(
    process.execPath,
    [join(PROJECT_DIR, "tools/dev/dev.ts"), "--port=0", `--persist-to=${persistTo}`],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  onTestFinished(() => killTree(child));
  let printed = "";
  const url = new Promise<string>((settle, fail) => {
    const look = (text: string) => {
      printed += text;
      const found = /Prompt Manager is up at (\S+)/.exec(printed)?.[1];
      if (found !== undefined) settle(found);
    };
    child.stdout?.setEncoding("utf8").on("data", look);
    child.stderr?.setEncoding("utf8").on("data", look);
    child.once("close", (code) => fail(new Error(`npm run dev ended with ${code}:\n${printed}`)));
  });
  return { process: child, url: await within("the address of npm run dev", url) };
}

/** SIGKILL for all of it at once, as a power cut. */
async function killTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "close");
  for (const pid of [child.pid, ...descendants(child.pid)]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It went with its parent.
    }
  }
  await ended;
}

function descendants(root: number): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const children = new Map<number, number[]>();
  for (const line of table.trim().split("\n")) {
    const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((one) => [one, ...below(one)]);
  return below(root);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
