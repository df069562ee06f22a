import { type Context, Hono } from "hono";
import type { Result } from "../../protocol/errors.ts";
import { parseInput } from "../../protocol/issues.ts";
import { UserIdSchema, UserPutSchema, UsersQuerySchema } from "../../protocol/principals.ts";
import { actingOf } from "../access/audit/audit.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { ID_PARAMETER, otherIdBehind } from "../http/fragment-id.ts";
import { accessObjectOf } from "../http/objects.ts";
import { refuse } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import { readBody } from "../http/request-body.ts";

const PREFIX = "/v1/users/";

/** `/v1/users`: the most that a user may do, whatever its tokens say. */
export const users: Hono<AppEnv> = new Hono<AppEnv>()
  .get("/v1/users", operation("listUsers"), async (c) => {
    const query = readQuery(c, UsersQuerySchema);
    if (!query.ok) return refuse(c, query.refusal);
    const page = await accessObjectOf(c).listUsers(c.get("access"), query.value);
    return page.ok ? c.json(page.value) : refuse(c, page.refusal);
  })
  .put(`${PREFIX}${ID_PARAMETER}`, operation("putUser"), async (c) => {
    const id = idOf(c);
    if (!id.ok) return refuse(c, id.refusal);
    const body = await readBody(c, UserPutSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const user = await accessObjectOf(c).putUser(actingOf(c), id.value, body.value);
    return user.ok ? c.json(user.value) : refuse(c, user.refusal);
  })
  .delete(`${PREFIX}${ID_PARAMETER}`, operation("blockUser"), async (c) => {
    const id = idOf(c);
    if (!id.ok) return refuse(c, id.refusal);
    const fault = await accessObjectOf(c).blockUser(actingOf(c), id.value);
    return fault === null ? c.body(null, 204) : refuse(c, fault);
  });

function idOf(c: Context<AppEnv>): Result<string> {
  return parseInput(UserIdSchema, otherIdBehind(c, PREFIX), "invalid_id", "The id of the user: ");
}
