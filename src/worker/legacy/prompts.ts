import { type Context, Hono, type Next } from "hono";
import type * as v from "valibot";
import { type FragmentId, parseFragmentId } from "../../language/fragment-id.ts";
import { done } from "../../protocol/errors.ts";
import { AS_BEFORE, showAsBefore } from "../../protocol/expansion.ts";
import { type Fragment, givenMetadata } from "../../protocol/fragment.ts";
import { audit } from "../access/audit/audit.ts";
import type { FragmentWrite } from "../fragment/put-plan.ts";
import type { AppEnv } from "../http/app-env.ts";
import { readPreconditions } from "../http/etag.ts";
import { idFromBody, idFromPath } from "../http/fragment-id.ts";
import { catalogueOf, expanderOf, fragmentsOf } from "../http/objects.ts";
import { notAllowed, problem, refuse } from "../http/problem.ts";
import { readBody } from "../http/request-body.ts";
import { OldCreateSchema, OldExpandSchema, OldUpdateSchema } from "./bodies.ts";
import { answerList } from "./fragment-list.ts";
import { notFound, oldPrompt, oldReference, refuseOld, renderOldError } from "./old-answers.ts";

/**
 * The old system's REST addresses, over the same calls as `/v1`. Each exists with and without a slash at its end, and
 * none redirects, because clients of that time follow the redirect of a POST with a GET.
 *
 * The old system had fragments and prompts. Here both names lead to the same fragments. The longer prefix comes first.
 */
export const oldPrompts: Hono<AppEnv> = new Hono<AppEnv>()
  .use("/api/prompts/*", async (c, next) => {
    c.set("renderError", renderOldError);
    await next();
  })
  .route("/", promptsAt("/api/prompts/fragments"))
  .route("/", promptsAt("/api/prompts"));

/** Fixed names win over ids. An id stands between `before` and `after`. */
function promptsAt(prefix: string) {
  const withId =
    (handle: HandleId, { before = "/", after = "" } = {}) =>
    async (c: Context<AppEnv>, next: Next) => {
      const path = textBetween(c, `${prefix}${before}`, after);
      if (path === null) return next();
      const id = idFromPath(path);
      return id.ok ? handle(c, id.value) : refuse(c, id.refusal);
    };

  return (
    new Hono<AppEnv>()
      .on("POST", bothEnds(prefix), create)
      .on("GET", [...bothEnds(prefix), ...bothEnds(`${prefix}/all`)], listAll)
      // Otherwise PUT and DELETE of the longer prefix would mean a fragment `fragments` under the shorter one.
      .on("ALL", bothEnds(prefix), (c) => notAllowed(c, "GET, POST"))
      .on("GET", bothEnds(`${prefix}/search_suggestions`), suggest)
      .on("POST", bothEnds(`${prefix}/expand`), expandText)
      .get(`${prefix}/check_exists/*`, withId(checkExists, { before: "/check_exists/" }))
      .get(`${prefix}/*`, withId(render, { after: "/render" }))
      .get(`${prefix}/*`, withId(listReferences, { after: "/referenced_by" }))
      .get(`${prefix}/*`, withId(read))
      .put(`${prefix}/*`, withId(update))
      .delete(`${prefix}/*`, withId(remove))
  );
}

type HandleId = (c: Context<AppEnv>, id: FragmentId) => Promise<Response>;

async function create(c: Context<AppEnv>): Promise<Response> {
  const body = await readBody(c, OldCreateSchema);
  if (!body.ok) return refuse(c, body.refusal);
  const id = idFromBody(body.value.id);
  if (!id.ok) return refuse(c, id.refusal);
  const answer = await fragmentsOf(c).put(id.value, toWrite(body.value), "create");
  if (!answer.ok) return refuseOld(c, id.value, answer.refusal);
  return c.json(oldPrompt(answer.value.fragment));
}

async function read(c: Context<AppEnv>, id: FragmentId): Promise<Response> {
  const fragment = await fragmentsOf(c).read(id, true);
  return fragment === null ? notFound(c, id) : c.json(oldPrompt(fragment));
}

async function update(c: Context<AppEnv>, id: FragmentId): Promise<Response> {
  const body = await readBody(c, OldUpdateSchema);
  if (!body.ok) return refuse(c, body.refusal);
  const asked = readPreconditions(c);
  if (!asked.ok) return refuse(c, asked.refusal);
  // The page does not say which version it had read.
  const write = { ...toWrite(body.value), base: { kind: "page" } as const, preconditions: asked.value };
  const answer = await fragmentsOf(c).put(id, write, "change");
  if (!answer.ok) return refuseOld(c, id, answer.refusal);
  return c.json(oldPrompt(answer.value.fragment));
}

