import type { Context, Next } from "hono";
import { isAmbiguous } from "../../protocol/ambiguous-path.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { refuseUpgrade } from "../sockets/refusal.ts";
import type { AppEnv } from "./app-env.ts";
import { isUpgrade } from "./is-upgrade.ts";
import { problem } from "./problem.ts";

/**
 * The path of the request as it was sent, still percent-encoded: the only one that routes, middleware and ids are read
 * from. Hono would match the decoded path. Ids, however, are cut from the raw path after a prefix of known length, and an
 * escape in the prefix would move the cut. It does not throw, since it runs before the error handler. An address with a
 * malformed host has no path; the first middleware refuses it.
 */
export function pathOf(request: Request): string {
  return URL.parse(request.url)?.pathname ?? "/";
}

const REASON = "The path must not have a segment `.` or `..`, however it is written, nor a backslash.";

/**
 * Refuses a path that different readers take for different ones, before anything is decided by it. `URL` removes the
 * segments `.` and `..`, written as `%2e` too, and takes `\` for a slash. A proxy in front of this server may do less
 * of that, or more, and then guards another address than the one that is answered here.
 */
export async function refuseAmbiguousPaths(c: Context<AppEnv>, next: Next): Promise<Response | undefined> {
  if (!isAmbiguous(c.req.url)) {
    await next();
    return undefined;
  }
  if (isUpgrade(c.req.raw)) return refuseUpgrade(c.req.raw, { code: CLOSE.malformed, reason: REASON });
  return problem(c, "invalid_path", REASON);
}
