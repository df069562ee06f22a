/**
 * A WebSocket that is wanted for the whole run: when it is gone it is made anew, after pauses that double. Only a code
 * that is final for Yjs providers (4400 to 4499) ends it.
 */
import { setTimeout as delay } from "node:timers/promises";
import WebSocket from "ws";

export interface LastingSocketEvents {
  /** On each connection, before any frame of it. */
  opened(): void;
  received(frame: Buffer): void;
  /** The connection is gone and will be made anew. */
  dropped(): void;
  attemptFailed(): void;
  reopened(): void;
  /** It is over, against our will. */
  refused(reason: string): void;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 3_000;
const OPEN_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 1_000;

export class LastingSocket {
  readonly #url: string;
  readonly #subprotocols: readonly string[];
  readonly #events: LastingSocketEvents;
  readonly #ended = new AbortController();
  #socket: WebSocket | null = null;
  /** Attempts since the server last said something. */
  #failures = 0;

  constructor(url: string, subprotocols: readonly string[], events: LastingSocketEvents) {
    this.#url = url;
    this.#subprotocols = subprotocols;
    this.#events = events;
  }

  /** The first connection. Throws when it cannot be made: there is nothing to load then. */
  async open(): Promise<void> {
    const fault = await this.#connect();
    if (fault !== null) throw new Error(`${this.#url} was not opened: ${fault}`);
  }

  /** Returns whether there is a connection; without one nothing is sent. */
  send(frame: Uint8Array): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(frame);
    return true;
  }

  /** Settles when the server has answered the close, or has had a second for it. */
  async close(): Promise<void> {
    this.#ended.abort();
    const socket = this.#socket;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((settle) => socket.once("close", settle));
    socket.close(1000);
    await Promise.race([closed, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    socket.terminate();
  }

  /** Returns what went wrong; null when the socket is open. */
  #connect(): Promise<string | null> {
    const socket = new WebSocket(this.#url, [...this.#subprotocols], {
      perMessageDeflate: false,
      handshakeTimeout: OPEN_TIMEOUT_MS,
    });
    this.#socket = socket;
    return new Promise((settle) => {
      let fault: string | null = null;
      let isOpened = false;
      socket.on("error", (error) => {
        fault = error.message === "" ? String((error as NodeJS.ErrnoException).code) : error.message;
      });
      socket.on("open", () => {
        isOpened = true;
        this.#events.opened();
        settle(null);
      });
      socket.on("message", (data) => {
        this.#failures = 0;
        this.#events.received(data as Buffer); // ws gives Buffers unless told otherwise
      });
      socket.on("close", (code, reason) => {
        if (isOpened) this.#closed(code, String(reason));
        else settle(fault ?? `closed with ${code}`);
      });
    });
  }

  #closed(code: number, reason: string): void {
    if (this.#ended.signal.aborted) return;
    if (code >= 4400 && code <= 4499) {
      this.#ended.abort();
      this.#events.refused(`a socket was closed with ${code} ${reason}`.trimEnd());
      return;
    }
    this.#events.dropped();
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#ended;
    for (;;) {
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
      this.#failures++;
      // Some spread, so that a restarted server does not get everybody in one instant.
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const fault = await this.#connect();
      if (fault === null) return this.#events.reopened();
      this.#events.attemptFailed();
    }
  }
}
