import type { Peer, SessionRecord } from "../../src/core/room/session.ts";

type Frame = string | Uint8Array;

/**
 * One connection, with frames on their way in both directions until the schedule of the test delivers them. It outlives
 * the room's hibernation, as a hibernatable WebSocket does, and so does the record that the room left with it.
 */
export class SimulatedWire implements Peer {
  readonly toClient: Frame[] = [];
  readonly toServer: Frame[] = [];
  #record: SessionRecord | null = null;
  #closed: { readonly code: number; readonly reason: string } | null = null;

  /** How the server ended it. */
  get closed(): { readonly code: number; readonly reason: string } | null {
    return this.#closed;
  }

  send(frame: Frame): void {
    if (this.#closed !== null) throw new Error("The room writes to a socket that it has closed.");
    this.toClient.push(typeof frame === "string" ? frame : frame.slice());
  }

  close(code: number, reason: string): void {
    this.#closed = { code, reason };
  }

  /** As a socket's attachment: a copy, from which later changes are not known. */
  remember(record: SessionRecord): void {
    this.#record = structuredClone(record);
  }

  /** What a room that has slept knows of the session. */
  recall(): SessionRecord {
    if (this.#record === null) throw new Error("The room has left no record with this connection.");
    return structuredClone(this.#record);
  }
}
