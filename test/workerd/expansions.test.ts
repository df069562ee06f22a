/** Expansions, as the worker's addresses and sockets answer them. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { ShownExpansion } from "../../src/protocol/expansion.ts";
import { connectOld, createFragment, freshId, joinJson, objectOf, request } from "./connect.ts";

const MIB = 1024 * 1024;

describe("expansion", () => {
  test("[EXP-17] an id that ends in .md is included on /v1, and is not on the old paths", async () => {
    const id = freshId();
    await request("POST", "/v1/fragments", { id, content: "short" });
    await request("POST", "/v1/fragments", { id: `${id}.md`, content: "exact" });
    const content = `[[${id}.md]]`;
    const { id: root } = await createFragment(content);
    const expandedBy = async (answer: Promise<Response>) =>
      Object.values(await (await answer).json<Record<string, unknown>>()).filter((value) =>
        /^(short|exact)$/.test(String(value)),
      );
    expect(await expandedBy(request("POST", "/v1/expand", { content }))).toEqual(["exact"]);
    expect(await expandedBy(request("GET", `/v1/expansions/${root}`))).toEqual(["exact"]);
    expect(await expandedBy(request("POST", "/api/prompts/expand", { content }))).toEqual(["short"]);
    expect(await expandedBy(request("POST", "/api/prompts/expand", { prompt_id: root }))).toEqual(["short"]);
    expect(await expandedBy(request("GET", `/api/prompts/${root}/render`))).toEqual(["short"]);
    for (const [path, expanded] of [
      ["/v1/ws/", "exact"],
      ["/ws/prompts/", "short"],
    ]) {
      const client = await connectOld(`${path}${root}`);
      await client.next("initial");
      client.send({ action: "expand" });
      expect(await client.next("expanded")).toMatchObject({ expanded });
    }
  });

  test("[REST-14] GET /v1/expansions expands the stored text, when the fragment exists", async () => {
    const b = freshId();
    const { id: a } = await createFragment(`A[[${b}]]`);
    await createFragment(`B[[${a}]]`, { id: b });
    const answer = await request("GET", `/v1/expansions/${a}`);
    expect(await answer.json()).toEqual({
      expanded: `AB[[${a}]]`,
      dependencies: [b],
      warnings: [
        {
          code: "self_reference",
          message: `'${a}' is the fragment that is being expanded.`,
          fragment: b,
          range: { from: 1, to: 5 + a.length },
          chain: [b],
        },
      ],
      variables: { filled: [], left: [] },
    });
    expect((await request("GET", `/v1/expansions/${freshId()}`)).status).toBe(404);
  });

  test("[REST-14] an edit shows in the next expansion, when it is acknowledged", async () => {
    const leaf = await createFragment("old");
    const { id } = await createFragment(`<[[${leaf.id}]]>`);
    const client = await joinJson(leaf.id);
    await client.request({ action: "update", content: "new", request_id: "r" });
    const answer = await request("GET", `/v1/expansions/${id}`);
    expect(await answer.json()).toMatchObject({ expanded: "<new>", dependencies: [leaf.id] });
  });

  test("[REST-15] a chain that doubles fifty times is answered with the limit of depth, when it is expanded", async () => {
    const base = freshId();
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => {
        const content = n === 49 ? "end" : `[[${base}/${n + 1}]][[${base}/${n + 1}]]`;
        return request("PUT", `/v1/fragments/${base}/${n}`, { content });
      }),
    );
    const answer = await request("GET", `/v1/expansions/${base}/0`);
    const { expanded, dependencies, warnings } = await answer.json<ShownExpansion>();
    expect(answer.status).toBe(200);
    // Eleven levels are put in, each twice as often as the one that encloses it; the last stays as it is.
    expect(warnings.slice(0, -1)).toEqual(
      Array.from({ length: 1_000 }, () => expect.objectContaining({ code: "depth_limit" })),
    );
    expect(warnings.at(-1)).toMatchObject({
      code: "more_warnings",
      message: `There are ${2 ** 12 - 1_000} more warnings.`,
    });
    expect(dependencies).toHaveLength(11);
    expect(expanded).toBe(`[[${base}/12]]`.repeat(2 ** 12));
  });

  test("[REST-15] inclusions stay as they are written, with a warning that names the limit, when there are more than 1,000 fragments", async () => {
    const { id } = await createFragment("there");
    const missing = Array.from({ length: 999 }, (_, n) => `${id}/${n}`);
    const names = [id, ...missing, `${id}/one-more`, `${id}/and-another`, id];
    const { expanded, dependencies, warnings } = await expand(names.map((name) => `[[${name}]]`).join(""));
    expect(warnings.filter(({ code }) => code !== "not_found")).toMatchObject([
      {
        code: "fragment_limit",
        message: "Inclusions of more than 1000 distinct fragments are not resolved.",
      },
    ]);
    expect(warnings).toHaveLength(1_000);
    expect(expanded.endsWith(`${id}/998]][[${id}/one-more]][[${id}/and-another]]there`)).toBe(true);
    expect(dependencies).toEqual([id]);
  });

  test("[REST-15] inclusions stay as they are written, with a warning that names the limit, when there are more than 10,000", async () => {
    const { id } = await createFragment("x");
    const { expanded, warnings } = await expand(`[[${id}]]`.repeat(10_002));
    expect(warnings).toMatchObject([
      { code: "inclusion_limit", message: "Inclusions after the first 10000 are not resolved." },
    ]);
    expect(expanded).toBe(`${"x".repeat(10_000)}[[${id}]][[${id}]]`);
  });

  test("[REST-15] inclusions stay as they are written, with a warning that names the limit, when the text would have more than 4 MiB", async () => {
    const { id } = await createFragment("é".repeat(MIB / 2));
    const { expanded, warnings } = await expand(`${`[[${id}]]`.repeat(5)}end`);
    expect(warnings).toMatchObject([
      {
        code: "output_limit",
        message: "From here on nothing is put in, since the text would have more than 4194304 bytes.",
      },
    ]);
    expect(expanded === `${"é".repeat(3 * (MIB / 2))}[[${id}]][[${id}]]end`).toBe(true);
  });
});

async function expand(content: string): Promise<ShownExpansion> {
  const answer = await request("POST", "/v1/expand", { content });
  expect(answer.status).toBe(200);
  return answer.json<ShownExpansion>();
}

describe("expansion as text, and its tag", () => {
  test.each([
    ["text/plain", "text/plain; charset=utf-8"],
    ["text/*", "text/plain; charset=utf-8"],
    ["TEXT/PLAIN, */*", "text/plain; charset=utf-8"],
    ["application/json;q=0.5, text/plain", "text/plain; charset=utf-8"],
    ["application/json;q=0, */*", "text/plain; charset=utf-8"],
    ["text/plain;q=0.5, */*", "application/json"],
    ["text/plain;q=0", "application/json"],
    ["application/json, text/plain, */*", "application/json"],
    ["text/html, */*;q=0.8", "application/json"],
    ["image/png", "application/json"],
    ["*/*", "application/json"],
    ["", "application/json"],
  ])("[REST-19] an expansion asked for with Accept: %s comes as %s", async (accept, type) => {
    const { id } = await createFragment("é[[nobody]]");
    const answer = await request("GET", `/v1/expansions/${id}`, undefined, { Accept: accept });
    expect([answer.headers.get("Content-Type"), answer.headers.get("Vary")]).toEqual([
      type,
      "Accept, Origin",
    ]);
    const expanded = "é[[nobody]]";
    if (type === "application/json") expect(await answer.json()).toMatchObject({ expanded });
    else {
      expect(answer.headers.get("X-Prompt-Warnings")).toBe("1");
      expect(await answer.text()).toBe(expanded);
    }
  });

  test.each(["text/plain", "application/json"])(
    "[REST-20] the answer is 304 for its own tag only, when %s was asked for",
    async (type) => {
      const { id } = await createFragment("text");
      const other = type === "text/plain" ? "application/json" : "text/plain";
      const headers = { Accept: type, "If-None-Match": await closureTag(id, type) };
      const same = await request("GET", `/v1/expansions/${id}`, undefined, headers);
      expect([same.status, same.headers.get("ETag"), same.headers.get("Vary"), await same.text()]).toEqual([
        304,
        headers["If-None-Match"],
        "Accept, Origin",
        "",
      ]);
      const foreign = { Accept: type, "If-None-Match": await closureTag(id, other) };
      const answer = await request("GET", `/v1/expansions/${id}`, undefined, foreign);
      expect(answer.status).toBe(200);
      await answer.body?.cancel();
    },
  );

  test("[REST-20] the tag changes with each fragment of the closure and with nothing else, when they are written, made and deleted", async () => {
    const base = freshId();
    const put = (name: string, content: string) =>
      request("PUT", `/v1/fragments/${base}/${name}`, { content });
    await put("leaf", "leaf");
    await put("middle", `[[${base}/leaf]]`);
    await put("other", "not included");
    await put("root", `[[${base}/middle]] [[${base}/missing]]`);
    const tags = [await closureTag(`${base}/root`)];
    const changes: [string, () => Promise<unknown>][] = [
      ["the root", () => put("root", `[[${base}/middle]] [[${base}/missing]]!`)],
      ["what is included", () => put("middle", `<[[${base}/leaf]]>`)],
      ["what is included by that", () => put("leaf", "LEAF")],
      ["metadata of it", () => request("PATCH", `/v1/fragments/${base}/leaf`, { description: "d" })],
      ["what was missing appears", () => put("missing", `[[${base}/leaf]]`)],
      ["what was there goes", () => request("DELETE", `/v1/fragments/${base}/leaf`)],
      ["and comes back with the same text", () => put("leaf", "LEAF")],
    ];
    for (const [what, change] of changes) {
      await change();
      const tag = await closureTag(`${base}/root`);
      expect(tags, what).not.toContain(tag);
      tags.push(tag);
    }
    await put("other", "changed");
    await evictDurableObject(objectOf(`${base}/root`));
    expect(await closureTag(`${base}/root`)).toBe(tags.at(-1));
  });

  async function closureTag(id: string, type = "application/json"): Promise<string> {
    const answer = await request("GET", `/v1/expansions/${id}`, undefined, { Accept: type });
    await answer.body?.cancel();
    return answer.headers.get("ETag") ?? "";
  }
});
