import { type Context, Hono } from "hono";
import type * as v from "valibot";
import type { FragmentId } from "../../language/fragment-id.ts";
import { done } from "../../protocol/errors.ts";
import { givenMetadata } from "../../protocol/fragment.ts";
import { CreateSchema, PatchSchema, PutSchema, RenameSchema } from "../../protocol/rest.ts";
import { audit } from "../access/audit/audit.ts";
import { operation } from "../description/operation.ts";
import type { FragmentAnswer } from "../fragment/fragment-view.ts";
import { UNCONDITIONAL } from "../fragment/preconditions.ts";
import type { FragmentWrite } from "../fragment/put-plan.ts";
import type { AppEnv } from "../http/app-env.ts";
import { matchesAny, readPreconditions, versionTag } from "../http/etag.ts";
import { ID_PARAMETER, idBehind, idFromBody } from "../http/fragment-id.ts";
import { readIdempotencyKey } from "../http/idempotency.ts";
import { catalogueOf, fragmentsOf } from "../http/objects.ts";
import { problem, refuse } from "../http/problem.ts";
import { readBody } from "../http/request-body.ts";
import { renameFragment } from "../rename.ts";

const PREFIX = "/v1/fragments/";

/** Fragments as a REST resource. Writes go through the room, so open editors see them at once. */
export const fragments: Hono<AppEnv> = new Hono<AppEnv>()
  .post("/v1/fragments", operation("createFragment"), async (c) => {
    const body = await readBody(c, CreateSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const id = idFromBody(body.value.id);
    if (!id.ok) return refuse(c, id.refusal);
    return write(c, body.value, (planned) => fragmentsOf(c).put(id.value, planned, "create"));
  })
  .get(`/v1/fragments/${ID_PARAMETER}`, operation("getFragment"), (c) =>
    withId(c, async (id) => {
      const fragment = await fragmentsOf(c).read(id);
      if (fragment === null) return problem(c, "not_found", `Fragment '${id}' not found.`);
      const tag = versionTag(fragment.version);
      c.header("ETag", tag);
      return matchesAny(c.req.header("If-None-Match"), tag) ? c.body(null, 304) : c.json(fragment);
    }),
  )
  .put(`/v1/fragments/${ID_PARAMETER}`, operation("putFragment"), (c) =>
    withId(c, async (id) => {
      const body = await readBody(c, PutSchema);
      if (!body.ok) return refuse(c, body.refusal);
      return write(c, body.value, (planned) => fragmentsOf(c).put(id, planned, "either"));
    }),
  )
  .patch(`/v1/fragments/${ID_PARAMETER}`, operation("patchFragment"), (c) =>
    withId(c, async (id) => {
      const body = await readBody(c, PatchSchema);
      if (!body.ok) return refuse(c, body.refusal);
      return write(c, body.value, (planned) => fragmentsOf(c).put(id, planned, "change"));
    }),
  )
  .delete(`/v1/fragments/${ID_PARAMETER}`, operation("deleteFragment"), (c) =>
    withId(c, async (id) => {
      const asked = readPreconditions(c);
      if (!asked.ok) return refuse(c, asked.refusal);
      const refused = await fragmentsOf(c).remove(id, asked.value);
      if (refused !== null) return refuse(c, refused);
      await audit(c, { action: "fragment_deleted", on: id });
      return c.body(null, 204);
    }),
  )
  .post("/v1/renames", operation("renameFragment"), async (c) => {
    const body = await readBody(c, RenameSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const from = idFromBody(body.value.from, "from");
    if (!from.ok) return refuse(c, from.refusal);
    const to = idFromBody(body.value.to, "to");
    if (!to.ok) return refuse(c, to.refusal);
    const key = await readIdempotencyKey(c, body.value);
    if (!key.ok) return refuse(c, key.refusal);
    const objects = { access: c.get("access"), fragments: fragmentsOf(c), catalogue: () => catalogueOf(c) };
    const rename = { from: from.value, to: to.value, request: key.value };
    const renamed = await renameFragment(objects, rename);
    if (renamed.ok) await audit(c, { action: "fragment_renamed", on: from.value, detail: `to ${to.value}` });
    return answer(c, renamed);
  });

async function withId(c: Context<AppEnv>, handle: (id: FragmentId) => Promise<Response>): Promise<Response> {
  const id = idBehind(c, PREFIX);
  return id.ok ? handle(id.value) : refuse(c, id.refusal);
}

/** The fields of the three bodies; each body has some of them. */
type Fields = Partial<v.InferOutput<typeof PatchSchema>>;

/** Makes the write that a body and its headers describe, and answers with the resulting fragment. */
async function write(
  c: Context<AppEnv>,
  body: Fields,
  make: (planned: FragmentWrite) => Promise<FragmentAnswer>,
): Promise<Response> {
  const key = await readIdempotencyKey(c, body);
  if (!key.ok) return refuse(c, key.refusal);
  const asked = c.req.method === "POST" ? done(UNCONDITIONAL) : readPreconditions(c);
  if (!asked.ok) return refuse(c, asked.refusal);
  const { content, edits, base_version } = body;
  const text = content == null ? null : ({ kind: "text", text: content } as const);
  const result = await make({
    content: edits == null ? text : { kind: "substitutions", edits },
    metadata: givenMetadata(body),
    base: base_version == null ? { kind: "current" } : { kind: "version", version: base_version },
    preconditions: asked.value,
    request: key.value,
  });
  return answer(c, result);
}

function answer(c: Context<AppEnv>, result: FragmentAnswer): Response {
  if (!result.ok) return refuse(c, result.refusal, result.current);
  const { fragment, isNew } = result.value;
  c.header("ETag", versionTag(fragment.version));
  if (!isNew) return c.json(fragment);
  c.header("Location", `${PREFIX}${fragment.id.split("/").map(encodeURIComponent).join("/")}`);
  return c.json(fragment, 201);
}
