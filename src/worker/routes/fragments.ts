import { type Context, Hono } from "hono";
import type * as v from "valibot";
import { decodeFragmentPath, type FragmentId, parseFragmentId } from "../../language/fragment-id.ts";
import { refusal } from "../../protocol/errors.ts";
import { givenMetadata } from "../../protocol/fragment.ts";
import { CreateSchema, PatchSchema, PutSchema, RenameSchema } from "../../protocol/rest.ts";
import { DEFAULT_WORKSPACE, fragmentStub } from "../addresses.ts";
import { describe } from "../description/describe.ts";
import type { FragmentAnswer, FragmentWrite } from "../fragment/fragment-calls.ts";
import { UNCONDITIONAL } from "../fragment/preconditions.ts";
import type { AppEnv } from "../http/app-env.ts";
import { type AskedPreconditions, matchesAny, readPreconditions, versionTag } from "../http/etag.ts";
import { ID_PARAMETER } from "../http/id-path.ts";
import { readIdempotencyKey } from "../http/idempotency.ts";
import { problem, refuse } from "../http/problem.ts";
import { readBody } from "../http/request-body.ts";
import { renameFragment } from "../rename.ts";

const PREFIX = "/v1/fragments/";

/** Fragments as a REST resource. Writes go through the room, so open editors see them. */
export const fragments: Hono<AppEnv> = new Hono<AppEnv>()
  .post("/v1/fragments", describe("createFragment"), async (c) => {
    const body = await readBody(c, CreateSchema);
    if (!body.ok) return body.response;
    const parsed = parseFragmentId(body.value.id);
    if (!parsed.ok) return problem(c, "invalid_id", parsed.reason);
    return write(c, body.value, (planned) => stub(c, parsed.id).put(planned, "create"));
  })
  .get(`/v1/fragments/${ID_PARAMETER}`, describe("getFragment"), (c) =>
    withId(c, async (id) => {
      const fragment = await stub(c, id).read();
      if (fragment === null) return refuse(c, refusal("not_found", `Fragment '${id}' not found.`));
      const tag = versionTag(fragment.version);
      c.header("ETag", tag);
      return matchesAny(c.req.header("If-None-Match"), tag) ? c.body(null, 304) : c.json(fragment);
    }),
  )
  .put(`/v1/fragments/${ID_PARAMETER}`, describe("putFragment"), (c) =>
    withId(c, async (id) => {
      const body = await readBody(c, PutSchema);
      if (!body.ok) return body.response;
      return write(c, body.value, (planned) => stub(c, id).put(planned, "either"));
    }),
  )
  .patch(`/v1/fragments/${ID_PARAMETER}`, describe("patchFragment"), (c) =>
    withId(c, async (id) => {
      const body = await readBody(c, PatchSchema);
      if (!body.ok) return body.response;
      return write(c, body.value, (planned) => stub(c, id).put(planned, "change"));
    }),
  )
  .delete(`/v1/fragments/${ID_PARAMETER}`, describe("deleteFragment"), (c) =>
    withId(c, async (id) => {
      const asked = readPreconditions(c);
      if (!asked.ok) return refuse(c, asked.refusal);
      const refused = await stub(c, id).remove(asked.preconditions);
      return refused === null ? c.body(null, 204) : refuse(c, refused);
    }),
  )
  .post("/v1/renames", describe("renameFragment"), async (c) => {
    const body = await readBody(c, RenameSchema);
    if (!body.ok) return body.response;
    const [from, to] = [parseFragmentId(body.value.from), parseFragmentId(body.value.to)];
    if (!from.ok) return problem(c, "invalid_id", `from: ${from.reason}`);
    if (!to.ok) return problem(c, "invalid_id", `to: ${to.reason}`);
    const key = await readIdempotencyKey(c, body.value);
    if (!key.ok) return refuse(c, key.refusal);
    return answer(c, await renameFragment(c.env, DEFAULT_WORKSPACE, from.id, to.id, key.request));
  });

async function withId(c: Context<AppEnv>, handle: (id: FragmentId) => Promise<Response>): Promise<Response> {
  const parsed = decodeFragmentPath(new URL(c.req.url).pathname.slice(PREFIX.length));
  return parsed.ok ? handle(parsed.id) : problem(c, "invalid_id", parsed.reason);
}

function stub(c: Context<AppEnv>, id: FragmentId) {
  return fragmentStub(c.env, DEFAULT_WORKSPACE, id);
}

/** What the three bodies have in common, and what only some of them have. */
type Fields = Partial<v.InferOutput<typeof PatchSchema>>;

/** Makes the write that a body and its headers describe, and answers with what became of the fragment. */
async function write(
  c: Context<AppEnv>,
  body: Fields,
  make: (planned: FragmentWrite) => Promise<FragmentAnswer>,
): Promise<Response> {
  const key = await readIdempotencyKey(c, body);
  if (!key.ok) return refuse(c, key.refusal);
  const asked: AskedPreconditions =
    c.req.method === "POST" ? { ok: true, preconditions: UNCONDITIONAL } : readPreconditions(c);
  if (!asked.ok) return refuse(c, asked.refusal);
  const { content, edits, base_version } = body;
  const text = content == null ? null : ({ kind: "text", text: content } as const);
  const result = await make({
    content: edits == null ? text : { kind: "substitutions", edits },
    metadata: givenMetadata(body),
    base: base_version == null ? { kind: "current" } : { kind: "version", version: base_version },
    preconditions: asked.preconditions,
    request: key.request,
  });
  return answer(c, result);
}

function answer(c: Context<AppEnv>, result: FragmentAnswer): Response {
  if (result.kind === "refused") return refuse(c, result.refusal, result.current);
  const { fragment, isNew } = result;
  c.header("ETag", versionTag(fragment.version));
  if (!isNew) return c.json(fragment);
  c.header("Location", `${PREFIX}${fragment.id.split("/").map(encodeURIComponent).join("/")}`);
  return c.json(fragment, 201);
}
