import type { Write } from "../fragment/write.ts";

/** The writes that wait for a round to take them, and the callers that wait until what came before them is durable. */
export class WriteQueue {
  readonly #writes: Write[] = [];
  /** The number of writes that have come in so far, and of those that a round has taken. */
  #pushed = 0;
  #taken = 0;
  /** Each waits until `#taken` has reached its `pushed`. Sorted by that. */
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

  /** Calls back at the first `tellDurable` after a round has taken all writes that are here now. */
  whenDurable(callback: () => void): void {
    this.#callbacks.push({ pushed: this.#pushed, callback });
  }

  /** Everything that a round has taken is durable, and so is everything else that came in before it. */
  tellDurable(): void {
    while ((this.#callbacks[0]?.pushed ?? Number.POSITIVE_INFINITY) <= this.#taken)
      this.#callbacks.shift()?.callback();
  }
}
