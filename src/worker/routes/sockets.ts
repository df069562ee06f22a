import { type Context, Hono } from "hono";
import { CLOSE } from "../../protocol/close-codes.ts";
import { noteRefusedJoin } from "../access/audit/audit-refusals.ts";
import { freshAccess } from "../access/caller/caller.ts";
import { absence } from "../fragment/join-answer.ts";
import type { AppEnv } from "../http/app-env.ts";
import { idBehind } from "../http/fragment-id.ts";
import { isUpgrade } from "../http/is-upgrade.ts";
import { fragmentsOf } from "../http/objects.ts";
import { upgradeRequired } from "../http/upgrade.ts";
import { encodeJoinRequest, readJoinRequest, YJS_PREFIX } from "../sockets/join-request.ts";
import { callerRefusal, decodeJoinRefusal, type JoinRefusal, refuseJoin } from "../sockets/refusal.ts";

/** `/v1/ws/{id}`: the JSON socket. `/v1/sync/{id}`: the Yjs socket, as y-websocket's provider builds it. */
export const sockets: Hono<AppEnv> = new Hono<AppEnv>()
  .get("/v1/ws/*", (c) => joinFragment(c, "/v1/ws/", "json", false))
  .get(`${YJS_PREFIX}*`, (c) => joinFragment(c, YJS_PREFIX, "yjs", false));

/** Hands a socket to its fragment. A bad or unknown id is reported by a close code, which browsers can read. */
export async function joinFragment(
  c: Context<AppEnv>,
  prefix: string,
  protocol: "json" | "yjs",
  isOldClient: boolean,
): Promise<Response> {
  if (!isUpgrade(c.req.raw)) return upgradeRequired(c);
  const join = readJoinRequest(c.req.raw, c.get("access"), protocol, isOldClient);
  const refuse = (refusal: JoinRefusal) => {
    noteRefusedJoin(c, refusal.code);
    return refuseJoin(join, refusal);
  };
  const id = idBehind(c, prefix);
  if (!id.ok) return refuse({ code: CLOSE.malformed, reason: id.refusal.message });
  const object = await fragmentsOf(c).toJoin(id.value, join.creates);
  if (object === null) {
    const why = join.creates ? fragmentsOf(c).creationFault() : null;
    return refuse(why === null ? absence(id.value, join) : callerRefusal(why));
  }
  const access = await freshAccess(c, id.value);
  if (!access.ok) return refuse(callerRefusal(access.refusal));
  const response = await object.fetch(encodeJoinRequest({ ...join, access: access.value }));
  const refusal = await decodeJoinRefusal(response);
  return refusal === null ? response : refuse(refusal);
}
