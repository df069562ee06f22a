import { MAX_HELD_SOCKETS, REFUSAL_PAUSE_MS } from "../../protocol/limits.ts";
import { closeSocket } from "./socket-peer.ts";

/** The sockets that wait for their close in this isolate, whatever fragments they are for. */
let held = 0;

/**
 * Closes the socket of a Yjs provider after a pause. All providers but y-websocket 3.1 connect again at once after a close,
 * whatever its code, and for ever: 9 to 180 times a second (measured in November 2026). Their pause begins anew with each
 * socket that opens, so only an open socket slows them.
 *
 * @returns when it is closed; at once where too many wait already
 */
export async function closeLater(socket: WebSocket, code: number, reason: string): Promise<void> {
  if (held < MAX_HELD_SOCKETS) {
    held++;
    await pause(socket);
    held--;
  }
  closeSocket(socket, code, reason);
}

/** Ends early if the client goes. */
function pause(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, REFUSAL_PAUSE_MS);
    socket.addEventListener("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
