/** The options of an expansion, over each address that expands. */
import { describe, expect, test } from "vitest";
import { SourceMap } from "../../src/language/source-map.ts";
import type { ShownExpansion } from "../../src/protocol/expansion.ts";
import { expandScene, makeScene } from "../support/expansion-scene.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { connectOld, createFragment, joinJson, request } from "./connect.ts";

interface Options {
  readonly unresolved?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly map?: boolean;
}

interface Refused {
  readonly code: string;
  readonly detail?: string;
  readonly message?: string;
  readonly warnings?: ShownExpansion["warnings"];
}

/** Expands this stored text. */
type Expand = (id: string, content: string, options: Options) => Promise<ShownExpansion | Refused>;

const ADDRESSES: Readonly<Record<string, Expand>> = {
  "POST /v1/expand": async (id, content, options) =>
    (await request("POST", "/v1/expand", { content, id, ...options })).json(),
  "GET /v1/expansions/{id}": async (id, _, { unresolved, variables = {}, map }) => {
    const query = new URLSearchParams(
      Object.entries(variables).map(([name, value]) => [`var.${name}`, value]),
    );
    if (unresolved !== undefined) query.set("unresolved", unresolved);
    if (map !== undefined) query.set("map", map ? "1" : "0");
    return (await request("GET", `/v1/expansions/${id}?${query}`)).json();
  },
  "/v1/ws/{id}": async (id, _, options) => {
    const client = await joinJson(id);
    const answer = await client.request({ action: "expand", request_id: "r", ...options });
    client.close();
    if (answer.action === "update_status") throw new Error("an expansion was answered as a write");
    return answer as unknown as ShownExpansion | Refused; // what the wire brings, checked by the tests
  },
};
const EACH = Object.entries(ADDRESSES);

async function expandStored(expand: Expand, content: string, options: Options): Promise<ShownExpansion> {
  const { id } = await createFragment(content);
  const answer = await expand(id, content, options);
  if (!("expanded" in answer)) throw new Error(JSON.stringify(answer));
  return answer;
}

async function refusalOf(expand: Expand, content: string, options: object): Promise<Refused> {
  const { id } = await createFragment(content);
  const answer = await expand(id, content, options);
  if (!("code" in answer)) throw new Error(JSON.stringify(answer));
  return answer;
}

