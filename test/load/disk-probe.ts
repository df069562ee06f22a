import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const BLOCK = new Uint8Array(4_096);
const PAUSE_MS = 100;

/**
 * Measures how long writes wait for the machine's disk during another measurement: it writes one block and syncs it,
 * again and again, until `end` is called. The server that is measured is not to blame for such a wait.
 */
export class DiskProbe {
  readonly #path: string;
  readonly #longest: Promise<number>;
  #isOver = false;

  /** @param path of a new file on the disk that is measured */
  constructor(path: string) {
    this.#path = path;
    this.#longest = this.#probe();
  }

  /** @returns the longest wait in milliseconds */
  end(): Promise<number> {
    this.#isOver = true;
    return this.#longest;
  }

  async #probe(): Promise<number> {
    const file = await open(this.#path, "w");
    let longestMs = 0;
    try {
      while (!this.#isOver) {
        const startMs = performance.now();
        await file.write(BLOCK, 0, BLOCK.length, 0);
        await file.sync();
        longestMs = Math.max(longestMs, performance.now() - startMs);
        await delay(PAUSE_MS);
      }
    } finally {
      await file.close();
    }
    return longestMs;
  }
}
