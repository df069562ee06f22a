/**
 * `npm run bench:idle -- [--sockets 1000]`
 *
 * Opens idle sockets on one fragment, half of them JSON and half Yjs with our subprotocol. Measures the server's memory for
 * each socket, and whether the fragment's object sleeps and wakes with all of them.
 */
import { setTimeout as delay } from "node:timers/promises";
import type WebSocket from "ws";
import { SUBPROTOCOL } from "../../src/protocol/yjs-frames.ts";
import { runCommand } from "../../tools/command-line.ts";
import { parseOptions, type ValuesOf, whole } from "../../tools/command-options.ts";
import { makeSocket, opened, within } from "../support/live-socket.ts";
import { ObservedServer } from "../support/observed-server.ts";
import { putFragment } from "../support/rest.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { residentBytes } from "./server-figures.ts";

const ID = "bench/idle";
/** Number of connections that open at the same time. */
const BATCH = 50;
const OPTIONS = { sockets: whole(1_000, 1, 10_000) };
/** More than the 10 s without an event after which workerd removes an object from memory. */
const SLEEP_MS = 12_000;

const USAGE = `Usage: npm run bench:idle -- [--sockets N]

Opens sockets to one fragment of a server of its own, and measures memory, sleep and waking.

  --sockets N   1000 unless given`;

await runCommand(
  { name: "npm run bench:idle", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS) },
  measure,
);

/** Returns the exit code. */
async function measure({ sockets: wanted }: ValuesOf<typeof OPTIONS>): Promise<number> {
  await withTemporaryDir(async (dir) => {
    const server = await ObservedServer.start(dir);
    try {
      const { pid } = server.process;
      await putFragment(server.url, ID, "quiet");
      await delay(1_000); // so that the garbage of the start is collected
      const before = residentBytes(pid);
      const sockets = await openAll(server.url, wanted);
      const awake = residentBytes(pid);
      await delay(SLEEP_MS);
      const asleep = residentBytes(pid);
      const constructionsAsleep = await server.constructions(ID);
      const told = sockets.map((socket) => new Promise((settle) => socket.once("message", settle)));
      const startedMs = performance.now();
      await putFragment(server.url, ID, "news");
      await within("the news at each socket", Promise.all(told));
      const wakeMs = performance.now() - startedMs;
      const perSocket = (bytes: number) => Math.round((bytes - before) / wanted);
      const report = {
        sockets: wanted,
        rss_before_mb: Math.round(before / 1e6),
        bytes_per_socket_awake: perSocket(awake),
        bytes_per_socket_asleep: perSocket(asleep),
        constructions_before_and_after_waking: [constructionsAsleep, await server.constructions(ID)],
        wake_to_last_socket_ms: Math.round(wakeMs),
        still_open: sockets.filter((socket) => socket.readyState === socket.OPEN).length,
      };
      console.log(JSON.stringify(report));
      for (const socket of sockets) socket.terminate();
    } finally {
      await server.process.kill();
    }
  });
  return 0;
}

async function openAll(serverUrl: string, wanted: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < wanted) {
    const batch = Array.from({ length: Math.min(BATCH, wanted - sockets.length) }, (_, index) =>
      index % 2 === 0
        ? makeSocket(serverUrl, `/v1/ws/${ID}`)
        : makeSocket(serverUrl, `/v1/sync/${ID}`, [SUBPROTOCOL]),
    );
    await Promise.all(batch.map(opened));
    sockets.push(...batch);
  }
  return sockets;
}
