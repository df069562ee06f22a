import * as decoding from "lib0/decoding";
import type WebSocket from "ws";
import * as Y from "yjs";
import { SUBPROTOCOL } from "../../src/protocol/yjs-frames.ts";
import { makeSocket, opened } from "../support/live-socket.ts";
import { quantile } from "./server-figures.ts";
import { encodePush } from "./sync-socket.ts";

/**
 * One more writer, who pushes single characters: how long a `push` waits for its `saved`, in milliseconds. It
 * decodes nothing else, so that its figures are not about its own work.
 */
export class Acknowledgements {
  readonly #socket: WebSocket;
  readonly #latencies: number[] = [];
  readonly #pushedAt: number[] = [];
  #saved = -1;
  #timer: NodeJS.Timeout | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const nowMs = performance.now();
      const decoder = decoding.createDecoder(new Uint8Array(data as ArrayBuffer)); // makeSocket asks for it
      if (decoding.readVarUint(decoder) === 101) this.#take(decoding.readVarUint(decoder), nowMs);
    });
  }

  /** @param rate pushes a second */
  static async start(url: string, id: string, rate: number): Promise<Acknowledgements> {
    const socket = makeSocket(url, `/v1/sync/${id}?create=1`, [SUBPROTOCOL]);
    const started = new Acknowledgements(socket);
    await opened(socket);
    const doc = new Y.Doc();
    doc.on("update", (update: Uint8Array) => {
      socket.send(encodePush(started.#pushedAt.length, update));
      started.#pushedAt.push(performance.now());
    });
    started.#timer = setInterval(() => doc.getText("content").insert(0, "a"), 1_000 / rate);
    return started;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#socket.terminate();
  }

  quantile(share: number): number {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return quantile(sorted, share);
  }

  #take(seq: number, nowMs: number): void {
    for (let one = this.#saved + 1; one <= seq; one++)
      this.#latencies.push(nowMs - (this.#pushedAt[one] ?? nowMs));
    this.#saved = seq;
  }
}
