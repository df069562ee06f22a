import { Hono } from "hono";
import { KeyCreateSchema, KeyPatchSchema, KeysQuerySchema } from "../../protocol/principals.ts";
import { actingOf } from "../access/audit/audit.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { ID_PARAMETER, otherIdBehind } from "../http/fragment-id.ts";
import { accessObjectOf, announceWorkspace } from "../http/objects.ts";
import { refuse } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import { readBody } from "../http/request-body.ts";

const PREFIX = "/v1/keys/";

/** `/v1/keys`: the keys of programs. */
export const keys: Hono<AppEnv> = new Hono<AppEnv>()
  .get("/v1/keys", operation("listKeys"), async (c) => {
    const query = readQuery(c, KeysQuerySchema);
    if (!query.ok) return refuse(c, query.refusal);
    const page = await accessObjectOf(c).listKeys(c.get("access"), query.value);
    return page.ok ? c.json(page.value) : refuse(c, page.refusal);
  })
  .post("/v1/keys", operation("makeKey"), async (c) => {
    const body = await readBody(c, KeyCreateSchema);
    if (!body.ok) return refuse(c, body.refusal);
    await announceWorkspace(c);
    const made = await accessObjectOf(c).makeKey(actingOf(c), body.value);
    return made.ok ? c.json(made.value, 201) : refuse(c, made.refusal);
  })
  .patch(`${PREFIX}${ID_PARAMETER}`, operation("changeKey"), async (c) => {
    const body = await readBody(c, KeyPatchSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const changed = await accessObjectOf(c).changeKey(actingOf(c), otherIdBehind(c, PREFIX), body.value);
    return changed.ok ? c.json(changed.value) : refuse(c, changed.refusal);
  })
  .delete(`${PREFIX}${ID_PARAMETER}`, operation("revokeKey"), async (c) => {
    const fault = await accessObjectOf(c).revokeKey(actingOf(c), otherIdBehind(c, PREFIX));
    return fault === null ? c.body(null, 204) : refuse(c, fault);
  });
