import { ANONYMOUS, type Principal } from "../../protocol/access.ts";

/**
 * The names under which requests are remembered. A request belongs to its principal: nobody is answered with what another
 * one has done. Anonymous callers are told apart only by the names that their clients choose.
 *
 * The names of clients stay as they are, because earlier releases have stored them. All other names begin with a mark,
 * and so does a client's name that begins with it: no client can choose a name that is not its own.
 */
const MARK = "\u0001";

/** For REST requests without a principal. No socket has an empty client name. */
const ANONYMOUS_REST = "";

/** The name for the requests of one client of a socket. Without a `clientName`, it is the session's alone. */
export function socketClient(principal: Principal, clientName: string | null, session: string): string {
  if (!isAnonymous(principal))
    return owned([principal.id, clientName ?? "", clientName === null ? session : ""]);
  if (clientName === null) return owned([session]);
  return clientName.startsWith(MARK) ? MARK + clientName : clientName;
}

/** The name for the REST requests of a principal. */
export function restClient(principal: Principal): string {
  return isAnonymous(principal) ? ANONYMOUS_REST : owned([principal.id]);
}

function owned(parts: readonly string[]): string {
  return MARK + JSON.stringify(parts); // which begins with a bracket, so it is no marked name of a client
}

function isAnonymous({ id }: Principal): boolean {
  return id === ANONYMOUS.id || id.startsWith(`${ANONYMOUS.id}:`);
}
