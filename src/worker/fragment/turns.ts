import type { Outbox } from "../../core/feed/outbox.ts";
import type { Room } from "../../core/room/room.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { closeSocket } from "../sockets/socket-peer.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { earlier, Timer } from "./timer.ts";

/** When deliveries of a room that is never at rest are confirmed, or made if the process did not live to. */
const CONFIRMATION_MS = 8_000;

export interface TurnPorts {
  readonly ctx: DurableObjectState;
  readonly room: Room;
  readonly outbox: Outbox;
  /** The room is undefined from now on; its sockets are being closed. */
  failed(error: unknown): void;
}

/**
 * The turns of a fragment's object: each event happens in one, with all that becomes due by it, and then the timer and the
 * alarm are set for what is left. All writes of a turn are one transaction.
 */
export class Turns {
  readonly #ports: TurnPorts;
  readonly #timer = new Timer((atMs) => this.run(() => undefined, atMs));
  #alarms: AlarmTable<"presence">;
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
        else kind satisfies never;
      }
      outbox.confirm(true, nowMs);
    });
  }

  /** The storage was emptied, and the alarms in it. */
  forgetAlarms(): void {
    this.#alarms = new AlarmTable(this.#ports.ctx.storage);
  }

  #arm(nowMs: number): void {
    const { room, outbox } = this.#ports;
    this.#timer.set(earlier(room.dueAt(nowMs), outbox.dueAt(nowMs)), nowMs);
    const { presenceExpiryAtMs } = room;
    const { rowsWritten } = this.#alarms;
    if (presenceExpiryAtMs !== null) this.#alarms.ensure("presence", presenceExpiryAtMs);
    // In the same transaction as the commit: a killed process delivers when the alarm wakes it.
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
