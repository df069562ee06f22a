import type { Context, Next } from "hono";
import { hostnameOf, isLocalName, isLoopbackHost } from "../../protocol/hosts.ts";
import { accessSettings } from "../access/settings.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/**
 * Refuses requests for a host name that is not this server's. The owner of any name can let it lead here while a page of
 * that name is open (DNS rebinding). For the browser, the server is then a part of that page's origin, so that neither
 * CORS nor `Origin` protect it, and only the `Host` header tells.
 *
 * A server that does nothing without a credential needs no such check: no page of that name has one. Nor does one that is
 * called over TLS, since it has no certificate for that name.
 */
export async function refuseForeignHosts(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  const names = namesOf(c.req.raw);
  if (names.includes(null)) return problem(c, "invalid_header", "Host: must be the name of a host.");
  const wrong = names.find((name) => name !== null && !mayBeCalled(c, name));
  if (wrong !== undefined)
    return problem(
      c,
      "forbidden",
      `This server is not called "${wrong}". If it is yours, name it in ALLOWED_HOSTS (--allowed-hosts ${wrong}).`,
    );
  await next();
  return undefined;
}

/**
 * The host in the address and the one in the header. They differ if a proxy has changed one of them, as that of
 * `wrangler dev` can.
 */
function namesOf(request: Request): (string | null)[] {
  const [, inAddress = ""] = /^[a-z]+:\/\/([^/]*)/i.exec(request.url) ?? [];
  return [inAddress, request.headers.get("Host") ?? inAddress].map(hostnameOf);
}

function mayBeCalled(c: Context<AppEnv>, hostname: string): boolean {
  const settings = accessSettings(c.env);
  if (!settings.ok) return true; // nothing is answered but /healthz
  const { openness, anonymous, allowedHosts } = settings.value;
  if (isLoopbackHost(hostname) || allowedHosts.includes(hostname)) return true;
  if (openness === "loopback") return false;
  if (allowedHosts.length > 0) return false;
  return anonymous === null || c.req.url.startsWith("https:") || isLocalName(hostname);
}
