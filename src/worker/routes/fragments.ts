import { type Context, Hono } from "hono";
import type * as v from "valibot";
import { decodeFragmentPath, type FragmentId, parseFragmentId } from "../../language/fragment-id.ts";
import { refusal } from "../../protocol/errors.ts";
import { givenMetadata } from "../../protocol/fragment.ts";
import { CreateSchema, PatchSchema, PutSchema } from "../../protocol/rest.ts";
import type { AppEnv } from "../app.ts";
import { expectedVersions, matchesAny, mustExist, versionTag } from "../etag.ts";
import type { FragmentAnswer, FragmentWrite } from "../objects/fragment-calls.ts";
import { DEFAULT_WORKSPACE, fragmentStub } from "../objects/fragment-stub.ts";
import { problem, refuse } from "../problem.ts";
import { readBody } from "../request-body.ts";

const PREFIX = "/v1/fragments/";

/** Fragments as a REST resource. Writes go through the room, so open editors see them. */
export const fragments = new Hono<AppEnv>()
  .post("/v1/fragments", async (c) => {
    const body = await readBody(c, CreateSchema);
    if (!body.ok) return body.response;
    const parsed = parseFragmentId(body.value.id);
    if (!parsed.ok) return problem(c, "invalid_id", parsed.reason);
    return answer(c, await stub(c, parsed.id).put(toWrite(body.value, null), "create"));
  })
  .all("/v1/fragments", (c) => notAllowed(c, "POST"))
  .get("/v1/fragments/*", (c) =>
    withId(c, async (id) => {
      const fragment = await stub(c, id).read();
      if (fragment === null) return refuse(c, refusal("not_found", `Fragment '${id}' not found.`));
      const tag = versionTag(fragment.version);
      c.header("ETag", tag);
      return matchesAny(c.req.header("If-None-Match"), tag) ? c.body(null, 304) : c.json(fragment);
    }),
  )
  .put("/v1/fragments/*", (c) =>
    withId(c, async (id) => {
      const body = await readBody(c, PutSchema);
      if (!body.ok) return body.response;
      const write = toWrite(body.value, expectedVersions(c));
      return answer(c, await stub(c, id).put(write, mustExist(c) ? "replace" : "either"));
    }),
  )
  .patch("/v1/fragments/*", (c) =>
    withId(c, async (id) => {
      const body = await readBody(c, PatchSchema);
      if (!body.ok) return body.response;
      const { edits } = body.value;
      const write = toWrite(body.value, expectedVersions(c));
      const content = edits == null ? write.content : ({ kind: "substitutions", edits } as const);
      return answer(c, await stub(c, id).patch({ ...write, content }));
    }),
  )
  .delete("/v1/fragments/*", (c) =>
    withId(c, async (id) => {
      const refused = await stub(c, id).remove(expectedVersions(c));
      return refused === null ? c.body(null, 204) : refuse(c, refused);
    }),
  )
  .all("/v1/fragments/*", (c) => notAllowed(c, "GET, PUT, PATCH, DELETE"));

async function withId(c: Context<AppEnv>, handle: (id: FragmentId) => Promise<Response>): Promise<Response> {
  const parsed = decodeFragmentPath(new URL(c.req.url).pathname.slice(PREFIX.length));
  return parsed.ok ? handle(parsed.id) : problem(c, "invalid_id", parsed.reason);
}

function stub(c: Context<AppEnv>, id: FragmentId) {
  return fragmentStub(c.env, DEFAULT_WORKSPACE, id);
}

/** What the three bodies have in common. */
type Fields = Pick<v.InferOutput<typeof PatchSchema>, "content" | "description" | "tags" | "prompt_type">;

function toWrite(body: Fields, versions: readonly number[] | null): FragmentWrite {
  const { content } = body;
  return {
    content: content == null ? null : { kind: "text", text: content },
    metadata: givenMetadata(body),
    expectedVersions: versions,
  };
}

function answer(c: Context<AppEnv>, result: FragmentAnswer): Response {
  if (result.kind === "refused") return refuse(c, result.refusal);
  const { fragment, isNew } = result;
  c.header("ETag", versionTag(fragment.version));
  if (!isNew) return c.json(fragment);
  c.header("Location", `${PREFIX}${fragment.id.split("/").map(encodeURIComponent).join("/")}`);
  return c.json(fragment, 201);
}

function notAllowed(c: Context<AppEnv>, allow: string): Response {
  c.header("Allow", allow);
  return problem(c, "method_not_allowed", `Allowed here: ${allow}.`);
}