async function remove(c: Context<AppEnv>, id: FragmentId): Promise<Response> {
  const asked = readPreconditions(c);
  if (!asked.ok) return refuse(c, asked.refusal);
  const refused = await fragmentsOf(c).remove(id, asked.value);
  if (refused !== null) return refuseOld(c, id, refused);
  await audit(c, { action: "fragment_deleted", on: id });
  return c.json({ success: true, id, message: `Prompt '${id}' deleted successfully` });
}

async function checkExists(c: Context<AppEnv>, id: FragmentId): Promise<Response> {
  return c.json({ exists: (await fragmentsOf(c).read(id)) !== null, id });
}

/** Expands a text, or a stored fragment by its id. The two answers have different field names. */
async function expandText(c: Context<AppEnv>): Promise<Response> {
  const body = await readBody(c, OldExpandSchema);
  if (!body.ok) return refuse(c, body.refusal);
  const { content, prompt_id } = body.value;
  const parsed = prompt_id == null ? done(null) : idFromBody(prompt_id);
  if (!parsed.ok) return refuse(c, parsed.refusal);
  const root = parsed.value;
  if (content != null) {
    const answer = await expanderOf(c).expand(
      c.get("access"),
      { content, id: root, version: null },
      AS_BEFORE,
    );
    if (!answer.ok) return refuse(c, answer.refusal);
    return c.json({ content, ...showAsBefore(answer.value.expansion) });
  }
  if (root === null) return problem(c, "invalid_body", "Either content or prompt_id must be given.");
  return expandStored(c, root, (original, expanded) => ({
    prompt_id: root,
    original_content: original.content,
    expanded_content: expanded,
  }));
}

function render(c: Context<AppEnv>, id: FragmentId): Promise<Response> {
  return expandStored(c, id, (original, expanded) => ({
    id,
    original: original.content,
    rendered: expanded,
    prompt_type: original.prompt_type,
  }));
}

async function expandStored(
  c: Context<AppEnv>,
  id: FragmentId,
  toAnswer: (original: Fragment, expanded: string) => object,
): Promise<Response> {
  const fragment = await fragmentsOf(c).read(id);
  if (fragment === null) return notFound(c, id);
  const answer = await expanderOf(c).expand(c.get("access"), fragment, AS_BEFORE);
  if (!answer.ok) return refuse(c, answer.refusal);
  const { expanded, dependencies, warnings } = showAsBefore(answer.value.expansion);
  return c.json({ ...toAnswer(fragment, expanded), dependencies, warnings });
}

/** Lists the fragments that include this one, directly or through others. An id can be included before its fragment exists. */
async function listReferences(c: Context<AppEnv>, id: FragmentId): Promise<Response> {
  const { direct, indirect } = await catalogueOf(c).dependents(c.get("access"), id);
  return answerList(c, [[...direct, ...indirect].sort()], oldReference);
}

function listAll(c: Context<AppEnv>): Promise<Response> {
  return answerList(c, idPages(c), oldPrompt);
}

async function* idPages(c: Context<AppEnv>): AsyncGenerator<readonly string[], void> {
  let lastId = "";
  for (;;) {
    const page = await catalogueOf(c).ids(c.get("access"), lastId);
    if (page.length === 0) return;
    yield page;
    lastId = page.at(-1) ?? lastId;
  }
}

async function suggest(c: Context<AppEnv>): Promise<Response> {
  const exclude = (c.req.queries("exclude") ?? [])
    .map(parseFragmentId)
    .flatMap((one) => (one.ok ? [one.id] : []));
  const ids = await catalogueOf(c).suggestions(c.get("access"), c.req.query("query") ?? "", exclude);
  return c.json(ids.map((id) => ({ id })));
}

/** The fields that both bodies of writes have. */
type Fields = v.InferOutput<typeof OldUpdateSchema>;

function toWrite(body: Fields): FragmentWrite {
  const { content } = body;
  return {
    content: content == null ? null : { kind: "text", text: content },
    metadata: givenMetadata(body),
  };
}

function bothEnds(path: string): [string, string] {
  return [path, `${path}/`];
}

/**
 * The part of the path between `before` and `after`, still percent-encoded; null if the path does not begin and end with
 * them. An escaped slash does not match the one in `after`, so `a%2Frender` is a whole id.
 */
function textBetween(c: Context<AppEnv>, before: string, after: string): string | null {
  const path = new URL(c.req.url).pathname.replace(/\/$/, "");
  if (!path.startsWith(before) || !path.endsWith(after)) return null;
  return path.length < before.length + after.length
    ? null
    : path.slice(before.length, path.length - after.length);
}
