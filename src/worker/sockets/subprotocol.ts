import { SUBPROTOCOL } from "../../protocol/yjs-frames.ts";
import { subprotocolBeforeCredential } from "../access/credentials.ts";

/** Whether a request offers the subprotocol of our own client. */
export function offersSubprotocol(request: Request): boolean {
  const offered = request.headers.get("Sec-WebSocket-Protocol")?.split(",") ?? [];
  return offered.some((name) => name.trim() === SUBPROTOCOL);
}

/**
 * The subprotocol to answer with; null for none. A browser gives up unless the answer agrees to one that it offered, even
 * if the answer is a refusal.
 */
export function agreedSubprotocol(request: Request): string | null {
  return offersSubprotocol(request) ? SUBPROTOCOL : subprotocolBeforeCredential(request);
}
