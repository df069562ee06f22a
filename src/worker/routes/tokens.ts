import { Hono } from "hono";
import type { Access } from "../../protocol/access.ts";
import { TokenCreateSchema } from "../../protocol/principals.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { actingOf, auditRepeated } from "../access/audit/audit.ts";
import { count, rateFault } from "../access/caller/caller-rates.ts";
import { mintToken } from "../access/minting.ts";
import { accessSettings } from "../access/settings.ts";
import { isTokenId } from "../access/token-id.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { ID_PARAMETER, otherIdBehind } from "../http/fragment-id.ts";
import { accessObjectOf, announceWorkspace } from "../http/objects.ts";
import { problem, refuse } from "../http/problem.ts";
import { readBody } from "../http/request-body.ts";

const PREFIX = "/v1/tokens/";

/** `/v1/tokens`: what a company's backend gives to the pages of its users. */
export const tokens: Hono<AppEnv> = new Hono<AppEnv>()
  .post("/v1/tokens", operation("makeToken"), async (c) => {
    const body = await readBody(c, TokenCreateSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const settings = accessSettings(c.env);
    if (!settings.ok) return refuse(c, settings.refusal);
    const access = c.get("access");
    const minted = await mintToken(access, body.value, settings.value.secrets, Date.now());
    if (!minted.ok) return refuse(c, minted.refusal);
    await announceWorkspace(c);
    const { token, claims } = minted.value;
    const { id, user, role, prefixes, expiresAtMs } = claims;
    auditRepeated(c, { action: "token_minted", on: user.id });
    return c.json({ token, id, user, role, prefixes, expires_at: timestamp(expiresAtMs) }, 201);
  })
  .delete(`${PREFIX}${ID_PARAMETER}`, operation("endToken"), async (c) => {
    const id = otherIdBehind(c, PREFIX);
    if (!isTokenId(id)) return problem(c, "not_found", "No token has this id.");
    const ender = enderOf(c.get("access"));
    const flood = rateFault(c.env, ender, "endings");
    if (flood !== null) return refuse(c, flood);
    count(c.env, ender, "endings", 1);
    const fault = await accessObjectOf(c).endToken(actingOf(c), id);
    return fault === null ? c.body(null, 204) : refuse(c, fault);
  });

/** Under which name endings are counted. A key can make any number of tokens, each of which may end itself. */
function enderOf(access: Access): string {
  const [root = access.principal.id] = access.grants;
  return `${access.workspace}/${root}`;
}
