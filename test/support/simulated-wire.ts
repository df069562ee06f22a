import type { Peer } from "../../src/core/room/session.ts";

type Frame = string | Uint8Array;

/** One connection, with frames on their way in both directions until the schedule of the test delivers them. */
export class SimulatedWire implements Peer {
  readonly toClient: Frame[] = [];
  readonly toServer: Frame[] = [];
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

  remember(): void {
    // No simulated room hibernates.
  }
}
