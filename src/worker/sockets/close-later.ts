import { MAX_HELD_SOCKETS, REFUSAL_PAUSE_MS } from "../../protocol/limits.ts";
import { closeSocket } from "./socket-peer.ts";

/** The sockets in this isolate that wait for their close, across all fragments. */
let held = 0;

/**
 * Closes the socket of a Yjs provider after a pause. After a close, every provider except y-websocket 3.1 reconnects at
 * once and for ever, whatever the code: 9 to 180 times a second (measured in November 2026). Their pause begins anew
 * with each socket that opens, so only an open socket slows them.
 *
 * @returns when it is closed; at once if too many are waiting already
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