describe("unresolved", () => {
  test.each(EACH)(
    "[EXP-23] %s puts in place of an inclusion what it is asked for, else keeps it",
    async (_, expand) => {
      const content = "a [[no/where]] [[b?]]";
      const warnings = [{ code: "not_found" }, { code: "invalid_name" }];
      const answers = {
        keep: content,
        empty: "a  ",
        marker: "a [[PROMPT NOT FOUND: no/where]] [[PROMPT NOT FOUND: b?]]",
      };
      for (const [unresolved, expanded] of Object.entries(answers))
        expect(await expandStored(expand, content, { unresolved })).toMatchObject({ expanded, warnings });
      expect(await expandStored(expand, content, {})).toMatchObject({ expanded: content, warnings });
    },
  );

  test.each(EACH)(
    "[EXP-23] %s refuses with all warnings, when it is asked for `error`",
    async (_, expand) => {
      const refused = await refusalOf(expand, "a [[no/where]] [[ -f x ]]", { unresolved: "error" });
      expect(refused.code).toBe("unresolved_inclusions");
      expect(refused.detail ?? refused.message).toBe(
        "There is no fragment 'no/where'. There is 1 more warning.",
      );
      expect(refused.warnings).toMatchObject([
        { code: "not_found", range: { from: 2, to: 14 }, chain: [] },
        { code: "invalid_name", range: { from: 15, to: 25 }, chain: [] },
      ]);
      const whole = await expandStored(expand, "[[no/where", { unresolved: "error" });
      expect(whole).toMatchObject({ expanded: "[[no/where", warnings: [] });
    },
  );

  test("[EXP-23] the refusal is 422, also when plain text was asked for", async () => {
    const { id } = await createFragment("[[no/where]]");
    const headers = { Accept: "text/plain" };
    const answer = await request("GET", `/v1/expansions/${id}?unresolved=error`, undefined, headers);
    expect([answer.status, answer.headers.get("Content-Type")]).toEqual([422, "application/problem+json"]);
    const posted = await request("POST", "/v1/expand", { content: "[[a b!]]", unresolved: "error" });
    expect(posted.status).toBe(422);
  });

  test.each(EACH)("[EXP-23] %s names the choices, when it is asked for another one", async (_, expand) => {
    const refused = await refusalOf(expand, "", { unresolved: "drop" });
    expect(refused.code).toMatch(/^invalid_(body|query|frame)$/);
    expect(refused.detail ?? refused.message).toContain('one of "keep", "marker", "empty", "error"');
  });

  test.each(EACH)(
    "[EXP-24] %s lists a thousand warnings and says how many more there are",
    async (_, expand) => {
      const content = "[[ -f x ]]".repeat(10_000);
      const { warnings, expanded } = await expandStored(expand, content, {});
      expect(expanded).toBe(content);
      expect(warnings).toHaveLength(1_001);
      expect(warnings.at(-1)).toMatchObject({
        code: "more_warnings",
        message: "There are 9000 more warnings.",
        range: { from: 10_000, to: 10_010 },
      });
    },
  );

  test("[EXP-24] the header of a plain text counts all warnings", async () => {
    const { id } = await createFragment("[[ -f x ]]".repeat(2_000));
    const answer = await request("GET", `/v1/expansions/${id}`, undefined, { Accept: "text/plain" });
    expect(answer.headers.get("X-Prompt-Warnings")).toBe("2000");
    await answer.body?.cancel();
  });

  test("[EXP-24] a warning repeats little of a long name", async () => {
    const { json } = await postText(`[[${"x y".repeat(100_000)}]]`);
    expect(JSON.stringify((json as ShownExpansion).warnings).length).toBeLessThan(500);
  });

  test("[EXP-24] a warning repeats little of a long name, when a fragment that has it is included again and again", async () => {
    const { id } = await createFragment(`[[${"x y".repeat(300_000)}]]`);
    const { json } = await postText(`[[${id}]]`.repeat(50), { unresolved: "empty" });
    const { warnings } = json as ShownExpansion;
    expect(warnings).toHaveLength(50);
    expect(JSON.stringify(warnings).length).toBeLessThan(50 * 500);
  });
});

