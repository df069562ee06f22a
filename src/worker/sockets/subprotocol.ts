import { SUBPROTOCOL } from "../../protocol/yjs-frames.ts";
import { isUpgrade } from "../http/is-upgrade.ts";

/** The subprotocols that a socket offers; none for a request that is no upgrade. */
export function offeredSubprotocols(request: Request): string[] {
  const offered = isUpgrade(request) ? request.headers.get("Sec-WebSocket-Protocol") : null;
  return offered === null ? [] : offered.split(",").map((name) => name.trim());
}

/** Whether a request offers the subprotocol of our own client. */
export function offersSubprotocol(request: Request): boolean {
  return offeredSubprotocols(request).includes(SUBPROTOCOL);
}

/**
 * The subprotocol to answer with; null for none. A browser gives up unless the answer agrees to one that it offered, even
 * if the answer is a refusal.
 */
export function agreedSubprotocol(request: Request): string | null {
  return offersSubprotocol(request) ? SUBPROTOCOL : subprotocolBeforeCredential(request);
}

/** Null if the first one is no name but a key or token, which is never sent back. */
function subprotocolBeforeCredential(request: Request): string | null {
  const [name, ...credentials] = offeredSubprotocols(request);
  if (name === undefined || credentials.length === 0) return null;
  return /^[A-Za-z0-9][A-Za-z0-9.+-]{0,31}$/.test(name) && !/^pm_|^ey/i.test(name) ? name : null;
}
