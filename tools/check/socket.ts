import WebSocket from "ws";
import type { Deadline } from "./deadline.ts";
import { CheckFailure } from "./expect.ts";
import type { Inbox } from "./inbox.ts";
import type { SocketAddress } from "./server.ts";

/** A socket that begins to open. Attach its receiver in the same turn, or a frame may be missed. */
export function makeSocket({ url, headers }: SocketAddress, protocols: readonly string[]): WebSocket {
  return new WebSocket(url, [...protocols], { perMessageDeflate: false, headers });
}

/** Puts everything that arrives into an inbox: text as a string, binary as bytes, and the close. */
export function receiveInto(
  inbox: Pick<Inbox<unknown>, "close">,
  socket: WebSocket,
  receive: (data: string | Uint8Array) => void,
): void {
  socket.on("message", (data, isBinary) => {
    const bytes = data as Buffer; // the type of ws, unless `binaryType` is set
    receive(isBinary ? new Uint8Array(bytes) : bytes.toString("utf8"));
  });
  socket.on("close", (code, reason) => inbox.close({ code, reason: reason.toString("utf8") }));
}

/**
 * Settles when the socket is open.
 *
 * @param name of the client, for the failures
 * @throws a CheckFailure when the server does not open the socket: it must refuse by a close code
 */
export async function opened(socket: WebSocket, name: string, deadline: Deadline): Promise<void> {
  const { url } = socket;
  const event = new Promise<void>((settle, fail) => {
    socket.once("open", settle);
    // Never removed: ws throws an error that has no listener.
    socket.on("error", ({ message }) => fail(new CheckFailure(`${name} could not open ${url} (${message})`)));
  });
  try {
    await deadline.wait(event, () => `${name} waited for ${url} to open`);
  } catch (error) {
    socket.terminate();
    throw error;
  }
}
