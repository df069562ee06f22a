import { SESSION_ROTATION_MS } from "../../../protocol/limits.ts";

/** What the cookie of a browser session says. */
export interface SessionCookie {
  readonly secret: string;
  /** When the browser got the secret, in whole seconds. Nothing but the attempt to renew it depends on this. */
  readonly issuedAtMs: number;
}

/** A change of the cookie that goes out with an answer. */
export type CookieChange =
  | { readonly kind: "clear" }
  | { readonly kind: "write"; readonly cookie: SessionCookie; readonly expiresAtMs: number };

/** As `SECRET.TIME`, with the seconds since 1970 to the base of 36. */
export function encodeSessionCookie({ secret, issuedAtMs }: SessionCookie): string {
  return `${secret}.${Math.floor(issuedAtMs / 1_000).toString(36)}`;
}

/** A time that is missing or no number is long ago. */
export function decodeSessionCookie(value: string): SessionCookie {
  const [secret = "", time = ""] = value.split(".");
  return { secret, issuedAtMs: Number.parseInt(time, 36) * 1_000 || 0 };
}

/** Whether the secret is old enough to be renewed, as far as the cookie says. */
export function isRenewable({ issuedAtMs }: SessionCookie, nowMs: number): boolean {
  return nowMs - issuedAtMs >= SESSION_ROTATION_MS;
}
