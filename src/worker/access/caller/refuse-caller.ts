import type { Context } from "hono";
import { ERROR_STATUS, type Refusal } from "../../../protocol/errors.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { isUpgrade } from "../../http/is-upgrade.ts";
import { refuse } from "../../http/problem.ts";
import { callerRefusal, refuseUpgrade } from "../../sockets/refusal.ts";
import { noteRefusedJoin } from "../audit/audit-refusals.ts";
import { NOTHING_SHOWN } from "../credentials.ts";

/** Refuses a request or a socket because of its credential, because it has none, or because its caller calls too often. */
export function refuseCaller(c: Context<AppEnv>, why: Refusal): Response {
  if (isUpgrade(c.req.raw) && why.code !== "not_configured") {
    const refusal = callerRefusal(why);
    noteRefusedJoin(c, refusal.code);
    return refuseUpgrade(c.req.raw, refusal);
  }
  if (ERROR_STATUS[why.code] === 401) c.header("WWW-Authenticate", challengeOf(why));
  return refuse(c, why);
}

/** RFC 6750, 3. */
function challengeOf(why: Refusal): string {
  if (why === NOTHING_SHOWN) return "Bearer";
  const description = why.code === "expired" ? ', error_description="The token has expired"' : "";
  return `Bearer error="invalid_token"${description}`;
}
