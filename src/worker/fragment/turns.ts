import type { Outbox } from "../../core/feed/outbox.ts";
import type { Room } from "../../core/room/room.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { closeSocket } from "../sockets/socket-peer.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { earlier, Timer } from "./timer.ts";

/**
 * The alarm rings after this time. It confirms the deliveries of a room that is never at rest, and makes those that a
 * killed process could not.
 */
const CONFIRMATION_MS = 8_000;

export interface TurnPorts {
  readonly ctx: DurableObjectState;
  readonly room: Room;
  readonly outbox: Outbox;
  /** The room is undefined from now on; its sockets are being closed. */
  failed(error: unknown): void;
}

/**
 * The turns of a fragment's object. A turn handles one event and everything that is due by then, and sets the timer and
 * the alarm for the rest. All writes of a turn are one transaction.
 */
export class Turns {
  readonly #ports: TurnPorts;
  readonly #timer = new Timer((atMs) => this.run(() => undefined, atMs));
  #alarms: AlarmTable<"presence" | "access">;
  #hasFailed = false;

  constructor(ports: TurnPorts) {
    this.#ports = ports;
    this.#alarms = new AlarmTable(ports.ctx.storage);
  }

  /** @throws what the event throws: then the room has failed, and the object with it */
  run<T>(event: (nowMs: number) => T, notBeforeMs = 0): T {
    if (this.#hasFailed) throw new Error("the room failed before");
    const { room, outbox } = this.#ports;
    const nowMs = Math.max(Date.now(), notBeforeMs);
    try {
      const result = event(nowMs);
      room.run(nowMs);
      outbox.run(nowMs);
      outbox.confirm(false, nowMs);
      this.#arm(nowMs);
      return result;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** The turn of the object's alarm. */
  ring(): void {
    const { room, outbox } = this.#ports;
    this.run((nowMs) => {
      for (const kind of this.#alarms.rung(nowMs)) {
        if (kind === "presence") room.expirePresence(nowMs);
        else kind satisfies "access"; // each turn ends what has expired
      }
      outbox.confirm(true, nowMs);
    });
  }

  /** The storage was emptied, including its alarms. */
  forgetAlarms(): void {
    this.#alarms = new AlarmTable(this.#ports.ctx.storage);
  }

  #arm(nowMs: number): void {
    const { room, outbox } = this.#ports;
    this.#timer.set(earlier(room.dueAt(nowMs), outbox.dueAt(nowMs)), nowMs);
    const { presenceExpiryAtMs, accessDueAtMs } = room;
    const { rowsWritten } = this.#alarms;
    if (presenceExpiryAtMs !== null) this.#alarms.ensure("presence", presenceExpiryAtMs);
    if (accessDueAtMs !== null) this.#alarms.ensure("access", accessDueAtMs);
    // In the same transaction as the commit: if the process is killed, the alarm wakes the next one, which delivers.
    if (outbox.isUnconfirmed) this.#alarms.wake(nowMs + CONFIRMATION_MS);
    else this.#alarms.rest();
    room.spend(this.#alarms.rowsWritten - rowsWritten, nowMs);
  }

  /** The room is undefined now. The log is not: after the abort, the next event finds a new object that reads it. */
  #fail(error: unknown): void {
    const { ctx } = this.#ports;
    this.#ports.failed(error);
    this.#hasFailed = true;
    this.#timer.set(null, 0);
    const reason = "Internal error; reconnect";
    for (const socket of ctx.getWebSockets()) closeSocket(socket, CLOSE.serverError, reason);
    // Not in this turn: the abort would take the close frames with it (workerd, November 2026).
    setTimeout(() => ctx.abort("the room failed"), 0);
  }
}
