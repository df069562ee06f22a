import { type Context, Hono } from "hono";
import { CLOSE } from "../../protocol/close-codes.ts";
import type { AppEnv } from "../http/app-env.ts";
import { idBehind } from "../http/fragment-id.ts";
import { fragmentsOf } from "../http/objects.ts";
import { isUpgrade, upgradeRequired } from "../http/upgrade.ts";
import { decodeJoinRequest, encodeJoinRequest } from "../sockets/join-request.ts";
import { refuseSocket } from "../sockets/socket-peer.ts";

/** `/v1/ws/{id}`: the JSON socket. `/v1/sync/{id}`: the Yjs socket, as y-websocket's provider builds it. */
export const sockets: Hono<AppEnv> = new Hono<AppEnv>()
  .get("/v1/ws/*", (c) => joinFragment(c, "/v1/ws/", "json", false))
  .get("/v1/sync/*", (c) => joinFragment(c, "/v1/sync/", "yjs", false));

/** Hands a socket to its fragment. A bad or an unknown id is told by a close code, which browsers can read. */
export async function joinFragment(
  c: Context<AppEnv>,
  prefix: string,
  protocol: "json" | "yjs",
  isOldClient: boolean,
): Promise<Response> {
  if (!isUpgrade(c)) return upgradeRequired(c);
  const id = idBehind(c, prefix);
  if (!id.ok) return refuseSocket(c.req.raw, CLOSE.malformed, id.refusal.message);
  const request = encodeJoinRequest(c.req.raw, protocol, isOldClient);
  const response = await fragmentsOf(c).join(id.value, request, decodeJoinRequest(request).creates);
  if (response !== null) return response;
  const code = protocol === "json" ? CLOSE.notFoundJson : CLOSE.notFoundYjs;
  return refuseSocket(c.req.raw, code, `Fragment '${id.value}' not found`);
}
