/**
 * `npm run bench:room -- [--writers 2] [--rate 5] [--seconds 60]`
 *
 * Counts what Cloudflare bills for one room: incoming messages, rows written, and the seconds in which it cannot hibernate.
 * The writers are stock y-websocket providers with a name and a cursor. Each types `--rate` characters a second; 0 is a room
 * that is only open. Counting starts when all have joined.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { runCommand } from "../../tools/command-line.ts";
import { decimal, parseOptions, type ValuesOf, whole } from "../../tools/command-options.ts";
import { startServer } from "../../tools/dev/server-process.ts";
import { buildAlteredBundle } from "../support/altered-bundle.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { cpuSeconds } from "./server-figures.ts";

const OPTIONS = {
  writers: whole(2, 1, 1_000),
  /** Keys a second of each writer. */
  rate: decimal(5, 0, 1_000),
  seconds: decimal(60, 1, 3_600),
};

const USAGE = `Usage: npm run bench:room -- [--writers N] [--rate X] [--seconds S]

Lets stock providers type into one fragment of a server of its own, and counts what Cloudflare bills.

  --writers N   2 unless given
  --rate X      characters a second of each writer; 5 unless given; 0 is a room that is only open
  --seconds S   60 unless given`;

let messages = 0;
class CountingSocket extends WebSocket {
  override send(data: Parameters<WebSocket["send"]>[0]): void {
    messages++;
    super.send(data);
  }
}

/** Types at the end of its own text, with the cursor after it. */
class Writer {
  readonly #doc = new Y.Doc();
  readonly #provider: WebsocketProvider;
  #end: Y.RelativePosition | null = null;

  constructor(serverUrl: string) {
    this.#provider = new WebsocketProvider(
      `${serverUrl.replace(/^http/, "ws")}/v1/sync`,
      "bench/room",
      this.#doc,
      {
        params: { create: "1" },
        // The package's signature has the DOM's type; ws has the part of it that the provider uses.
        WebSocketPolyfill: CountingSocket as unknown as typeof globalThis.WebSocket,
        disableBc: true,
      },
    );
    this.#provider.awareness.setLocalStateField("user", { name: "Ann", color: "#3366cc" });
  }

  async synced(): Promise<void> {
    if (!this.#provider.synced)
      await new Promise<void>((settle) => this.#provider.once("sync", () => settle()));
  }

  async type(rate: number, endMs: number): Promise<void> {
    const text = this.#doc.getText("content");
    while (performance.now() < endMs) {
      const at = this.#end && Y.createAbsolutePositionFromRelativePosition(this.#end, this.#doc)?.index;
      const index = at ?? text.length;
      text.insert(index, "x");
      this.#end = Y.createRelativePositionFromTypeIndex(text, index + 1);
      this.#provider.awareness.setLocalStateField("cursor", { anchor: this.#end, head: this.#end });
      await delay((1_000 / rate) * (0.5 + Math.random()));
    }
  }

  close(): void {
    this.#provider.destroy();
    this.#doc.destroy();
  }
}

await runCommand(
  { name: "npm run bench:room", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS) },
  measure,
);

/** Returns the exit code. */
async function measure({ writers, rate, seconds }: ValuesOf<typeof OPTIONS>): Promise<number> {
  process.setMaxListeners(0); // each provider listens for the exit
  await withTemporaryDir(async (dir) => {
    const entry = "test/workerd/metered-worker.ts";
    const bundleDir = await buildAlteredBundle(join(dir, "bundle"), { entry });
    const server = await startServer({ persistTo: join(dir, "data"), bundleDir });
    const usage = async () =>
      (await (await fetch(`${server.url}/test/usage`)).json()) as { rowsWritten: number; awakeMs: number };
    try {
      const all = Array.from({ length: writers }, () => new Writer(server.url));
      await Promise.all(all.map((writer) => writer.synced()));
      await delay(1_000);
      messages = 0;
      const { pid } = server;
      const before = { ...(await usage()), cpuS: cpuSeconds(pid) };
      const startedMs = performance.now();
      const endMs = startedMs + seconds * 1_000;
      if (rate > 0) await Promise.all(all.map((writer) => writer.type(rate, endMs)));
      else await delay(seconds * 1_000);
      const after = { ...(await usage()), cpuS: cpuSeconds(pid) };
      // The time in which it runs, or has a timer. Both at once count twice.
      const awakeS = (after.awakeMs - before.awakeMs) / 1_000 + after.cpuS - before.cpuS;
      const minutes = (performance.now() - startedMs) / 60_000;
      for (const writer of all) writer.close();
      console.log(
        JSON.stringify({
          writers,
          keys_per_s: rate,
          seconds,
          per_minute: {
            messages: Math.round(messages / minutes),
            rows: Math.round((after.rowsWritten - before.rowsWritten) / minutes),
            awake_s: Math.round((10 * awakeS) / minutes) / 10,
          },
        }),
      );
    } finally {
      await server.kill();
    }
  });
  return 0;
}
