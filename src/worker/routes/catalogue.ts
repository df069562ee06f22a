import { type Context, Hono } from "hono";
import { parseFragmentId } from "../../language/fragment-id.ts";
import { FoldersQuerySchema, ListQuerySchema, RebuildSchema } from "../../protocol/catalogue.ts";
import { audit } from "../access/audit/audit.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { ID_PARAMETER, idBehind, idFromBody } from "../http/fragment-id.ts";
import { catalogueOf } from "../http/objects.ts";
import { problem, refuse } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import { readBody } from "../http/request-body.ts";

const DEPENDENTS = "/v1/dependents/";

/** Lists of fragments, and counts over all of them. The catalogue answers from its own tables. */
export const catalogue: Hono<AppEnv> = new Hono<AppEnv>()
  .get("/v1/fragments", operation("listFragments"), async (c) => {
    const query = readQuery(c, ListQuerySchema, ["tag"]);
    if (!query.ok) return refuse(c, query.refusal);
    const { prefix, ...rest } = query.value;
    const folder = parseFolder(prefix ?? "");
    if (folder === null) return refuseFolder(c);
    const answer = await catalogueOf(c).list(
      c.get("access"),
      folder === "" ? rest : { ...rest, prefix: folder },
    );
    return answer.ok ? c.json(answer.value) : refuse(c, answer.refusal);
  })
  .get("/v1/tags", operation("listTags"), async (c) => c.json(await catalogueOf(c).tags(c.get("access"))))
  .get("/v1/folders", operation("listFolders"), async (c) => {
    const query = readQuery(c, FoldersQuerySchema);
    if (!query.ok) return refuse(c, query.refusal);
    const folder = parseFolder(query.value.prefix);
    if (folder === null) return refuseFolder(c);
    return c.json(await catalogueOf(c).folders(c.get("access"), folder));
  })
  .get(`/v1/dependents/${ID_PARAMETER}`, operation("listDependents"), async (c) => {
    const id = idBehind(c, DEPENDENTS);
    if (!id.ok) return refuse(c, id.refusal);
    return c.json(await catalogueOf(c).dependents(c.get("access"), id.value));
  })
  .get("/v1/catalogue/rebuild", operation("getCatalogueRebuild"), async (c) => {
    const status = await catalogueOf(c).rebuildStatus(c.get("access"));
    return status.ok ? c.json(status.value) : refuse(c, status.refusal);
  })
  .post("/v1/catalogue/rebuild", operation("startCatalogueRebuild"), async (c) => {
    const body = await readBody(c, RebuildSchema, {});
    if (!body.ok) return refuse(c, body.refusal);
    const ids: string[] = [];
    for (const raw of body.value.ids) {
      const id = idFromBody(raw);
      if (!id.ok) return refuse(c, id.refusal);
      ids.push(id.value);
    }
    const begun = await catalogueOf(c).rebuild(c.get("access"), ids, body.value.complete);
    if (!begun.ok) return refuse(c, begun.refusal);
    await audit(c, { action: "catalogue_rebuilt" });
    return c.json(begun.value, 202);
  });

/**
 * The canonical name of a folder, which may be given with a slash at its end. "" stands for all folders; null if it
 * cannot be the name of a folder.
 */
function parseFolder(prefix: string): string | null {
  if (prefix === "") return "";
  const parsed = parseFragmentId(prefix.replace(/\/$/, ""));
  return parsed.ok ? parsed.id : null;
}

function refuseFolder(c: Context<AppEnv>): Response {
  return problem(c, "invalid_query", "prefix: must be the beginning of ids, up to a slash.");
}
