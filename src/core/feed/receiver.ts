/**
 * A receiver of a fragment's news, as the outbox sees it: what it has been told and what is due. Pure: time is an
 * argument, in milliseconds. The outbox sends one message at a time, so a receiver sees them end in order.
 */
export interface Receiver<Message> {
  /** When to call `next`; infinity while nothing is due. Not asked while a message is on its way. */
  dueAt(nowMs: number): number;
  /** The message that is due; null if there is none after all. */
  next(nowMs: number): Message | null;
  /** @param rowsWritten what the message cost at the receiver; the outbox pays for it */
  arrived(message: Message, rowsWritten: number, nowMs: number): void;
  /** The message may have arrived or not. `next` gives its news again. */
  failed(message: Message): void;
  /** Storage does not say that the receiver knows the last revision: an alarm must be set. */
  readonly isUnconfirmed: boolean;
  /**
   * Writes to storage what the receiver is known to have, if that is worth a row now.
   *
   * @param hasRung the alarm has rung for it
   */
  confirm(hasRung: boolean, nowMs: number): void;
}
