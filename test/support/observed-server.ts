/** A server on the worker of test/workerd/observed-worker.ts: its counts, and how to make it fail. */
import { join } from "node:path";
import { type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import { buildAlteredBundle } from "./altered-bundle.ts";

export class ObservedServer {
  readonly process: ServerProcess;

  private constructor(server: ServerProcess) {
    this.process = server;
  }

  /** @param dir for the bundle and the data; its caller's */
  static async start(dir: string): Promise<ObservedServer> {
    const bundleDir = await buildAlteredBundle(join(dir, "bundle"), {
      entry: "test/workerd/observed-worker.ts",
    });
    return new ObservedServer(await startServer({ persistTo: join(dir, "data"), bundleDir }));
  }

  get url(): string {
    return this.process.url;
  }

  kill(): Promise<void> {
    return this.process.kill();
  }

  /** How often a fragment's object was constructed in this process. Wakes it not. */
  async constructions(id: string): Promise<number> {
    const response = await fetch(`${this.url}/test/constructions/${id}`);
    return Number(await response.text());
  }

  /** The next commit of this fragment fails, and with it the room. */
  async failNextCommit(id: string): Promise<void> {
    const response = await fetch(`${this.url}/test/fail-commits/${id}`);
    if (response.status !== 204) throw new Error(`${response.status} ${await response.text()}`);
  }
}
