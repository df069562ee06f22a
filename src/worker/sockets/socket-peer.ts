import type { Peer, SessionRecord } from "../../core/room/session.ts";
import { closeReason } from "../../protocol/close-codes.ts";

/** Ends a socket with a code and a reason. */
export type CloseSocket = (socket: WebSocket, code: number, reason: string) => void;

/** The peer behind a hibernatable WebSocket; its attachment holds the session's record. */
export class SocketPeer implements Peer {
  readonly #socket: WebSocket;
  readonly #end: CloseSocket;

  constructor(socket: WebSocket, end: CloseSocket = closeSocket) {
    this.#socket = socket;
    this.#end = end;
  }

  send(frame: string | Uint8Array): void {
    try {
      this.#socket.send(frame);
    } catch {
      // The socket is closing: `webSocketClose` tells the room that the session left.
    }
  }

  close(code: number, reason: string): void {
    this.#socket.serializeAttachment(null); // so that no later object takes the session for a live one
    this.#end(this.#socket, code, reason);
  }

  remember(record: SessionRecord): void {
    this.#socket.serializeAttachment(record);
  }
}

/** Answers an upgrade. The subprotocol is one that the client offered. */
export function upgradeResponse(subprotocol: string | null, webSocket: WebSocket): Response {
  const headers: HeadersInit = subprotocol === null ? {} : { "Sec-WebSocket-Protocol": subprotocol };
  return new Response(null, { status: 101, webSocket, headers });
}

export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, closeReason(reason));
  } catch {
    // It is closed already, from the other side or by an earlier call, as wanted.
  }
}
