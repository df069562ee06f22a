/** Texts that are made to take long, to grow, or to be mistaken for something else. */
import { describe, expect, test } from "vitest";
import { EXPANSION_BUDGETS, type Expansion, expand } from "../../src/language/expansion.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import { expectLinear } from "../support/growth.ts";
import { Store } from "./expansion-store.ts";

const SIZE = 2 ** 20;
type Choice = "keep" | "empty" | "marker";

function run(
  content: string,
  texts: Readonly<Record<string, string>> = {},
  { unresolved = "keep", values = {} }: { unresolved?: Choice; values?: Record<string, string> } = {},
): Promise<Expansion> {
  const input = { content, root: null, unresolved };
  const { fetchTexts } = new Store(texts);
  return expand(input, fetchTexts, EXPANSION_BUDGETS, new Map(Object.entries(values)));
}

const PARTS: readonly [what: string, part: string][] = [
  ["opening brackets", "["],
  ["closing brackets", "]"],
  ["brackets that hold nothing", "[[]]"],
  ["names that nobody closes", "[[a"],
  ["backslashes", "\\"],
  ["escaped inclusions", "\\[[a]]"],
  ["inclusions with long aliases", "[[a|shown to people]]"],
  ["opening braces", "{"],
  ["variables that nobody closes", "{{a "],
  ["variables that are never opened", "a}}"],
  ["variables", "{{v}}"],
  ["variables without a value", "{{w}}"],
  ["spaces", " "],
  ["hash signs", "#"],
  ["line separators", "\u2028"],
];

describe("hostile texts", () => {
  test.each(PARTS)("[EXP-28] an expansion takes linear time, when a text is full of %s", async (_, part) => {
    await expectLinear(SIZE, (units) => {
      const content = part.repeat(units / part.length);
      return () => run(content, {}, { unresolved: "empty", values: { v: "value" } });
    });
  });

  test.each([
    ["in a name", (blanks: string) => `[[a${blanks}b]]`],
    ["around a name", (blanks: string) => `[[${blanks}a${blanks}|${blanks}]]`],
    ["in a variable", (blanks: string) => `{{${blanks}v${blanks}x}}`],
    ["before the title of a heading", (blanks: string) => `[[s#T]]\n# ${blanks}x\u2028`],
    ["in a heading", (blanks: string) => `[[s#a${blanks}b]]`],
  ])("[EXP-28] an expansion takes linear time, when there are many spaces %s", async (_, make) => {
    await expectLinear(SIZE / 32, (units) => {
      const content = make(" ".repeat(units));
      return () => run(content, { s: content, a: "" });
    });
  });

  test.each([
    ["headings of every level", "# a\n## b\n### c\n"],
    ["headings without a title", "#\n"],
    ["fences", "```\n~~~\n"],
    ["hash signs in one heading", "#"],
  ])("[EXP-28] a section is found in linear time, when a text is full of %s", async (_, part) => {
    await expectLinear(SIZE / 16, (units) => {
      const texts = { s: `# a ${part.repeat(units / part.length)}x` };
      return () => run("[[s#nowhere]][[s#c]]", texts);
    });
  });

  test("[EXP-28] many sections of a large text are looked for in one pass over it", async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `# h${at}`).join("\n");
    await expectLinear(1_000, (count) => {
      const content = Array.from({ length: count }, (_, at) => `[[s#H${at} ]]`).join("");
      const texts = { s: lines(count * 2) };
      return async () => {
        const { warnings, expanded } = await run(content, texts);
        expect([warnings, expanded.length >= 5 * count]).toEqual([[], true]);
      };
    });
  });

  test("[EXP-28] the map of a text full of variables and escaped inclusions is bounded", async () => {
    const content = `${"\\[[a]]".repeat(20_000)}${"{{v}}".repeat(150_000)}`;
    const { warnings, sourceMap, expanded } = await run(content, {}, { values: { v: "" } });
    expect(warnings.map(({ code }) => code)).toEqual(["inclusion_limit", "value_limit"]);
    expect(sourceMap(null).spans.length).toBeLessThan(2 * 110_001);
    expect(expanded).toBe(`${"[[a]]".repeat(10_000)}${"\\[[a]]".repeat(10_000)}${"{{v}}".repeat(50_000)}`);
  });

  test.each<[Choice, string]>([
    ["keep", "[[x]]"],
    ["empty", ""],
    ["marker", "[[PROMPT NOT FOUND: x]]"],
  ])(
    "[EXP-14] the text stays below its limit, when %s stands for many inclusions",
    async (unresolved, one) => {
      const part = "é".repeat(2 ** 15);
      const content = `${"[[x]]".repeat(9_000)}${"[[part]]".repeat(900)}${"[[x]]".repeat(9_000)}`;
      const { expanded, warnings } = await run(content, { part }, { unresolved });
      expect(utf8Length(expanded)).toBeLessThanOrEqual(EXPANSION_BUDGETS.outputBytes);
      expect(utf8Length(expanded)).toBeGreaterThan(0.9 * EXPANSION_BUDGETS.outputBytes);
      expect(expanded.startsWith(`${one.repeat(9_000)}é`)).toBe(true);
      expect(warnings.at(-1)?.code).toBe("output_limit");
    },
  );

  test("[EXP-14] sections count as long as they are", async () => {
    const text = `# a\n${"x".repeat(2 ** 18)}\n# b\ny\n`;
    const { expanded, warnings } = await run("[[s#a]]".repeat(20) + "[[s#b]]".repeat(20), { s: text });
    expect(expanded.length).toBeLessThanOrEqual(EXPANSION_BUDGETS.outputBytes);
    expect(warnings).toMatchObject([{ code: "output_limit", range: { from: 15 * 7, to: 16 * 7 } }]);
    const small = await run("[[s#b]]".repeat(9_000), { s: text });
    expect([small.expanded, small.warnings]).toEqual(["# b\ny\n".repeat(9_000), []]);
  });

  test("[EXP-25] a variable may have any name, such as one of an object's own", async () => {
    const names = ["__proto__", "constructor", "prototype", "toString", "größe", "名前"];
    const content = names.map((name) => `{{${name}}}`).join();
    const none = await run(content);
    expect([none.expanded, none.variables]).toEqual([content, { filled: [], left: names }]);
    const values = new Map(names.map((name) => [name, "v"]));
    const { fetchTexts } = new Store({});
    const input = { content, root: null, unresolved: "keep" } as const;
    const filled = await expand(input, fetchTexts, EXPANSION_BUDGETS, values);
    expect(filled.expanded).toBe("v,v,v,v,v,v");
  });

  test("[EXP-18] an id may be one of an object's own names, or be spelled in another form", async () => {
    const texts = { __proto__x: "1", constructor: "2", "Caf\u00e9": "3", two_words: "4" };
    const { expanded, dependencies } = await run(
      "[[__proto__x]][[constructor]][[Cafe\u0301#H|x]][[ two words ]][[__proto__]][[toString#a]]",
      { ...texts, "Caf\u00e9": "# H\n3" },
    );
    expect(expanded).toBe("12# H\n34[[__proto__]][[toString#a]]");
    expect(dependencies).toEqual(["__proto__x", "constructor", "Caf\u00e9", "two_words"]);
  });

  test("[EXP-28] a limit of fragments ends an expansion, when the first beyond it is asked for a section", async () => {
    const names = Array.from({ length: 1_001 }, (_, at) => `[[n${at}#H]]`).join("");
    const { expanded, warnings } = await run(names);
    expect(expanded).toBe(names);
    expect(warnings.at(-1)?.code).toBe("fragment_limit");
  });
});