describe("variables", () => {
  const names = ["city", "größe", "名前", "_a-1", "__proto__", "constructor", "prototype", "toString"];

  test.each(EACH)("[EXP-25] %s fills a variable, whatever it is called", async (_, expand) => {
    const content = names.map((name) => `{{${name}}} {{ ${name} }}`).join(" ");
    const values = names.map((name, at) => [name, ` ${at}{{city}}[[no/where]]\r\n&+%"\n`] as const);
    const { expanded, variables } = await expandStored(expand, content, {
      variables: Object.fromEntries(values),
    });
    expect(expanded).toBe(values.map(([, value]) => `${value} ${value}`).join(" "));
    expect(variables).toEqual({ filled: names, left: [] });
    const none = await expandStored(expand, content, {});
    expect(none).toMatchObject({ expanded: content, variables: { filled: [], left: names } });
  });

  test.each(EACH)(
    "[EXP-25] %s takes an empty value, and ignores a value that nothing asks for",
    async (_, expand) => {
      const variables = { a: "", b: "unused", "": "nameless", "a b": "no name" };
      const answer = await expandStored(expand, "<{{a}}{{}}{{a b}}>", { variables });
      expect(answer).toMatchObject({ expanded: "<{{}}{{a b}}>", variables: { filled: ["a"], left: [] } });
    },
  );

  test.each(EACH.filter(([address]) => !address.startsWith("GET")))(
    "[EXP-25] %s refuses variables that are not strings by name",
    async (_, expand) => {
      const wrong: readonly unknown[] = [
        ["x"],
        "x",
        1,
        { a: 1 },
        { a: null },
        { a: ["x"] },
        { __proto__x: {} },
      ];
      for (const variables of wrong) {
        const refused = await refusalOf(expand, "{{a}}", { variables });
        expect(refused.code, JSON.stringify(variables)).toMatch(/^invalid_(body|frame)$/);
        expect(refused.detail ?? refused.message).toMatch(/variables: must be an object of strings\.$/);
      }
      for (const value of ["\ud800", "a\0"]) {
        const refused = await refusalOf(expand, "{{a}}", { variables: { a: value } });
        expect(refused.detail ?? refused.message).toMatch(/must not have NUL .* in a value\.$/);
      }
    },
  );

  test.each(EACH)("[EXP-25] %s takes a thousand values, and no more", async (_, expand) => {
    const values = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_unused, at) => [`v${at}`, `${at}`]));
    const { expanded } = await expandStored(expand, "{{v999}}", { variables: values(1_000) });
    expect(expanded).toBe("999");
    const refused = await refusalOf(expand, "", { variables: values(1_001) });
    expect(refused.detail ?? refused.message).toContain("must have at most 1000 values");
  });

  test("[EXP-25] the last of several values counts, and a misspelt parameter is refused", async () => {
    const { id } = await createFragment("{{a}}");
    const answer = await request("GET", `/v1/expansions/${id}?var.a=1&var.a=2`);
    expect(await answer.json()).toMatchObject({ expanded: "2" });
    const refused = await request("GET", `/v1/expansions/${id}?vra.a=1`);
    expect(await refused.json()).toMatchObject({ code: "invalid_query" });
  });

  test("[EXP-27] a value of 1 MiB is inserted as long as the text has at most 4 MiB", async () => {
    const value = "é".repeat(2 ** 19);
    const { json } = await postText("{{v}}".repeat(5), { variables: { v: value } });
    const { expanded, warnings } = json as ShownExpansion;
    expect(expanded === `${value.repeat(3)}${"{{v}}".repeat(2)}`).toBe(true);
    expect(warnings).toMatchObject([{ code: "output_limit", range: { from: 15, to: 20 } }]);
  });

  test("[EXP-25] the tag is that of the texts, and each address has its own text", async () => {
    const { id } = await createFragment("{{a}}");
    const first = await request("GET", `/v1/expansions/${id}?var.a=1`);
    const second = await request("GET", `/v1/expansions/${id}?var.a=2`);
    expect(first.headers.get("ETag")).toBe(second.headers.get("ETag"));
    expect([await first.json(), await second.json()]).toMatchObject([{ expanded: "1" }, { expanded: "2" }]);
  });
});

