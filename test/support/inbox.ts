import type { Closed } from "./client-socket.ts";
import { HANG_LIMIT_MS } from "./hang-limit.ts";

interface Waiter<F> {
  readonly fits: (frame: F) => boolean;
  readonly resolve: (frame: F) => void;
}

/**
 * The frames that one client received, in order. `next` hands out each frame at most once, so a wait never ends
 * with a frame that an earlier wait has seen; what nobody has asked for stays in `unread`.
 */
export class Inbox<F> {
  readonly #name: string;
  readonly #all: F[] = [];
  #unread: F[] = [];
  #waiters: Waiter<F>[] = [];
  readonly #closed = Promise.withResolvers<Closed>();
  #end: Closed | null = null;

  /** @param name says in a failure whose inbox it is */
  constructor(name: string) {
    this.#name = name;
  }

  /** Everything that ever came. */
  get all(): readonly F[] {
    return this.#all;
  }

  /** What no `next` has handed out. */
  get unread(): readonly F[] {
    return this.#unread;
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  receive(frame: F): void {
    this.#all.push(frame);
    const at = this.#waiters.findIndex(({ fits }) => fits(frame));
    const [waiter] = at === -1 ? [] : this.#waiters.splice(at, 1);
    if (waiter === undefined) this.#unread.push(frame);
    else waiter.resolve(frame);
  }

  close({ code, reason }: Closed): void {
    this.#end = { code, reason };
    this.#closed.resolve(this.#end);
  }

  /** The first unread frame that fits, or the first that comes. Rejects with all that came instead. */
  next(what: string, fits: (frame: F) => boolean): Promise<F> {
    const at = this.#unread.findIndex(fits);
    const [frame] = at === -1 ? [] : this.#unread.splice(at, 1);
    if (frame !== undefined) return Promise.resolve(frame);
    return this.#within(what, new Promise((resolve) => this.#waiters.push({ fits, resolve })));
  }

  /** How the connection ended. */
  closed(): Promise<Closed> {
    return this.#within("the close", this.#closed.promise);
  }

  /** Forgets the unread frames. */
  drain(): void {
    this.#unread = [];
  }

  async #within<T>(what: string, event: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(this.#describe(what))), HANG_LIMIT_MS);
    });
    try {
      return await Promise.race([event, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  #describe(what: string): string {
    const frames = this.#all.map((frame) => `  ${JSON.stringify(frame)?.slice(0, 500)}`);
    const end = this.#end === null ? "still open" : `closed with ${this.#end.code} ${this.#end.reason}`;
    return `${this.#name} waited in vain for ${what}; it is ${end} and received:\n${frames.join("\n")}`;
  }
}
