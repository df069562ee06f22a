/** The grammar of `/v1`, and what stands for an inclusion that cannot be resolved. */
import { describe, expect, test } from "vitest";
import type { Unresolved } from "../../src/language/assembly.ts";
import { EXPANSION_BUDGETS, expand } from "../../src/language/expansion.ts";
import { describeWarning } from "../../src/language/expansion-warning.ts";
import { id, Store } from "./expansion-store.ts";

const HANDBOOK = "Intro\n# Tone\nBe kind.\n## Words\nShort ones.\n# Facts ##\nOnly true ones.\n";

async function expanded(
  content: string,
  texts: Record<string, string> = {},
  unresolved: Unresolved = "keep",
) {
  return (await expand({ content, root: null, unresolved }, new Store(texts).fetchTexts)).expanded;
}

describe("names", () => {
  test.each([
    ["[[leaf]]", "LEAF"],
    ["[[ leaf ]]", "LEAF"],
    ["[[\tleaf.md ]]", "LEAF"],
    ["[[leaf|the leaf]]", "LEAF"],
    ["[[leaf | a | b ]]", "LEAF"],
    ["[[[leaf]]]", "[LEAF]"],
    ["[[a [[leaf]] b]]", "[[a LEAF b]]"],
    ["x[[leaf]]y[[leaf]]z", "xLEAFyLEAFz"],
  ])("[EXP-18] %s is read as an inclusion", async (content, wanted) => {
    expect(await expanded(content, { leaf: "LEAF" })).toBe(wanted);
  });

  test.each([
    "[[]]",
    "[[ ]]",
    "[[|shown]]",
    "[[#Tone]]",
    "[[1,2],[3,4]]",
    "[[ -f x ]]",
    '[[ "$a" == b ]]',
    "a[[b]]",
    "[[bin]]",
    "[[nodiscard]]",
    "[[leaf",
    "leaf]]",
    "[[le\naf]]",
    "[[leaf]",
    "\\[[ -f x ]]",
    "\\\\[[bin]]",
    "[[leaf@12]]",
    "[[leaf#Nothing]]",
  ])("[EXP-19] %s stays as it was written, when nothing by that name can be included", async (content) => {
    expect(await expanded(content, { leaf: "LEAF" })).toBe(content);
  });

  test.each([
    ["\\[[leaf]]", "[[leaf]]"],
    ["\\[[missing]]", "[[missing]]"],
    ["a\\[[ leaf#x | y ]]b", "a[[ leaf#x | y ]]b"],
    ["\\\\[[leaf]]", "\\\\LEAF"],
    ["\\\\\\[[leaf]]", "\\[[leaf]]"],
    ["\\\\\\\\[[leaf]]", "\\\\\\\\LEAF"],
    ["[[leaf]]\\[[leaf]]", "LEAF[[leaf]]"],
  ])(
    "[EXP-20] %s: an odd number of backslashes makes a marker plain text, and half of them go",
    async (content, wanted) => {
      expect(await expanded(content, { leaf: "LEAF" })).toBe(wanted);
    },
  );

  test("[EXP-20] an escaped marker in an included text is plain text, too", async () => {
    expect(await expanded("[[a]]", { a: "\\[[leaf]] [[leaf]]", leaf: "L" })).toBe("[[leaf]] L");
  });
});

describe("sections", () => {
  test.each([
    ["[[handbook#Tone]]", "# Tone\nBe kind.\n## Words\nShort ones.\n"],
    ["[[handbook#Words]]", "## Words\nShort ones.\n"],
    ["[[handbook# words |x]]", "## Words\nShort ones.\n"],
    ["[[handbook#Facts]]", "# Facts ##\nOnly true ones.\n"],
    ["[[handbook]]", HANDBOOK],
  ])(
    "[EXP-21] %s includes the section, up to the next heading of its level or a higher one",
    async (content, wanted) => {
      expect(await expanded(content, { handbook: HANDBOOK })).toBe(wanted);
    },
  );

  test("[EXP-21] a heading within fenced code neither begins nor ends a section", async () => {
    const text = "```sh\n# Run\n```\n# Run\na\n~~~\n# b\n```\n# c\n~~~ \nd\n# End";
    expect(await expanded("[[a#Run]]", { a: text })).toBe("# Run\na\n~~~\n# b\n```\n# c\n~~~ \nd\n");
  });

  test("[EXP-21] the heading that is written the same comes before one that differs in case", async () => {
    expect(await expanded("[[a#Tone]]", { a: "# TONE\n1\n# Tone\n2\n" })).toBe("# Tone\n2\n");
  });

  test("[EXP-22] a section may include another one of its fragment, but not itself", async () => {
    const texts = { a: "# One\n[[a#Two]]\n# Two\nend\n", b: "# One\n[[b#Two]]\n# Two\n[[b#One]]\n" };
    expect(await expanded("[[a#One]]", texts)).toBe("# One\n# Two\nend\n\n");
    const { expanded: text, warnings } = await expand(
      { content: "[[b#One]]", root: null, unresolved: "keep" },
      new Store(texts).fetchTexts,
    );
    expect(text).toBe("# One\n# Two\n[[b#One]]\n\n");
    expect(warnings).toMatchObject([{ code: "cycle", fragment: "b", chain: ["b", "b"] }]);
  });

  test("[EXP-22] a fragment may include a section of its own text, but not the one that it stands in", async () => {
    const content = "# One\n[[a#Two]][[a#One]][[a]]\n# Two\nend";
    const expansion = await expand({ content, root: id("a"), unresolved: "keep" }, new Store({}).fetchTexts);
    expect(expansion.expanded).toBe("# One\n# Two\nend[[a#One]][[a]]\n# Two\nend");
    expect(expansion.warnings.map(({ code }) => code)).toEqual(["self_reference", "self_reference"]);
    expect(expansion.dependencies).toEqual([]);
  });
});