describe("source map", () => {
  test.each(EACH)(
    "[MAP-1] %s says where each character was written, in random closures",
    async (address, expand) => {
      await forEachSeed(25, [], async (seed) => {
        const scene = makeScene(seed);
        const root = scene.root ?? "nobody/includes/this";
        const versions = new Map<string, number>();
        for (const [id, content] of [...Object.entries(scene.texts), [root, scene.content] as const]) {
          const stored = await request("PUT", `/v1/fragments/${id}`, { content });
          versions.set(id, (await stored.json<{ version: number }>()).version);
        }
        const { unresolved, values: variables } = scene;
        const answer = await expand(root, scene.content, { unresolved, variables, map: true });
        if (!("expanded" in answer) || answer.map === undefined) throw new Error(JSON.stringify(answer));
        const map = new SourceMap(answer.map);
        const origins = expandScene(scene);
        expect(answer.expanded).toBe(origins.map(({ character }) => character).join(""));
        for (const [offset, { source, at, character }] of origins.entries()) {
          const origin = map.originOf(offset);
          const isStored = source !== null || !address.startsWith("POST");
          const version = isStored ? versions.get(source ?? root) : null;
          expect(origin).toMatchObject({ id: source ?? root, version, isExact: at !== null });
          if (origin === null || at === null) continue;
          expect([origin.at, (source === null ? scene.content : scene.texts[source])?.[at]]).toEqual([
            at,
            character,
          ]);
          expect(map.placesOf(origin.id, at)).toContain(offset);
        }
        expect(map.originOf(answer.expanded.length)).toBeNull();
      });
    },
  );

  test.each(EACH)("[MAP-1] %s answers without a map, unless it is asked for one", async (_, expand) => {
    expect(await expandStored(expand, "text", {})).not.toHaveProperty("map");
    expect(await expandStored(expand, "text", { map: false })).not.toHaveProperty("map");
    expect(await expandStored(expand, "text", { map: true })).toMatchObject({ map: { spans: [[4, 0, 0]] } });
  });

  test("[MAP-1] places are those of the text as REST shows it, when it has CRLF line ends", async () => {
    const { id } = await createFragment("a\r\nb [[none]] c\r\n");
    const answer = await request("GET", `/v1/expansions/${id}?map=1`);
    const { map, warnings, expanded } = await answer.json<ShownExpansion>();
    if (map === undefined) throw new Error("there is no map");
    expect(new SourceMap(map).originOf(expanded.indexOf("c"))).toMatchObject({ at: 14 });
    expect(warnings).toMatchObject([{ range: { from: 5, to: 13 } }]);
  });

  test("[MAP-2] a content that is sent without an id has none in the map", async () => {
    const { json } = await postText("x", { map: true });
    expect(json).toMatchObject({ map: { sources: [{ id: null, version: null }], spans: [[1, 0, 0]] } });
  });
});

describe("the old paths", () => {
  test("[EXP-24] they ignore what /v1 may be asked, and answer as they did", async () => {
    const { id } = await createFragment("{{a}} [[no/where]]");
    const asked = { unresolved: "empty", variables: { a: "1" }, map: true };
    const expanded = "{{a}} [[PROMPT NOT FOUND: no/where]]";
    const warnings = ["Prompt not found: 'no/where'"];
    const posted = await request("POST", "/api/prompts/expand", { content: "{{a}} [[no/where]]", ...asked });
    expect(await posted.json()).toEqual({
      content: "{{a}} [[no/where]]",
      expanded,
      dependencies: [],
      warnings,
    });
    for (const frame of [asked, { unresolved: 5, variables: "x", map: "y" }]) {
      const client = await connectOld(`/ws/prompts/${id}`);
      await client.next("initial");
      client.send({ action: "expand", request_id: "r", ...frame });
      expect(await client.next("expanded")).toEqual({
        action: "expanded",
        content: "{{a}} [[no/where]]",
        expanded,
        dependencies: [],
        warnings,
        request_id: "r",
      });
    }
  });

  test("[EXP-18] they do not know aliases, sections and backslashes", async () => {
    const { id } = await createFragment("# A\n");
    const content = `[[${id}|x]] [[${id}#A]] \\[[${id}]]`;
    const answer = await request("POST", "/api/prompts/expand", { content });
    expect(await answer.json()).toMatchObject({
      expanded: `[[PROMPT NOT FOUND: ${id}|x]] [[PROMPT NOT FOUND: ${id}#A]] \\# A\n`,
    });
  });
});

describe("dependents", () => {
  test("[CAT-7] the fragments that include another by an alias or a section are its dependents", async () => {
    const { id } = await createFragment("# A\n");
    const including = await Promise.all(
      [`[[${id}|x]]`, `[[ ${id}#A ]]`, `[[${id}@12]]`].map(async (text) => (await createFragment(text)).id),
    );
    await createFragment(`\\[[${id}]]`);
    await expect
      .poll(async () => (await request("GET", `/v1/dependents/${id}`)).json())
      .toMatchObject({ direct: including.sort(), indirect: [] });
  });
});

async function postText(content: string, options: Options = {}) {
  const answer = await request("POST", "/v1/expand", { content, ...options });
  return { json: await answer.json<ShownExpansion | Refused>() };
}
