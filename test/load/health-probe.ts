/**
 * Asks a server for its health every 25 ms, from a thread of its own, to learn how long every request is kept waiting.
 * A question does not wait for the answer to the one before.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const PERIOD_MS = 25;

export class HealthProbe {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async start(serverUrl: string): Promise<HealthProbe> {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: `${serverUrl}/healthz` });
    await once(worker, "message"); // it has asked once
    return new HealthProbe(worker);
  }

  /** The longest wait since the last call, in milliseconds. Waits for the answers to open questions. */
  async longestWaitMs(): Promise<number> {
    const answered = once(this.#worker, "message");
    this.#worker.postMessage("report");
    const [waitMs] = (await answered) as [number]; // the thread below sends nothing else
    return waitMs;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

async function probe(url: string, port: NonNullable<typeof parentPort>): Promise<void> {
  let longestMs = 0;
  const open = new Set<Promise<void>>();
  const ask = async () => {
    const startedMs = performance.now();
    const response = await fetch(url);
    await response.arrayBuffer();
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  };
  await ask(); // opens a connection
  port.postMessage(0);
  port.on("message", async () => {
    await Promise.all(open);
    port.postMessage(longestMs);
    longestMs = 0;
  });
  setInterval(() => {
    const asked: Promise<void> = ask().finally(() => open.delete(asked));
    open.add(asked);
  }, PERIOD_MS);
}

if (!isMainThread && parentPort !== null && typeof workerData === "string")
  await probe(workerData, parentPort);
