/**
 * Group commit: what is to be written by calls that come at nearly the same time runs in one turn, which is one
 * transaction and one wait for the disk. The turn comes when the process has nothing else to do, so it is the larger
 * the busier that is.
 */
export class SharedTurn {
  #waiting: (() => void)[] = [];

  /** Resolves, or rejects, with what `write` has done when its turn came. */
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
