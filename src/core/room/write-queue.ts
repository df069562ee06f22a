import type { Write } from "../fragment/write.ts";

/** The writes that wait for a round to take them, and the callers that wait until what came before them is durable. */
export class WriteQueue {
  readonly #writes: Write[] = [];
  /** The number of writes that came in, and of those that a round has taken. */
  #pushed = 0;
  #taken = 0;
  /** In the order of `pushed`, which is how many writes each of them waits for. */
  readonly #callbacks: { readonly pushed: number; readonly callback: () => void }[] = [];

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  /** Oldest first. */
  get waiting(): readonly Write[] {
    return this.#writes;
  }

  push(write: Write): void {
    this.#writes.push(write);
    this.#pushed++;
  }

  /** A round has taken the oldest ones. */
  take(count: number): void {
    this.#writes.splice(0, count);
    this.#taken += count;
  }

  /** Calls back at the first `tellDurable` after all writes that are here now were taken. */
  whenDurable(callback: () => void): void {
    this.#callbacks.push({ pushed: this.#pushed, callback });
  }

  /** Everything that was taken is durable, and so is everything else that came in before. */
  tellDurable(): void {
    while ((this.#callbacks[0]?.pushed ?? Number.POSITIVE_INFINITY) <= this.#taken)
      this.#callbacks.shift()?.callback();
  }
}
