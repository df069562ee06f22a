import { encodePath, fragmentPath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields, expectThat } from "../expect.ts";
import type { Scene } from "../scene.ts";

/** The fields of a list that the checks look at. */
interface Page {
  readonly fragments: readonly {
    readonly id: string;
    readonly excerpt: string;
    readonly highlights: { readonly excerpt: readonly { readonly from: number; readonly to: number }[] };
  }[];
  readonly total: number;
  readonly next_cursor: string | null;
}

/** Lists, searches, and who includes whom. */
export const catalogue = group("catalogue", {
  "a fragment is listed when its creation is answered, and gone when its deletion is": async (scene) => {
    const id = await scene.fragment("text", { tags: ["a"], description: "d" });
    const page = await list(scene, { prefix: folderOf(id) });
    expectEqual("how many are listed", page.total, 1);
    expectFields("the entry", page.fragments[0], { id, version: 1, tags: ["a"], description: "d", size: 4 });
    await scene.request("DELETE", fragmentPath(id));
    expectEqual("how many are left", (await list(scene, { prefix: folderOf(id) })).total, 0);
  },

  "a search finds the beginnings of words, wherever they stand": async (scene) => {
    const word = uniqueWord();
    const inContent = await scene.fragment(`about ${word}ing things`, { id: scene.id("content") });
    const inTag = await scene.fragment("x", { id: scene.id("tag"), tags: [word] });
    const inDescription = await scene.fragment("x", {
      id: scene.id("description"),
      description: `the ${word}`,
    });
    const inId = await scene.fragment("x", { id: scene.id(`${word}-id`) });
    await scene.fragment("something else", { id: scene.id("other") });
    const { fragments } = await list(scene, { query: word });
    const found = fragments.map(({ id }) => id).sort();
    expectEqual("what is found", found, [inContent, inTag, inDescription, inId].sort());
    const both = await list(scene, { query: `things ${word.toUpperCase()}` });
    expectEqual("what is found by two words", ids(both), [inContent]);
  },

  "a search finds words in scripts without spaces": async (scene) => {
    const id = await scene.fragment("返金を希望するお客様に丁寧に返信してください");
    const page = await list(scene, { query: "お客様", prefix: folderOf(id) });
    expectEqual("what is found", ids(page), [id]);
  },

  "an excerpt shows the match, and ranges mark it": async (scene) => {
    const word = uniqueWord();
    await scene.fragment(`${"before ".repeat(200)}${word} ${"after ".repeat(200)}`);
    const [entry] = (await list(scene, { query: word })).fragments;
    const { excerpt, highlights } = entry ?? { excerpt: "", highlights: { excerpt: [] } };
    const marked = highlights.excerpt.map(({ from, to }) => excerpt.slice(from, to));
    expectEqual("what the ranges mark", marked, [word]);
    expectThat(excerpt.length < 1_000, `the excerpt has ${excerpt.length} characters`);
  },

  "tag, type and folder narrow a list, and are counted": async (scene) => {
    const tag = uniqueWord();
    const one = await scene.fragment("x", { id: scene.id("a/one"), tags: [tag], prompt_type: "system" });
    await scene.fragment("x", { id: scene.id("a/two"), tags: [tag] });
    await scene.fragment("x", { id: scene.id("b/three") });
    const folder = folderOf(folderOf(one));
    expectEqual("how many have the tag", (await list(scene, { tag })).total, 2);
    expectEqual("what has the type too", ids(await list(scene, { tag, type: "system" })), [one]);
    expectEqual("how many are in the folder", (await list(scene, { prefix: `${folder}/a` })).total, 2);
    const { body } = await scene.request("GET", `/v1/folders?prefix=${encodeURIComponent(folder)}`);
    const folders = [
      { path: `${folder}/a`, count: 2 },
      { path: `${folder}/b`, count: 1 },
    ];
    expectEqual("the folders", body, { folders });
    const tags = (await scene.request("GET", "/v1/tags")).body as { tags: readonly { tag: string }[] };
    expectEqual(
      "the tag's count",
      tags.tags.find((other) => other.tag === tag),
      { tag, count: 2 },
    );
  },

  "the pages of a list hold every fragment once": async (scene) => {
    const made = [];
    for (const name of ["a", "b", "c", "d", "e"])
      made.push(await scene.fragment("x", { id: scene.id(name) }));
    const prefix = folderOf(made[0] ?? "");
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page = await list(scene, {
        prefix,
        sort: "id",
        limit: "2",
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...ids(page));
      cursor = page.next_cursor;
    } while (cursor !== null && seen.length <= made.length);
    expectEqual("what the pages hold", seen, made);
  },

  "the dependents of a fragment are listed, direct and indirect ones": async (scene) => {
    const leaf = await scene.fragment("leaf", { id: scene.id("leaf") });
    const middle = await scene.fragment(`[[${leaf}]]`, { id: scene.id("middle") });
    const top = await scene.fragment(`[[${middle}]]`, { id: scene.id("top") });
    const { body } = await scene.request("GET", `/v1/dependents/${encodePath(leaf)}`);
    expectFields("its dependents", body, { id: leaf, direct: [middle], indirect: [top] });
  },

  "a wrong parameter is answered with 400 and named": async (scene) => {
    for (const parameter of ["limit=0", "sort=size", "updated_since=yesterday", "cursor=x"]) {
      const { status, body } = await scene.request("GET", `/v1/fragments?${parameter}`);
      expectEqual(`the status for ${parameter}`, status, 400);
      expectFields(`the problem with ${parameter}`, body, { code: "invalid_query" });
    }
  },
});

async function list(scene: Scene, query: Record<string, string>): Promise<Page> {
  const { status, body } = await scene.request("GET", `/v1/fragments?${new URLSearchParams(query)}`);
  expectEqual("the status of the list", status, 200);
  return body as Page; // the checks compare each field that they use
}

function ids(page: Page): string[] {
  return page.fragments.map(({ id }) => id);
}

function folderOf(id: string): string {
  return id.slice(0, id.lastIndexOf("/"));
}

/** A word that no other fragment of the server has. */
function uniqueWord(): string {
  return `q${crypto.randomUUID().replaceAll("-", "")}`;
}
