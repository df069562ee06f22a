/**
 * Group commit: calls that arrive at nearly the same time write in one turn, which is one transaction and one wait for
 * the disk. The turn runs when the process has nothing else to do, so a busier process has larger turns.
 */
export class SharedTurn {
  #waiting: (() => void)[] = [];

  /** Calls `write` in the next turn, and settles with its result. */
  run<T>(write: () => T): Promise<T> {
    const done = Promise.withResolvers<T>();
    this.#waiting.push(() => {
      try {
        done.resolve(write());
      } catch (error) {
        done.reject(error);
      }
    });
    if (this.#waiting.length === 1) setTimeout(() => this.#runAll(), 0);
    return done.promise;
  }

  #runAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const write of waiting) write();
  }
}
