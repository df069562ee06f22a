import { CheckFailure } from "./expect.ts";

/** Thrown from every wait when the user stops the run. */
export class Interrupted extends Error {}

/**
 * The time limit of one check, shared by all its waits. If the server does not answer, the check fails and says what it
 * waited for.
 */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #over = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #interrupt: AbortSignal | null;
  readonly #stop = () => this.#over.abort(new Interrupted("the run was interrupted"));

  /** @param interrupt ends all waits at once; null to go on despite an interruption, as in a clean-up */
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
   * @param describe called when it is too late, for a text such as "Bob waited for an update"
   */
  wait<T>(event: Promise<T>, describe: () => string): Promise<T> {
    return new Promise((settle, fail) => {
      const late = () => fail(this.reason(describe()));
      if (this.signal.aborted) {
        event.catch(() => undefined); // its result comes too late to matter
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
   * @param watch subscribes its argument to changes, and returns the function that unsubscribes it
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

  /** The error of a wait that the deadline ended. */
  reason(waiting: string): Error {
    const { reason } = this.signal;
    if (reason instanceof Interrupted) return reason;
    return new CheckFailure(`no answer in ${this.#timeoutMs / 1000} s: ${waiting}`);
  }

  /** Ends the deadline early, with all its waits and its timer. */
  end(): void {
    clearTimeout(this.#timer);
    this.#interrupt?.removeEventListener("abort", this.#stop);
    this.#over.abort();
  }
}
