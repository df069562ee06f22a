/**
 * A WebSocket for the whole run. When it breaks, it connects again, after pauses that double. Only a close code that is
 * final for Yjs providers (4400 to 4499) ends it.
 */
import { setTimeout as delay } from "node:timers/promises";
import WebSocket from "ws";

export interface SocketAddress {
  readonly url: string;
  readonly subprotocols: readonly string[];
  /** Of the request that opens it. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface LastingSocketEvents {
  /** A connection is open; no frame of it has arrived yet. */
  opened(): void;
  received(frame: Buffer): void;
  /** The connection broke, and will be made again. */
  dropped(): void;
  attemptFailed(): void;
  reopened(): void;
  /** The socket is closed for good, and we did not close it. */
  refused(reason: string): void;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 3_000;
const OPEN_TIMEOUT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 1_000;

export class LastingSocket {
  readonly #address: SocketAddress;
  readonly #events: LastingSocketEvents;
  readonly #ended = new AbortController();
  #socket: WebSocket | null = null;
  /** Attempts since the last frame of the server. */
  #failures = 0;

  constructor(address: SocketAddress, events: LastingSocketEvents) {
    this.#address = address;
    this.#events = events;
  }

  /** Makes the first connection. Throws if that fails, since there is no server to load then. */
  async open(): Promise<void> {
    const fault = await this.#connect();
    if (fault !== null) throw new Error(`${this.#address.url} was not opened: ${fault}`);
  }

  /** Sends nothing and returns false if there is no connection. */
  send(frame: Uint8Array): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(frame);
    return true;
  }

  /** Settles when the server has answered the close, and after a second at the latest. */
  async close(): Promise<void> {
    this.#ended.abort();
    const socket = this.#socket;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((settle) => socket.once("close", settle));
    socket.close(1000);
    await Promise.race([closed, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    socket.terminate();
  }

  /** Returns null when the socket is open, otherwise the error. */
  #connect(): Promise<string | null> {
    const { url, subprotocols, headers } = this.#address;
    const socket = new WebSocket(url, [...subprotocols], {
      headers,
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
        this.#events.received(data as Buffer); // the type of ws, unless `binaryType` is set
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
      // Spread, so that not all sockets reach a restarted server in the same instant.
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const fault = await this.#connect();
      if (fault === null) return this.#events.reopened();
      this.#events.attemptFailed();
    }
  }
}
