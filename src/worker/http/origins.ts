import type { Context, Next } from "hono";
import { cors } from "hono/cors";
import { CLOSE } from "../../protocol/close-codes.ts";
import { isLoopbackOrigin } from "../../protocol/origins.ts";
import { accessSettings } from "../access/settings.ts";
import { refuseUpgrade } from "../sockets/refusal.ts";
import type { AppEnv } from "./app-env.ts";
import { isUpgrade } from "./is-upgrade.ts";
import { problem } from "./problem.ts";

/** Decides which web pages may call the server. Programs send neither `Origin` nor `Sec-Fetch-Site`. */

/**
 * The request's address as the client wrote it. A proxy that speaks TLS says so in `X-Forwarded-Proto`; that header can
 * claim no more than the host's own pages may do anyway.
 */
export function publicUrl(request: Request): URL {
  const url = new URL(request.url);
  const scheme = request.headers.get("X-Forwarded-Proto")?.split(",")[0]?.trim();
  if (scheme === "https" || scheme === "http") url.protocol = scheme;
  return url;
}

/**
 * Refuses requests of pages from other origins, unless they are named. CORS alone is not enough: it hides the answers, but
 * a browser opens sockets and sends simple POSTs for any page, with what it knows of the user and from where the user is.
 */
export async function refuseForeignOrigins(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  if (!isWelcome(c)) {
    const reason = "Pages of this origin may not call the server (ALLOWED_ORIGINS).";
    if (!isUpgrade(c.req.raw)) return problem(c, "forbidden", reason);
    return refuseUpgrade(c.req.raw, { code: CLOSE.forbidden, reason });
  }
  await next();
  return undefined;
}

function isWelcome(c: Context<AppEnv>): boolean {
  const origin = c.req.header("Origin");
  return origin === undefined ? !isForeignResource(c) : mayCall(c, origin);
}

function mayCall(c: Context<AppEnv>, origin: string): boolean {
  if (isOwnOrigin(c.req.raw, origin)) return true;
  const settings = accessSettings(c.env);
  if (!settings.ok) return false;
  const { openness, allowedOrigins } = settings.value;
  return allowedOrigins.includes(origin) || (openness === "loopback" && isLoopbackOrigin(origin));
}

/**
 * Whether the origin is the server's own. Behind a proxy that hides the scheme, the browser's word for it counts, where it
 * sends one (to https and loopback): no page can write `Sec-Fetch-Site`.
 */
export function isOwnOrigin(request: Request, origin: string): boolean {
  const own = publicUrl(request);
  const site = request.headers.get("Sec-Fetch-Site");
  if (origin === own.origin) return site === null || site === "same-origin" || site === "none";
  return site === "same-origin" && URL.parse(origin)?.host === own.host;
}

/**
 * Whether a page of another origin loads this as a picture, a script, a frame or the like. Browsers send no `Origin` with
 * those, and the page learns from them what is there. A link that a person follows is welcome. Other ports of a loopback
 * host are the same site, and may call.
 */
function isForeignResource(c: Context<AppEnv>): boolean {
  const site = c.req.header("Sec-Fetch-Site");
  if (site === undefined || site === "same-origin" || site === "none") return false;
  const settings = accessSettings(c.env);
  if (site === "same-site" && settings.ok && settings.value.openness === "loopback") return false;
  return !(isNavigation(c.req.raw) && (c.req.method === "GET" || c.req.method === "HEAD"));
}

/** Whether a person followed a link in the whole window, not in a frame. */
export function isNavigation({ headers }: Request): boolean {
  return headers.get("Sec-Fetch-Mode") === "navigate" && headers.get("Sec-Fetch-Dest") === "document";
}

/** Every origin that gets this far is allowed: the others were refused above. */
const share = cors({
  origin: (origin) => origin,
  allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: ["ETag", "Location", "Retry-After", "X-Prompt-Warnings"],
});

/** Lets pages read the answers (CORS). An upgrade passes unchanged, because the headers of a 101 cannot be changed. */
export async function shareAnswers(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  if (isUpgrade(c.req.raw)) {
    await next();
    return undefined;
  }
  return (await share(c, next)) ?? undefined;
}
