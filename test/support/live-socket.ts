/** What clients of both protocols need of a real socket. */
import { setTimeout as delay } from "node:timers/promises";
import type WebSocket from "ws";

export interface ClosedSocket {
  readonly code: number;
  readonly reason: string;
}

/** Settles once, and never rejects: a failed connection is a close without a code (1006). */
export function closedBy(socket: WebSocket): Promise<ClosedSocket> {
  return new Promise((settle) => {
    socket.once("close", (code, reason) => settle({ code, reason: String(reason) }));
    // ws throws an error nobody listens to; its close follows.
    socket.on("error", () => undefined);
  });
}

/** The same promise, rejected when it takes longer. */
export async function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: settled.signal }).then(() => {
    throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    settled.abort();
    late.catch(() => undefined); // aborted, or told by the race already
  }
}

/** The WebSocket address of a path on a server whose `url` is http. */
export function socketUrl(serverUrl: string, path: string): string {
  return `${serverUrl.replace(/^http/, "ws")}${path}`;
}
