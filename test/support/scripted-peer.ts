import type { Peer, SessionRecord } from "../../src/core/room/session.ts";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";

/** A peer that keeps what the room sends it, in order, until the test takes it. */
export class ScriptedPeer implements Peer {
  #frames: (string | Uint8Array)[] = [];
  #closed: { readonly code: number; readonly reason: string } | null = null;
  #record: SessionRecord | null = null;

  /** How the room ended it; null while it is open. */
  get closed(): { readonly code: number; readonly reason: string } | null {
    return this.#closed;
  }

  /** The record as it would come back after hibernation. */
  get remembered(): SessionRecord | null {
    return structuredClone(this.#record);
  }

  get frameCount(): number {
    return this.#frames.length;
  }

  send(frame: string | Uint8Array): void {
    if (this.#closed !== null) throw new Error("The room writes to a peer that it has closed.");
    this.#frames.push(typeof frame === "string" ? frame : frame.slice());
  }

  close(code: number, reason: string): void {
    this.#closed = { code, reason };
  }

  remember(record: SessionRecord): void {
    this.#record = structuredClone(record);
  }

  /** The frames since the last call. */
  take(): (string | Uint8Array)[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  takeJson(): ServerFrame[] {
    return this.take().map(parseJson);
  }

  takeBinary(): Uint8Array[] {
    return this.take().map((frame) => {
      if (typeof frame === "string") throw new Error(`A text frame on a Yjs socket: ${frame}`);
      return frame;
    });
  }
}

export function parseJson(frame: string | Uint8Array): ServerFrame {
  if (typeof frame !== "string") throw new Error("A binary frame on a JSON socket.");
  return JSON.parse(frame) as ServerFrame; // our own encoder wrote it
}
