import { type Refusal, refusal } from "../../../protocol/errors.ts";
import { isUpgrade } from "../../http/is-upgrade.ts";
import { isNavigation, isOwnOrigin } from "../../http/origins.ts";

/**
 * Checks requests whose credential was added by the browser or by a proxy, and not by the page that sends the request:
 * the session cookie and the header of an identity provider. Such a request proves who the person is, but not that the
 * person wanted it. So its page must be one of this server. Pages of `ALLOWED_ORIGINS` send tokens instead.
 *
 * `SameSite=Lax` alone is not enough: other ports and subdomains are the same site, and sockets need no CORS.
 */

/** How a request was authenticated: by the session cookie, or by a header that a proxy has added. */
export type AmbientCredential = "cookie" | "header";

/** What the browser says about the page that sends the request. */
type Sender =
  /** A page of this server. */
  | "own"
  /** The page of another origin, or one without an origin. */
  | "foreign"
  /** The person: an address that was typed, or a link that was followed. It can only read. */
  | "person"
  /** Nothing is said, as by programs. */
  | "unknown";

/** Why the credential does not count for this request; null if it counts. */
export function ambientFault(request: Request, credential: AmbientCredential): Refusal | null {
  const sender = senderOf(request);
  if (!isAllowed(sender, isPlainRead(request), credential)) {
    const what = credential === "cookie" ? "the session cookie" : "the header of an identity provider";
    return refusal("forbidden", `A request with ${what} must come from a page of this server.`);
  }
  return isPlainRead(request) ? null : typeFault(request);
}

/** Whether the request comes from a page of this server, and not from elsewhere or nowhere. */
export function isFromOwnPage(request: Request): boolean {
  return senderOf(request) === "own";
}

function isAllowed(sender: Sender, isRead: boolean, credential: AmbientCredential): boolean {
  switch (sender) {
    case "own":
      return true;
    case "foreign":
      return false;
    case "person":
      return isRead;
    case "unknown":
      // All browsers name the origin of a write. Programs have no cookie, but they may come through the proxy.
      return isRead || credential === "header";
  }
}

function senderOf(request: Request): Sender {
  const origin = request.headers.get("Origin");
  const site = request.headers.get("Sec-Fetch-Site");
  if (origin !== null) return isOwnOrigin(request, origin) ? "own" : "foreign";
  switch (site) {
    case null:
      return "unknown";
    case "same-origin":
      return "own";
    case "none":
      return "person";
    default:
      return isNavigation(request) ? "person" : "foreign";
  }
}

/** A request that changes nothing and opens nothing. */
function isPlainRead(request: Request): boolean {
  return (request.method === "GET" || request.method === "HEAD") && !isUpgrade(request);
}

/** A form can send its fields as text, but no form can send JSON. */
function typeFault(request: Request): Refusal | null {
  if (request.body === null) return null;
  const type = request.headers.get("Content-Type") ?? "";
  if (/^application\/(?:[\w.+-]+\+)?json[ \t]*(?:;|$)/i.test(type)) return null;
  return refusal(
    "unsupported_media_type",
    "Content-Type: must be `application/json` in a request of a page.",
  );
}
