import { type Context, Hono } from "hono";
import { decodeFragmentPath, parseFragmentId } from "../../language/fragment-id.ts";
import { ExpandSchema, type ExpansionResult } from "../../protocol/rest.ts";
import { DEFAULT_WORKSPACE, fragmentStub } from "../addresses.ts";
import { describe } from "../description/describe.ts";
import type { Expander } from "../expander.ts";
import type { AppEnv } from "../http/app-env.ts";
import { matchesAny } from "../http/etag.ts";
import { ID_PARAMETER } from "../http/id-path.ts";
import { preferredExpansionType } from "../http/negotiation.ts";
import { problem, refuse } from "../http/problem.ts";
import { readBody } from "../http/request-body.ts";

const PREFIX = "/v1/expansions/";

/** Texts with their inclusions resolved: a stored fragment's, or one that is not saved. */
export const expansions: Hono<AppEnv> = new Hono<AppEnv>()
  .post("/v1/expand", describe("expandText"), async (c) => {
    const body = await readBody(c, ExpandSchema);
    if (!body.ok) return body.response;
    const { content, id } = body.value;
    const parsed = id == null ? null : parseFragmentId(id);
    if (parsed !== null && !parsed.ok) return problem(c, "invalid_id", parsed.reason);
    const result = await expander(c).expand(content, parsed === null ? null : parsed.id);
    return result.kind === "refused" ? refuse(c, result.refusal) : c.json(result.expansion);
  })
  .get(`/v1/expansions/${ID_PARAMETER}`, describe("getExpansion"), async (c) => {
    const parsed = decodeFragmentPath(new URL(c.req.url).pathname.slice(PREFIX.length));
    if (!parsed.ok) return problem(c, "invalid_id", parsed.reason);
    const fragment = await fragmentStub(c.env, DEFAULT_WORKSPACE, parsed.id).read();
    if (fragment === null) return problem(c, "not_found", `Fragment '${parsed.id}' not found.`);
    const result = await expander(c).expand(fragment.content, parsed.id);
    if (result.kind === "refused") return refuse(c, result.refusal);
    return answer(c, result.expansion, `${fragment.version}-${result.closureDigest.slice(0, 32)}`);
  });

export function expander(c: Context<AppEnv>): Pick<Expander, "expand"> {
  // The execution context is ours: its exports are those of src/worker/index.ts.
  return (c.executionCtx as ExecutionContext).exports.Expander;
}

/** @param closure names the root's revision and the closure: a tag of both and of the representation */
function answer(c: Context<AppEnv>, expansion: ExpansionResult, closure: string): Response {
  const type = preferredExpansionType(c);
  const tag = `"${closure}-${type === "text/plain" ? "text" : "json"}"`;
  c.header("ETag", tag);
  c.header("Vary", "Accept");
  if (matchesAny(c.req.header("If-None-Match"), tag)) return c.body(null, 304);
  if (type === "application/json") return c.json(expansion);
  c.header("X-Prompt-Warnings", String(expansion.warnings.length));
  return c.body(expansion.expanded, 200, { "Content-Type": "text/plain; charset=utf-8" });
}
