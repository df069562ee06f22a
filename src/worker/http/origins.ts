import type { Context, Next } from "hono";
import { cors } from "hono/cors";
import { CLOSE } from "../../protocol/close-codes.ts";
import { parseOrigins } from "../../protocol/origins.ts";
import { refuseUpgrade } from "../sockets/refusal.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";
import { isUpgrade } from "./upgrade.ts";

/** Decides which web pages may call the server. Programs send no `Origin`, so they are let through. */

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
 * Refuses requests of pages from other origins, if the server is told which origins may call it. CORS alone is not enough:
 * it hides the answers, but a browser opens sockets and sends simple POSTs for any page, with the cookie or password that
 * a proxy in front of this server asked for.
 */
export async function refuseForeignOrigins(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  const origin = c.req.header("Origin");
  const allowed = allowedOrigins(c);
  const isAllowed =
    origin === undefined ||
    allowed === null ||
    allowed.includes(origin) ||
    origin === publicUrl(c.req.raw).origin;
  if (!isAllowed) {
    const reason = "Pages of this origin may not call the server (ALLOWED_ORIGINS).";
    return isUpgrade(c)
      ? refuseUpgrade(c.req.raw, { code: CLOSE.forbidden, reason })
      : problem(c, "forbidden", reason);
  }
  await next();
  return undefined;
}

const SHARED = {
  allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: ["ETag", "Location", "Retry-After", "X-Prompt-Warnings"],
};
const withAll = cors({ ...SHARED, origin: "*" });
/** Every origin that gets this far is allowed: the others were refused above. */
const withAllowed = cors({ ...SHARED, origin: (origin) => origin });

/** Lets pages read the answers (CORS). An upgrade passes unchanged, because the headers of a 101 cannot be changed. */
export async function shareAnswers(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  if (isUpgrade(c)) {
    await next();
    return undefined;
  }
  const share = allowedOrigins(c) === null ? withAll : withAllowed;
  return (await share(c, next)) ?? undefined;
}

/** Null if all origins may call. */
function allowedOrigins(c: Context<AppEnv>): readonly string[] | null {
  const setting: string = c.env.ALLOWED_ORIGINS ?? ""; // a deployment may leave it out
  const origins = parseOrigins(setting);
  return origins.length === 0 ? null : origins;
}
