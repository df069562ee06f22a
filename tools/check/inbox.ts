import type { Deadline } from "./deadline.ts";
import { CheckFailure, show } from "./expect.ts";

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

interface Waiter<F> {
  readonly what: string;
  readonly fits: (frame: F) => boolean;
  readonly settle: (frame: F) => void;
  readonly fail: (error: Error) => void;
}

const MAX_SHOWN_FRAMES = 6;
const MAX_SHOWN_FRAME_UNITS = 120;

/**
 * The frames that one client received, in order. `next` hands out each frame once; the others stay in `unread`. When the
 * socket closes, every wait ends, since no more frames can come.
 */
export class Inbox<F> {
  readonly #name: string;
  readonly #deadline: Deadline;
  readonly #all: F[] = [];
  #unread: F[] = [];
  #waiters: Waiter<F>[] = [];
  readonly #closed = Promise.withResolvers<Closed>();
  #end: Closed | null = null;
  #fault: CheckFailure | null = null;

  /** @param name of the client, for the failures */
  constructor(name: string, deadline: Deadline) {
    this.#name = name;
    this.#deadline = deadline;
  }

  get all(): readonly F[] {
    return this.#all;
  }

  /** The frames that no `next` has handed out. */
  get unread(): readonly F[] {
    return this.#unread;
  }

  receive(frame: F): void {
    this.#all.push(frame);
    const at = this.#waiters.findIndex(({ fits }) => fits(frame));
    const [waiter] = at === -1 ? [] : this.#waiters.splice(at, 1);
    if (waiter === undefined) this.#unread.push(frame);
    else waiter.settle(frame);
  }

  /** Something arrived that is not a frame. Every wait from now on fails with this message. */
  refuse(what: string): void {
    this.#fault ??= new CheckFailure(`${this.#name} received ${what}`);
    for (const { fail } of this.#waiters.splice(0)) fail(this.#fault);
  }

  close({ code, reason }: Closed): void {
    this.#end = { code, reason };
    this.#closed.resolve(this.#end);
    for (const { what, fail } of this.#waiters.splice(0)) fail(new CheckFailure(this.#describe(what)));
  }

  /** The first unread frame that fits, or otherwise the first fitting frame that arrives. */
  next<G extends F>(what: string, fits: (frame: F) => frame is G): Promise<G>;
  next(what: string, fits: (frame: F) => boolean): Promise<F>;
  next(what: string, fits: (frame: F) => boolean): Promise<F> {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    const at = this.#unread.findIndex(fits);
    const [frame] = at === -1 ? [] : this.#unread.splice(at, 1);
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#end !== null) return Promise.reject(new CheckFailure(this.#describe(what)));
    const event = new Promise<F>((settle, fail) => this.#waiters.push({ what, fits, settle, fail }));
    return this.#deadline.wait(event, () => this.#describe(what));
  }

  /** How the connection ended. */
  closed(): Promise<Closed> {
    return this.#deadline.wait(this.#closed.promise, () => this.#describe("the close of its socket"));
  }

  #describe(what: string): string {
    const end =
      this.#end === null ? "" : `; its socket was closed with ${this.#end.code} ${show(this.#end.reason)}`;
    const shown = this.#all.slice(-MAX_SHOWN_FRAMES).map((frame) => show(frame, MAX_SHOWN_FRAME_UNITS));
    const more = this.#all.length > shown.length ? `${this.#all.length} frames, the last ` : "";
    const received = shown.length === 0 ? "received nothing" : `received ${more}${shown.join(" ")}`;
    return `${this.#name} waited for ${what}${end}; ${received}`;
  }
}