describe("what cannot be resolved", () => {
  const texts = { a: "A[[b]]", b: "B[[a]]" };
  const content = "[[a]] [[none]] [[no id!]]";

  test.each<[Unresolved, string]>([
    ["keep", "AB[[a]] [[none]] [[no id!]]"],
    ["empty", "AB  "],
    ["marker", "AB[[CIRCULAR DEPENDENCY: a]] [[PROMPT NOT FOUND: none]] [[PROMPT NOT FOUND: no id!]]"],
  ])(
    "[EXP-23] an inclusion that cannot be resolved becomes what `unresolved` says: %s",
    async (unresolved, wanted) => {
      expect(await expanded(content, texts, unresolved)).toBe(wanted);
    },
  );

  test("[EXP-24] each warning names its kind, the fragment and the place where it stands, and what led there", async () => {
    const { fetchTexts } = new Store(texts);
    const { warnings } = await expand({ content, root: id("root"), unresolved: "keep" }, fetchTexts);
    expect(warnings).toEqual([
      { code: "cycle", subject: "a", fragment: "b", range: { from: 1, to: 6 }, chain: ["a", "b"] },
      { code: "not_found", subject: "none", fragment: "root", range: { from: 6, to: 14 }, chain: [] },
      { code: "invalid_name", subject: "no id!", fragment: "root", range: { from: 15, to: 25 }, chain: [] },
    ]);
  });

  test("[EXP-24] a warning shows a name that ends in .md as it was written", async () => {
    const input = { content: "[[x.md]][[ -f y.md ]]", root: null, unresolved: "keep" } as const;
    const { warnings } = await expand(input, new Store({}).fetchTexts);
    expect(warnings).toMatchObject([
      { code: "not_found", subject: "x.md" },
      { code: "invalid_name", subject: "-f y.md" },
    ]);
  });

  test("[EXP-24] a version and a section that are not there have warnings of their own", async () => {
    const input = { content: "[[a@9]][[a # No|x]]", root: null, unresolved: "keep" } as const;
    const { warnings } = await expand(input, new Store(texts).fetchTexts);
    expect(warnings.map(({ code }) => code)).toEqual(["version_not_found", "section_not_found"]);
    expect(warnings.map(describeWarning)).toEqual([
      "There is no version 'a@9'.",
      "There is no section 'a#No'.",
    ]);
  });

  test.each<[Unresolved, string]>([
    ["keep", "x[[deep]]\\[[y]]"],
    ["empty", "x[[y]]"],
  ])("[EXP-23] inclusions that are too deep are not resolved: %s", async (unresolved, wanted) => {
    const { fetchTexts } = new Store({ top: "[[deep]]", deep: "x[[deep]]\\[[y]]" });
    const budgets = { ...EXPANSION_BUDGETS, depth: 1 };
    const { expanded, warnings } = await expand(
      { content: "[[top]]", root: null, unresolved },
      fetchTexts,
      budgets,
    );
    expect(expanded).toBe(wanted.replace("\\", ""));
    expect(warnings.map(({ code }) => code)).toEqual(["depth_limit"]);
  });

  test.each<[Unresolved, string]>([
    ["keep", "x[[a]][[b]]\n[[a]]"],
    ["empty", "x\n"],
  ])("[EXP-23] inclusions after a limit are not resolved: %s", async (unresolved, wanted) => {
    const budgets = { ...EXPANSION_BUDGETS, inclusions: 1 };
    const input = { content: "[[a]][[a]][[b]]\n[[a]]", root: null, unresolved };
    const { expanded, warnings } = await expand(input, new Store({ a: "x" }).fetchTexts, budgets);
    expect(expanded).toBe(wanted);
    expect(warnings.map(({ code }) => code)).toEqual(["inclusion_limit"]);
  });
});
