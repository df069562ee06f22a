import type { Context } from "hono";
import type { Refusal } from "../../../protocol/errors.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { isUpgrade } from "../../http/is-upgrade.ts";
import { refuse } from "../../http/problem.ts";
import { callerRefusal, refuseUpgrade } from "../../sockets/refusal.ts";
import { noteRefusedJoin } from "../audit/audit-refusals.ts";
import { NOTHING_SHOWN } from "../credentials.ts";

/** Refuses a request, or a socket, for what its caller has shown, or has not, or for how often it calls. */
export function refuseCaller(c: Context<AppEnv>, why: Refusal): Response {
  if (isUpgrade(c.req.raw) && why.code !== "not_configured") {
    const refusal = callerRefusal(why);
    noteRefusedJoin(c, refusal.code);
    return refuseUpgrade(c.req.raw, refusal);
  }
  if (why.code === "unauthorised")
    c.header("WWW-Authenticate", why === NOTHING_SHOWN ? "Bearer" : 'Bearer error="invalid_token"');
  return refuse(c, why);
}
