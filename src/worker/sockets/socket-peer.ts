import type { Peer, SessionRecord } from "../../core/room/session.ts";
import { closeReason } from "../../protocol/close-codes.ts";
import { SUBPROTOCOL } from "../../protocol/yjs-frames.ts";

/** The peer behind a hibernatable WebSocket; its attachment holds the session's record. */
export class SocketPeer implements Peer {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
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
    closeSocket(this.#socket, code, reason);
  }

  remember(record: SessionRecord): void {
    this.#socket.serializeAttachment(record);
  }
}

/** Answers an upgrade. A client that offered our subprotocol gives up unless it is agreed to, refused or not. */
export function upgradeResponse(request: Request, webSocket: WebSocket): Response {
  const headers: HeadersInit = offersSubprotocol(request) ? { "Sec-WebSocket-Protocol": SUBPROTOCOL } : {};
  return new Response(null, { status: 101, webSocket, headers });
}

export function offersSubprotocol(request: Request): boolean {
  const offered = request.headers.get("Sec-WebSocket-Protocol")?.split(",") ?? [];
  return offered.some((name) => name.trim() === SUBPROTOCOL);
}

export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, closeReason(reason));
  } catch {
    // Closed already, from the other side or by an earlier call: what was wanted.
  }
}

/**
 * Accepts a socket only to close it with a code that tells the client why: over HTTP a browser would see nothing.
 * With plain `accept`: a hibernatable socket that never got a message keeps its TCP connection open for ten
 * seconds (workerd, November 2026).
 */
export function refuseSocket(request: Request, code: number, reason: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  closeSocket(server, code, reason);
  return upgradeResponse(request, client);
}
