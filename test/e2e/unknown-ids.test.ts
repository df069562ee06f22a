/** What requests for ids that no fragment has leave behind on a server's disk, and how long they take. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { startServer } from "../../tools/dev/server-process.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { closed, makeSocket, within } from "../support/live-socket.ts";
import { putFragment, readFragment } from "../support/rest.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, n) => `[[${prefix}/${n}]]`).join("");

test("[EXIST-1] no request for an unknown id leaves a file behind, when the server stores in files", async () => {
  await withTemporaryDir(async (dir) => {
    const server = await startServer({ persistTo: dir });
    try {
      const filesOf = async () => (await readdir(dir, { recursive: true })).filter(isDatabase);
      const send = (method: string, path: string, body?: object) =>
        fetch(`${server.url}${path}`, {
          method,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
      await putFragment(server.url, "here", `[[nowhere/inclusion]]${names(100, "nowhere/stored")}`);
      const before = await filesOf();
      const statuses = [
        await send("GET", "/v1/fragments/nowhere/1"),
        await send("HEAD", "/v1/fragments/nowhere/2"),
        await send("PATCH", "/v1/fragments/nowhere/3", { content: "x" }),
        await send("DELETE", "/v1/fragments/nowhere/4"),
        await send("GET", "/v1/expansions/nowhere/5"),
        await send("GET", "/api/prompts/nowhere/6"),
        await send("PUT", "/api/prompts/nowhere/7", { content: "x" }),
        await send("POST", "/api/prompts/expand", { prompt_id: "nowhere/8" }),
        await send("POST", "/v1/renames", { from: "nowhere/9", to: "nowhere/10" }),
        await send("POST", "/v1/expand", { content: names(1_000, "nowhere/text") }),
        await send("GET", "/v1/expansions/here"),
      ].map(({ status }) => status);
      expect(statuses).toEqual([404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 200]);
      for (const path of ["/v1/ws/", "/v1/sync/", "/ws/prompts/"]) {
        const code = await within("the close", closed(makeSocket(server.url, `${path}nowhere/socket`)));
        expect([path, code]).toEqual([path, path === "/v1/sync/" ? 4404 : 4004]);
      }
      expect(await filesOf()).toEqual(before);
      await putFragment(server.url, "there", "one more");
      expect((await filesOf()).length).toBe(before.length + 1);
    } finally {
      await server.stop();
    }
  });
});

test("[EXIST-5] a text of a thousand unknown names takes not much longer than one of a few", async () => {
  await withTemporaryDir(async (dir) => {
    const server = await startServer({ persistTo: dir });
    try {
      await putFragment(server.url, "here", "text");
      const timeOf = async (count: number, round: string) => {
        const startMs = performance.now();
        const body = JSON.stringify({ content: names(count, `nowhere/${round}`) });
        const response = await fetch(`${server.url}/v1/expand`, { method: "POST", body });
        expect(((await response.json()) as { warnings: object[] }).warnings.length).toBe(count);
        return performance.now() - startMs;
      };
      await timeOf(10, "warm");
      const few = [await timeOf(10, "a"), await timeOf(10, "b"), await timeOf(10, "c")];
      const many = [await timeOf(1_000, "d"), await timeOf(1_000, "e"), await timeOf(1_000, "f")];
      // An object for each name took some 100 times as long, and the time of one does not shrink with their number.
      expect(Math.min(...many) / Math.min(...few)).toBeLessThan(30);
      expect(await readFragment(server.url, "here")).toMatchObject({ content: "text" });
    } finally {
      await server.stop();
    }
  });
});

test("[EXIST-6] other requests are answered, while a text of 300 fragments wakes them all", async () => {
  await withTemporaryDir(async (dir) => {
    const ids = Array.from({ length: 300 }, (_, n) => `many/${n}`);
    const first = await startServer({ persistTo: dir });
    try {
      for (let at = 0; at < ids.length; at += 20)
        await Promise.all(ids.slice(at, at + 20).map((id) => putFragment(first.url, id, "x")));
    } finally {
      await first.stop();
    }
    const server = await startServer({ persistTo: dir }); // in which all of them sleep
    try {
      const body = JSON.stringify({ content: ids.map((id) => `[[${id}]]`).join("") });
      let isExpanded = false;
      const expanded = fetch(`${server.url}/v1/expand`, { method: "POST", body }).then(async (response) => {
        isExpanded = true;
        return (await response.json()) as { expanded: string };
      });
      let answered = 0;
      while (!isExpanded) {
        await (await fetch(`${server.url}/healthz`)).text();
        answered++;
      }
      expect((await expanded).expanded).toBe("x".repeat(300));
      expect(answered).toBeGreaterThan(10); // one behind the other
    } finally {
      await server.stop();
    }
  });
});

test("[CLI-13] npm run serve warns of a catalogue that was lost, after which its fragments are read all the same", async () => {
  await withTemporaryDir(async (dir) => {
    const first = await serve(dir);
    await putFragment(first.url, "here", "text");
    const filesOf = async () => (await readdir(dir, { recursive: true })).filter(isDatabase);
    const before = await filesOf();
    await (await fetch(`${first.url}/v1/fragments/nowhere`)).text();
    expect(await filesOf()).toEqual(before);
    expect(await first.stop()).not.toContain("Warning");

    for (const name of await readdir(dir))
      if (name.includes("Catalogue")) await rm(join(dir, name), { recursive: true });
    const second = await serve(dir);
    expect(await readFragment(second.url, "here")).toMatchObject({ content: "text" });
    expect(await second.stop()).toContain("Warning: the catalogue may not know all fragments.");
  });
});

/** As an operator starts it, on a free port. `stop` resolves with what it printed. */
async function serve(dir: string): Promise<{ url: string; stop(): Promise<string> }> {
  const args = [join(PROJECT_DIR, "tools/dev/serve.ts"), "--port=0", `--persist-to=${dir}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let printed = "";
  const url = new Promise<string>((resolve, reject) => {
    const read = (chunk: unknown) => {
      printed += String(chunk);
      const [, found] = /ready pid=\d+ url=(\S+)/.exec(printed) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void ended.then(() => reject(new Error(printed)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await within("the end of the server", ended);
    return printed;
  };
  return { url: await within("the server", url), stop };
}

function isDatabase(name: string): boolean {
  return name.endsWith(".sqlite");
}
