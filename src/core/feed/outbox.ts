import type { FeedSource } from "./feed-source.ts";
import type { Receiver } from "./receiver.ts";

/** The pause after a failed delivery; doubled with each that follows. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** A message on its way. The sender reports once how that ended. */
export interface Delivery {
  /** @param rowsWritten what the message cost at the receiver */
  arrived(rowsWritten: number, nowMs: number): void;
  failed(nowMs: number): void;
}

export type Send<Message> = (message: Message, delivery: Delivery) => void;

/**
 * Tells a fragment's news to its receivers, each at its own pace. One message at a time is on its way to a receiver. A
 * receiver that fails is left alone for a while, and delays no other. Rows that a message costs at its receiver are paid
 * from the fragment's own budget. Pure, like the room.
 */
export class Outbox {
  readonly #budget: Pick<FeedSource, "spend">;
  readonly #channels: Pick<Channel<unknown>, "isUnconfirmed" | "confirm" | "dueAt" | "run">[] = [];

  constructor(budget: Pick<FeedSource, "spend">) {
    this.#budget = budget;
  }

  add<Message>(receiver: Receiver<Message>, send: Send<Message>): void {
    this.#channels.push(new Channel(receiver, send, this.#budget));
  }

  /** Pays for rows that a receiver wrote for the fragment, but not because of a message. */
  spend(rows: number, nowMs: number): void {
    this.#budget.spend(rows, nowMs);
  }

  /** Some receiver is not known to have the last revision: an alarm must be set. */
  get isUnconfirmed(): boolean {
    return this.#channels.some((channel) => channel.isUnconfirmed);
  }

  /** @param hasRung the alarm has rung for what is unconfirmed */
  confirm(hasRung: boolean, nowMs: number): void {
    for (const channel of this.#channels) channel.confirm(hasRung, nowMs);
  }

  /** When to call `run`; null while nothing is due, so that the object can hibernate. */
  dueAt(nowMs: number): number | null {
    const due = Math.min(...this.#channels.map((channel) => channel.dueAt(nowMs)));
    return due === Number.POSITIVE_INFINITY ? null : due;
  }

  /** Sends what is due. */
  run(nowMs: number): void {
    for (const channel of this.#channels) channel.run(nowMs);
  }
}

/** The way to one receiver. */
class Channel<Message> {
  readonly #receiver: Receiver<Message>;
  readonly #send: Send<Message>;
  readonly #budget: Pick<FeedSource, "spend">;
  #isBusy = false;
  #failures = 0;
  #retryMs = Number.NEGATIVE_INFINITY;

  constructor(receiver: Receiver<Message>, send: Send<Message>, budget: Pick<FeedSource, "spend">) {
    this.#receiver = receiver;
    this.#send = send;
    this.#budget = budget;
  }

  get isUnconfirmed(): boolean {
    return this.#receiver.isUnconfirmed;
  }

  confirm(hasRung: boolean, nowMs: number): void {
    this.#receiver.confirm(hasRung, nowMs);
  }

  dueAt(nowMs: number): number {
    return this.#isBusy ? Number.POSITIVE_INFINITY : Math.max(this.#receiver.dueAt(nowMs), this.#retryMs);
  }

  run(nowMs: number): void {
    if (this.dueAt(nowMs) > nowMs) return;
    const message = this.#receiver.next(nowMs);
    if (message === null) return;
    this.#isBusy = true;
    this.#send(message, {
      arrived: (rowsWritten, atMs) => this.#arrived(message, rowsWritten, atMs),
      failed: (atMs) => this.#failed(message, atMs),
    });
  }

  #arrived(message: Message, rowsWritten: number, nowMs: number): void {
    this.#isBusy = false;
    this.#failures = 0;
    this.#budget.spend(rowsWritten, nowMs);
    this.#receiver.arrived(message, rowsWritten, nowMs);
  }

  #failed(message: Message, nowMs: number): void {
    this.#isBusy = false;
    this.#retryMs = nowMs + Math.min(RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS);
    this.#failures++;
    this.#receiver.failed(message);
  }
}
