import type { Access } from "../../src/protocol/access.ts";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import type { Connection, DelayedRoom } from "./delayed-room.ts";

/** An honest JSON editor on a connection that takes time. It shows a cursor, and inserts at the start of the text. */
export class LiveJsonEditor {
  isClosed = false;
  readonly #connection: Connection;
  #version = 0;
  #requests = 0;
  readonly #pending = new Map<string, string>();
  /** What was typed before the first text came. */
  #early: string[] = [];

  constructor(room: DelayedRoom, { delayMs, access }: { delayMs: () => number; access: Access }) {
    this.#connection = room.connect(
      { protocol: "json", delayMs, access },
      {
        hear: (frame) => this.#hear(JSON.parse(frame.toString()) as ServerFrame), // the room wrote it
        closed: () => {
          this.isClosed = true;
        },
      },
    );
    this.#connection.toServer({ action: "presence", state: { name: "JSON" } });
  }

  /** Texts that were typed and not confirmed. */
  get pending(): string[] {
    return [...this.#pending.values(), ...this.#early];
  }

  get clientId(): number {
    return this.#connection.session.record.clientId ?? -1;
  }

  type(text: string): void {
    if (this.#version === 0) {
      this.#early.push(text);
      return;
    }
    const requestId = `${++this.#requests}`;
    this.#pending.set(requestId, text);
    const changes = [{ from: 0, to: 0, insert: text }];
    this.#connection.toServer({
      action: "edit",
      base_version: this.#version,
      changes,
      request_id: requestId,
    });
  }

  #hear(frame: ServerFrame): void {
    if ("version" in frame && typeof frame.version === "number")
      this.#version = Math.max(this.#version, frame.version);
    if (frame.action === "error") throw new Error(`A JSON editor was refused: ${JSON.stringify(frame)}`);
    if (frame.action === "update_status" && frame.request_id !== undefined)
      this.#pending.delete(frame.request_id);
    if (frame.action !== "initial") return;
    const early = this.#early;
    this.#early = [];
    for (const text of early) this.type(text);
  }
}
