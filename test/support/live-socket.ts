/** Real sockets to a running server, for the tests and the measurements from outside. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import WebSocket from "ws";
import { HANG_LIMIT_MS } from "./hang-limit.ts";

/** @param path with its leading slash; the server's `url` is http */
export function makeSocket(serverUrl: string, path: string, protocols: readonly string[] = []): WebSocket {
  const socket = new WebSocket(`${serverUrl.replace(/^http/, "ws")}${path}`, [...protocols], {
    perMessageDeflate: false,
  });
  socket.binaryType = "arraybuffer";
  // ws throws an error that nobody listens to; the close that follows says the same.
  socket.on("error", () => undefined);
  return socket;
}

/** Settles when the socket is open; rejects when it closes instead. */
export async function opened(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.OPEN) return;
  const failed = new AbortController();
  socket.once("close", (code) => failed.abort(new Error(`${socket.url} was not opened (${code})`)));
  await once(socket, "open", { signal: failed.signal });
}

/** Settles when the socket is closed, with the code. */
export function closed(socket: WebSocket): Promise<number> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve(1006);
  return new Promise((settle) => socket.once("close", settle));
}

/** The same promise, rejected with `what` it waited for if it hangs or takes longer than `timeoutMs`. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  timeoutMs: number = HANG_LIMIT_MS,
): Promise<T> {
  const settled = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: settled.signal }).then(
    () => {
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    },
    () => promise, // the timer was taken back: it settled
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    settled.abort();
  }
}
