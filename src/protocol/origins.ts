import { splitCommaList } from "./comma-list.ts";
import { hostnameOf, isLoopbackHost } from "./hosts.ts";

/** A scheme, a host and perhaps a port: the form in which browsers send the origin of a page. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#,@*]+$/;

/**
 * The origins in a list with commas between them, as browsers write them in the `Origin` header: in small letters and
 * without a slash at the end. The fault is what is wrong with the list. `null` is no origin of a page that could be
 * trusted: every page can send it.
 */
export function parseOrigins(list: string): {
  readonly origins: readonly string[];
  readonly fault: string | null;
} {
  const origins = splitCommaList(list).map((one) => one.toLowerCase().replace(/\/$/, ""));
  const wrong = origins.find((one) => !ORIGIN.test(one));
  if (wrong === undefined) return { origins, fault: null };
  return { origins: [], fault: `${wrong}: must be origins such as https://prompts.example.com.` };
}

/** Whether the page was loaded from this machine. */
export function isLoopbackOrigin(origin: string): boolean {
  const [, host] = /^https?:\/\/([^/]+)$/.exec(origin) ?? [];
  const hostname = host === undefined ? null : hostnameOf(host);
  return hostname !== null && isLoopbackHost(hostname);
}
