import { CheckFailure } from "./expect.ts";

/** Thrown out of every wait when the person at the terminal stops the run. */
export class Interrupted extends Error {}

/**
 * The time that one check has, all its waits together. A server that does not answer is then a failed check which
 * says what was awaited.
 */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #over = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #interrupt: AbortSignal | null;
  readonly #stop = () => this.#over.abort(new Interrupted("the run was interrupted"));

  /** @param interrupt ends all waits at once; null where they shall go on, as when cleaning up */
  constructor(timeoutMs: number, interrupt: AbortSignal | null) {
    this.#timeoutMs = timeoutMs;
    this.#interrupt = interrupt;
    this.#timer = setTimeout(() => this.#over.abort(), timeoutMs);
    if (interrupt?.aborted === true) this.#stop();
    else interrupt?.addEventListener("abort", this.#stop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * The same promise, rejected when the deadline comes first.
   *
   * @param describe who waits for what, as in "Bob waited for an update"; asked when it is too late
   */
  wait<T>(event: Promise<T>, describe: () => string): Promise<T> {
    return new Promise((settle, fail) => {
      const late = () => fail(this.reason(describe()));
      if (this.signal.aborted) {
        event.catch(() => undefined); // whatever becomes of it, it comes too late
        late();
        return;
      }
      this.signal.addEventListener("abort", late, { once: true });
      event.then(settle, fail).finally(() => this.signal.removeEventListener("abort", late));
    });
  }

  /**
   * Settles when `isSo` holds, now or after a change.
   *
   * @param watch has its argument called after each change, and returns what ends that
   */
  async until(
    isSo: () => boolean,
    watch: (look: () => void) => () => void,
    describe: () => string,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (isSo()) resolve();
    };
    const unwatch = watch(look);
    look();
    try {
      await this.wait(promise, describe);
    } finally {
      unwatch();
    }
  }

  /** The error for what was given up because the deadline came. */
  reason(waiting: string): Error {
    const { reason } = this.signal;
    if (reason instanceof Interrupted) return reason;
    return new CheckFailure(`no answer in ${this.#timeoutMs / 1000} s: ${waiting}`);
  }

  /** Ends it early: what still waits is given up, and no timer stays. */
  end(): void {
    clearTimeout(this.#timer);
    this.#interrupt?.removeEventListener("abort", this.#stop);
    this.#over.abort();
  }
}
