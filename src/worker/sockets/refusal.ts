import { waitUntil } from "cloudflare:workers";
import { CLOSE, type CloseCode } from "../../protocol/close-codes.ts";
import type { ErrorCode, Refusal } from "../../protocol/errors.ts";
import { encodeServerFrame } from "../../protocol/json-frames.ts";
import { encodeNotice } from "../../protocol/yjs-frames.ts";
import { closeLater } from "./close-later.ts";
import { type JoinRequest, YJS_PREFIX } from "./join-request.ts";
import { closeSocket, upgradeResponse } from "./socket-peer.ts";
import { agreedSubprotocol, offersSubprotocol } from "./subprotocol.ts";

/** Why a socket may not join its fragment. */
export interface JoinRefusal {
  readonly code: CloseCode;
  readonly reason: string;
  /**
   * The id and the time of a deletion, of which the client is also told in a frame; absent if the fragment was not
   * deleted.
   */
  readonly deleted?: { readonly id: string; readonly timestamp: string };
}

/** The refusal of a socket whose caller is refused for its key or token, or whose key or token cannot be checked. */
export function callerRefusal({ code, message }: Refusal): JoinRefusal {
  return { code: CALLER_CODES[code] ?? CLOSE.serverError, reason: message };
}

const CALLER_CODES: Partial<Record<ErrorCode, CloseCode>> = {
  unauthorised: CLOSE.unauthorised,
  expired: CLOSE.expired,
  forbidden: CLOSE.forbidden,
  rate_limited: CLOSE.rateLimited,
};

/**
 * The object's answer to a socket that it does not take. The worker refuses the socket, so that no object stays awake
 * for it.
 */
export function encodeJoinRefusal(refusal: JoinRefusal): Response {
  return Response.json(refusal, { status: 403 });
}

/** The refusal in an object's answer; null if the object has taken the socket. */
export async function decodeJoinRefusal(response: Response): Promise<JoinRefusal | null> {
  return response.status === 403 ? response.json<JoinRefusal>() : null; // encodeJoinRefusal wrote it
}

/**
 * Accepts a socket only to close it with a code that tells the client why: over HTTP a browser would see nothing. With plain
 * `accept`: a hibernatable socket that never got a message keeps its TCP connection open for ten seconds (workerd,
 * November 2026).
 *
 * Stock Yjs providers are closed after a pause (close-later.ts), all others at once.
 */
export function refuseJoin(
  { protocol, isOwnClient, subprotocol }: Pick<JoinRequest, "protocol" | "isOwnClient" | "subprotocol">,
  { code, reason, deleted }: JoinRefusal,
): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  if (protocol === "json") {
    if (deleted !== undefined) server.send(encodeServerFrame({ action: "deleted", ...deleted }));
    closeSocket(server, code, reason);
  } else if (isOwnClient) {
    if (deleted !== undefined) server.send(encodeNotice("deleted", reason));
    closeSocket(server, code, reason);
  } else waitUntil(closeLater(server, code, reason));
  return upgradeResponse(subprotocol, client);
}

/** The same for a socket whose address was not read yet. */
export function refuseUpgrade(request: Request, refusal: JoinRefusal): Response {
  const protocol = new URL(request.url).pathname.startsWith(YJS_PREFIX) ? "yjs" : "json";
  const isOwnClient = offersSubprotocol(request);
  return refuseJoin({ protocol, isOwnClient, subprotocol: agreedSubprotocol(request) }, refusal);
}
