import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import type { AppEnv } from "../../http/app-env.ts";
import { isOwnOrigin, publicUrl } from "../../http/origins.ts";
import { decodeSessionCookie, encodeSessionCookie, type SessionCookie } from "./session-cookie-value.ts";

/**
 * The cookie of a browser session. Pages cannot read it (`HttpOnly`), and pages of other sites cannot send a write with
 * it (`SameSite=Lax`; same-origin.ts covers what that leaves open).
 *
 * Over https its name begins with `__Host-`: browsers then take it from this host alone, with `Secure`, so that no
 * subdomain and nobody on a plain connection can plant another one. Over http the name holds the port, because browsers
 * send a cookie to all ports of a host, and several servers may run on one machine.
 */

const NAME = "prompt_session";
const ATTRIBUTES = { path: "/", httpOnly: true, sameSite: "Lax" } as const satisfies CookieOptions;

/** Null if there is none. */
export function readSessionCookie(c: Context<AppEnv>): SessionCookie | null {
  if (c.req.header("Cookie") === undefined) return null;
  const value = getCookie(c, NAME, "host") ?? (isSecure(c) ? undefined : getCookie(c, plainName(c)));
  return value === undefined ? null : decodeSessionCookie(value);
}

export function writeSessionCookie(c: Context<AppEnv>, cookie: SessionCookie, expiresAtMs: number): void {
  const value = encodeSessionCookie(cookie);
  const options = { ...ATTRIBUTES, maxAge: Math.ceil((expiresAtMs - cookie.issuedAtMs) / 1_000) };
  if (isSecure(c)) setCookie(c, NAME, value, { ...options, secure: true, prefix: "host" });
  else setCookie(c, plainName(c), value, options);
}

export function clearSessionCookie(c: Context<AppEnv>): void {
  if (isSecure(c)) deleteCookie(c, NAME, { ...ATTRIBUTES, secure: true, prefix: "host" });
  else deleteCookie(c, plainName(c), ATTRIBUTES);
}

/** Also true if only the browser knows of the TLS, behind a proxy that does not name the scheme. */
function isSecure(c: Context<AppEnv>): boolean {
  const isNamed = getCookie(c, NAME, "host") !== undefined; // browsers send it over https only
  return isNamed || publicUrl(c.req.raw).protocol === "https:" || isOwnSecureOrigin(c);
}

function isOwnSecureOrigin(c: Context<AppEnv>): boolean {
  const origin = c.req.header("Origin");
  return origin !== undefined && /^https:/.test(origin) && isOwnOrigin(c.req.raw, origin);
}

function plainName(c: Context<AppEnv>): string {
  const { port } = new URL(c.req.url);
  return port === "" ? NAME : `${NAME}_${port}`;
}
