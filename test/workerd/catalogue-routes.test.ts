/** Lists over REST: what the addresses take and answer. What the catalogue finds has tests of its own. */
import { describe, expect, test } from "vitest";
import type { FragmentPage } from "../../src/protocol/catalogue.ts";
import { createFragment, freshId, request } from "./connect.ts";

describe("the list of fragments", () => {
  test("[REST-21] a list has fields, counts and an excerpt and no content, when a fragment includes and is included", async () => {
    const folder = freshId();
    const made = await createFragment("first words", { id: `${folder}/leaf`, tags: ["t"], description: "d" });
    await createFragment(`[[${folder}/leaf]] [[${folder}/none]]`, { id: `${folder}/root` });
    const { fragments, total, next_cursor } = await list({ prefix: folder, sort: "id" });
    expect([total, next_cursor]).toEqual([2, null]);
    const { content, eol, ...fields } = made;
    expect([content, eol]).toEqual(["first words", "lf"]);
    const highlights = { id: [], description: [], excerpt: [] };
    expect(fragments[0]).toEqual({
      ...fields,
      includes: 0,
      included_by: 1,
      excerpt: "first words",
      highlights,
    });
    expect(fragments[1]).toMatchObject({ id: `${folder}/root`, includes: 2, included_by: 0 });
  });

  test("[REST-21] a search finds words and says where they stand, when they are in the content", async () => {
    const { id } = await createFragment("The quick brown zebra jumps", { tags: ["animal"] });
    const { fragments } = await list({ query: "zeb brown" });
    expect(fragments.map((one) => one.id)).toEqual([id]);
    const { excerpt, highlights } = fragments[0] ?? { excerpt: "", highlights: { excerpt: [] } };
    expect(highlights.excerpt.map(({ from, to }) => excerpt.slice(from, to))).toEqual(["brown", "zebra"]);
  });

  test("[REST-21] each parameter narrows the list, when fragments differ in it", async () => {
    const folder = freshId();
    const one = { id: `${folder}/in side/one`, tags: ["a", "b"], prompt_type: "system" };
    await createFragment("x", one);
    const { updated_at } = await createFragment("x", { id: `${folder}/two`, tags: ["a"] });
    const idsOf = async (query: Record<string, string | string[]>) =>
      (await list({ prefix: folder, sort: "id", ...query })).fragments.map(({ id }) =>
        id.slice(folder.length + 1),
      );
    expect(await idsOf({})).toEqual(["in_side/one", "two"]);
    expect(await idsOf({ sort: "-id" })).toEqual(["two", "in_side/one"]);
    expect(await idsOf({ tag: "a" })).toEqual(["in_side/one", "two"]);
    expect(await idsOf({ tag: ["a", "b"] })).toEqual(["in_side/one"]);
    expect(await idsOf({ type: "system" })).toEqual(["in_side/one"]);
    expect(await idsOf({ prefix: `${folder}/in side/` })).toEqual(["in_side/one"]);
    expect(await idsOf({ updated_since: "2099-01-01T00:00:00Z" })).toEqual([]);
    expect(await idsOf({ updated_since: updated_at })).toContain("two");
  });

  test("[REST-21] the pages make the list, when the cursor of each leads to the next", async () => {
    const folder = freshId();
    for (const name of ["a", "b", "c"]) await createFragment("", { id: `${folder}/${name}` });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: FragmentPage = await list({
        prefix: folder,
        sort: "id",
        limit: "2",
        ...(cursor === null ? {} : { cursor }),
      });
      expect(page.total).toBe(3);
      seen.push(...page.fragments.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(["a", "b", "c"].map((name) => `${folder}/${name}`));
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=x", "limit"],
    ["sort=size", "sort"],
    ["sort=relevance", "sort"],
    ["type=poem", "type"],
    ["updated_since=yesterday", "updated_since"],
    ["cursor=%7B", "cursor"],
    [`query=a&cursor=${btoa('{"sort":"relevance","offset":1e300}')}`, "cursor"],
    [`query=a&cursor=${btoa('{"sort":"relevance","steps":[1e300],"after":null}')}`, "cursor"],
    [`query=a&cursor=${btoa('{"sort":"relevance","steps":[],"after":1e300}')}`, "cursor"],
    [`query=a&cursor=${btoa('{"sort":"relevance","steps":[-1],"after":0.5}')}`, "cursor"],
    ["prefix=-a", "prefix"],
    [`query=${"x".repeat(501)}`, "query"],
    [`tag=${"x".repeat(65)}`, "tag"],
  ])(
    "[REST-22] the answer is 400 and names the parameter, when a list is asked for with %s",
    async (query, name) => {
      const answer = await request("GET", `/v1/fragments?${query}`);
      const problem = await answer.json<{ code: string; detail: string }>();
      expect([answer.status, problem.code]).toEqual([400, "invalid_query"]);
      expect(problem.detail).toContain(name);
    },
  );
});

describe("what is known of all fragments", () => {
  test("[REST-23] tags, folders and dependents are counted, when fragments have them", async () => {
    const folder = freshId();
    const tag = `tag of ${folder}`;
    await createFragment("", { id: `${folder}/leaf`, tags: [tag] });
    await createFragment(`[[${folder}/leaf]]`, { id: `${folder}/deep/middle`, tags: [tag] });
    await createFragment(`[[${folder}/deep/middle]]`, { id: `${folder}/root` });
    const tags = await (await request("GET", "/v1/tags")).json<{ tags: unknown[] }>();
    expect(tags.tags).toContainEqual({ tag, count: 2 });
    const folders = await request("GET", `/v1/folders?prefix=${encodeURIComponent(folder)}`);
    expect(await folders.json()).toEqual({ folders: [{ path: `${folder}/deep`, count: 1 }] });
    const dependents = await request("GET", `/v1/dependents/${encodeURIComponent(`${folder}/leaf`)}`);
    expect(await dependents.json()).toEqual({
      id: `${folder}/leaf`,
      direct: [`${folder}/deep/middle`],
      indirect: [`${folder}/root`],
      truncated: false,
    });
  });

  test("[REST-23] a text depends on both fragments that a name with .md may mean, and counts as including one", async () => {
    const id = freshId();
    await createFragment("exact", { id: `${id}.md` });
    const { id: source } = await createFragment(`[[${id}.md]] [[${id}/other]]`, { id: `${id}/source` });
    for (const meant of [id, `${id}.md`]) {
      const answer = await request("GET", `/v1/dependents/${meant}`);
      expect(await answer.json()).toMatchObject({ direct: [source] });
    }
    const answer = await request("GET", `/v1/fragments?prefix=${encodeURIComponent(id)}`);
    expect(await answer.json()).toMatchObject({ fragments: [{ id: source, includes: 2 }] });
  });

  test("[REST-23] nobody depends on it, when a fragment does not exist, and a bad id is 400", async () => {
    const id = freshId();
    const answer = await request("GET", `/v1/dependents/${id}`);
    expect(await answer.json()).toEqual({ id, direct: [], indirect: [], truncated: false });
    expect((await request("GET", "/v1/dependents/a//b")).status).toBe(400);
    expect((await request("GET", "/v1/folders?prefix=a//b")).status).toBe(400);
  });

  test("[REST-24] a rebuild begins with 202 and is done, when it is asked for", async () => {
    await createFragment("");
    const begun = await request("POST", "/v1/catalogue/rebuild", {});
    expect([begun.status, await begun.json()]).toMatchObject([202, { state: "running" }]);
    const status = async () => (await request("GET", "/v1/catalogue/rebuild")).json<{ state: string }>();
    await expect.poll(status).toMatchObject({ state: "done", repaired: 0 });
    const bare = await request("POST", "/v1/catalogue/rebuild");
    expect([bare.status, await bare.json()]).toMatchObject([202, { state: "running" }]);
    await expect.poll(status).toMatchObject({ state: "done", repaired: 0 });
    expect((await request("POST", "/v1/catalogue/rebuild", "{")).status).toBe(400);
    expect((await request("POST", "/v1/expand")).status).toBe(400);
    const bad = await request("POST", "/v1/catalogue/rebuild", { ids: ["a//b"] });
    expect([bad.status, await bad.json()]).toMatchObject([400, { code: "invalid_id" }]);
    const many = await request("POST", "/v1/catalogue/rebuild", { ids: Array(5_001).fill("a") });
    expect([many.status, await many.json()]).toMatchObject([400, { code: "invalid_body" }]);
  });

  test.each([
    ["DELETE", "/v1/fragments", "GET, POST"],
    ["POST", "/v1/tags", "GET"],
    ["POST", "/v1/folders", "GET"],
    ["POST", "/v1/dependents/a", "GET"],
    ["DELETE", "/v1/catalogue/rebuild", "GET, POST"],
    ["POST", "/v1/events", "GET"],
    ["GET", "/v1/expand", "POST"],
    ["POST", "/v1/expansions/a", "GET"],
  ])("[REST-10] %s %s answers 405 with what is allowed", async (method, path, allow) => {
    const answer = await request(method, path);
    expect([answer.status, answer.headers.get("Allow")]).toEqual([405, allow]);
    expect(await answer.json()).toMatchObject({ code: "method_not_allowed" });
  });
});

async function list(query: Record<string, string | string[]>): Promise<FragmentPage> {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const answer = await request("GET", `/v1/fragments?${new URLSearchParams(pairs)}`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json<FragmentPage>();
}
