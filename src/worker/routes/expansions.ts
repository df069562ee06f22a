import { type Context, Hono } from "hono";
import { done, type Result } from "../../protocol/errors.ts";
import {
  type ExpandOptions,
  ExpansionQuerySchema,
  type ExpansionResult,
  expandOptions,
  showExpansion,
  showWarnings,
  type UnresolvedChoice,
  VariablesSchema,
} from "../../protocol/expansion.ts";
import { parseInput } from "../../protocol/issues.ts";
import { ExpandSchema } from "../../protocol/rest.ts";
import { operation } from "../description/operation.ts";
import type { Expanded } from "../expander.ts";
import type { AppEnv } from "../http/app-env.ts";
import { matchesAny } from "../http/etag.ts";
import { ID_PARAMETER, idBehind, idFromBody } from "../http/fragment-id.ts";
import { preferredType } from "../http/negotiation.ts";
import { expanderOf, fragmentsOf } from "../http/objects.ts";
import { problem, refuse } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import { readBody } from "../http/request-body.ts";

const PREFIX = "/v1/expansions/";
const VARIABLE_PREFIX = "var.";

/** Texts with their inclusions resolved: the text of a fragment, or one that is not stored. */
export const expansions: Hono<AppEnv> = new Hono<AppEnv>()
  .post("/v1/expand", operation("expandText"), async (c) => {
    const body = await readBody(c, ExpandSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const { content, id = null, ...given } = body.value;
    const root = id === null ? done(null) : idFromBody(id);
    if (!root.ok) return refuse(c, root.refusal);
    const options = expandOptions(given);
    const source = { content, id: root.value, version: null };
    const result = await expanderOf(c).expand(c.get("access"), source, options);
    if (!result.ok) return refuseExpansion(c, result);
    return c.json(showExpansion(result.value.expansion, options.unresolved));
  })
  .get(`/v1/expansions/${ID_PARAMETER}`, operation("getExpansion"), async (c) => {
    const id = idBehind(c, PREFIX);
    if (!id.ok) return refuse(c, id.refusal);
    const options = readOptions(c);
    if (!options.ok) return refuse(c, options.refusal);
    const fragment = await fragmentsOf(c).read(id.value);
    if (fragment === null) return problem(c, "not_found", `Fragment '${id.value}' not found.`);
    const result = await expanderOf(c).expand(c.get("access"), fragment, options.value);
    if (!result.ok) return refuseExpansion(c, result);
    return answer(c, result.value, options.value.unresolved, fragment.version);
  });

/** The options in the parameters of an address. `var.city` is the value of the variable `city`. */
function readOptions(c: Context<AppEnv>): Result<ExpandOptions> {
  const query = readQuery(c, ExpansionQuerySchema);
  if (!query.ok) return query;
  const given = [...new URL(c.req.url).searchParams]
    .filter(([name]) => name.startsWith(VARIABLE_PREFIX))
    .map(([name, value]) => [name.slice(VARIABLE_PREFIX.length), value] as const);
  const variables = parseInput(VariablesSchema, Object.fromEntries(given), "invalid_query", "var: ");
  if (!variables.ok) return variables;
  const { unresolved, map } = query.value;
  return done(expandOptions({ unresolved, map: map === "1", variables: variables.value }));
}

/**
 * The tag names the root's version and its closure, what is asked of them is in the address, and the form stands at the
 * tag's end.
 */
function answer(
  c: Context<AppEnv>,
  { expansion, closureDigest }: Expanded,
  choice: UnresolvedChoice,
  version: number,
): Response {
  const type = preferredType(c, ["application/json", "text/plain"]);
  const tag = `"${version}-${closureDigest.slice(0, 32)}-${type === "text/plain" ? "text" : "json"}"`;
  c.header("ETag", tag);
  c.header("Vary", "Accept");
  if (matchesAny(c.req.header("If-None-Match"), tag)) return c.body(null, 304);
  if (type === "application/json") return c.json(showExpansion(expansion, choice));
  c.header("X-Prompt-Warnings", String(expansion.warnings.length));
  return c.body(expansion.expanded, 200, { "Content-Type": "text/plain; charset=utf-8" });
}

function refuseExpansion(
  c: Context<AppEnv>,
  { refusal, warnings = [] }: Extract<ExpansionResult<Expanded>, { ok: false }>,
): Response {
  return refuse(c, refusal, warnings.length === 0 ? {} : { warnings: showWarnings(warnings, "error") });
}
