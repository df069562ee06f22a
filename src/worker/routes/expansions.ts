import { type Context, Hono } from "hono";
import { done } from "../../protocol/errors.ts";
import { ExpandSchema, type ExpansionResult } from "../../protocol/rest.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { matchesAny } from "../http/etag.ts";
import { ID_PARAMETER, idBehind, idFromBody } from "../http/fragment-id.ts";
import { preferredType } from "../http/negotiation.ts";
import { expanderOf, fragmentsOf } from "../http/objects.ts";
import { problem, refuse } from "../http/problem.ts";
import { readBody } from "../http/request-body.ts";

const PREFIX = "/v1/expansions/";

/** Texts with their inclusions resolved: the text of a fragment, or one that is not stored. */
export const expansions: Hono<AppEnv> = new Hono<AppEnv>()
  .post("/v1/expand", operation("expandText"), async (c) => {
    const body = await readBody(c, ExpandSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const { content, id = null } = body.value;
    const root = id === null ? done(null) : idFromBody(id);
    if (!root.ok) return refuse(c, root.refusal);
    const result = await expanderOf(c).expand(c.get("access"), content, root.value);
    return result.ok ? c.json(result.value.expansion) : refuse(c, result.refusal);
  })
  .get(`/v1/expansions/${ID_PARAMETER}`, operation("getExpansion"), async (c) => {
    const id = idBehind(c, PREFIX);
    if (!id.ok) return refuse(c, id.refusal);
    const fragment = await fragmentsOf(c).read(id.value);
    if (fragment === null) return problem(c, "not_found", `Fragment '${id.value}' not found.`);
    const result = await expanderOf(c).expand(c.get("access"), fragment.content, id.value);
    if (!result.ok) return refuse(c, result.refusal);
    const { expansion, closureDigest } = result.value;
    return answer(c, expansion, `${fragment.version}-${closureDigest.slice(0, 32)}`);
  });

/**
 * @param closure identifies the root's revision and its closure; together with the form of the answer, it makes the tag
 */
function answer(c: Context<AppEnv>, expansion: ExpansionResult, closure: string): Response {
  const type = preferredType(c, ["application/json", "text/plain"]);
  const tag = `"${closure}-${type === "text/plain" ? "text" : "json"}"`;
  c.header("ETag", tag);
  c.header("Vary", "Accept");
  if (matchesAny(c.req.header("If-None-Match"), tag)) return c.body(null, 304);
  if (type === "application/json") return c.json(expansion);
  c.header("X-Prompt-Warnings", String(expansion.warnings.length));
  return c.body(expansion.expanded, 200, { "Content-Type": "text/plain; charset=utf-8" });
}
