import { type Context, Hono } from "hono";
import { decodeFragmentPath, parseFragmentId } from "../../language/fragment-id.ts";
import { ExpandSchema } from "../../protocol/rest.ts";
import type { AppEnv } from "../app.ts";
import type { ExpansionAnswer } from "../expander.ts";
import { DEFAULT_WORKSPACE, fragmentStub } from "../objects/fragment-stub.ts";
import { problem, refuse } from "../problem.ts";
import { readBody } from "../request-body.ts";

const PREFIX = "/v1/expansions/";

/** Texts with their inclusions resolved: a stored fragment's, or one that is not saved. */
export const expansions = new Hono<AppEnv>()
  .post("/v1/expand", async (c) => {
    const body = await readBody(c, ExpandSchema);
    if (!body.ok) return body.response;
    const { content, id } = body.value;
    const parsed = id == null ? null : parseFragmentId(id);
    if (parsed !== null && !parsed.ok) return problem(c, "invalid_id", parsed.reason);
    return answer(c, await expander(c).expand(content, parsed === null ? null : parsed.id));
  })
  .get("/v1/expansions/*", async (c) => {
    const parsed = decodeFragmentPath(new URL(c.req.url).pathname.slice(PREFIX.length));
    if (!parsed.ok) return problem(c, "invalid_id", parsed.reason);
    const fragment = await fragmentStub(c.env, DEFAULT_WORKSPACE, parsed.id).read();
    if (fragment === null) return problem(c, "not_found", `Fragment '${parsed.id}' not found.`);
    return answer(c, await expander(c).expand(fragment.content, parsed.id));
  });

export function expander(c: Context<AppEnv>) {
  // The execution context is ours: its exports are those of src/worker/index.ts.
  return (c.executionCtx as ExecutionContext).exports.Expander;
}

function answer(c: Context<AppEnv>, result: ExpansionAnswer): Response {
  return result.kind === "refused" ? refuse(c, result.refusal) : c.json(result.expansion);
}
