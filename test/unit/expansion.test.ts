import { describe, expect, test } from "vitest";
import { EXPANSION_BUDGETS } from "../../src/language/expansion.ts";
import type { FragmentId } from "../../src/language/fragment-id.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import { expandAsBefore, id, Store } from "./expansion-store.ts";

/** Numbered names: `names("c", 3)` is c1, c2, c3. */
function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

function include(ids: readonly string[]): string {
  return ids.map((name) => `[[${name}]]`).join("");
}

describe("names", () => {
  test.each([
    [false, "exact short exact two"],
    [true, "short short short exact"],
  ])(
    "[EXP-17] a name that ends in .md means the exact id first, unless one is always dropped: %s",
    async (dropsExtension, expanded) => {
      const { fetchTexts } = new Store({
        a: "short",
        "a.md": "exact",
        "a.md.md": "two",
        "b.md": "",
        b: "short",
      });
      const content = "[[a.md]] [[a]] [[a.md]] [[a.md.md]]";
      const expansion = await expandAsBefore({ content, root: null, dropsExtension }, fetchTexts);
      expect(expansion.expanded).toBe(expanded);
    },
  );

  test("[EXP-17] the fragment without .md is meant, when the exact one is missing, and both are asked for at once", async () => {
    const store = new Store({ a: "A[[b.md]]", b: "B" });
    const { expanded, closure } = await expandAsBefore(
      { content: "[[a.md]][[none.md]]", root: null },
      store.fetchTexts,
    );
    expect(expanded).toBe("AB[[PROMPT NOT FOUND: none]]");
    expect(store.calls).toEqual([
      ["a.md", "a", "none.md", "none"],
      ["b.md", "b"],
    ]);
    expect(closure.get(id("a.md"))).toBeNull();
  });

  test("[EXP-17] cycles and self-references are judged by the fragment that is meant", async () => {
    const { fetchTexts } = new Store({ a: "[[a.md]]", "a.md": "[[a]][[root.md]]", root: "" });
    const { expanded } = await expandAsBefore({ content: "[[a]]", root: id("root.md") }, fetchTexts);
    expect(expanded).toBe("[[CIRCULAR DEPENDENCY: a]][[SELF-REFERENCE: root.md]]");
  });

  test("[EXP-2] expand finds the fragment and lists its canonical id, when the name is written another way", async () => {
    const { fetchTexts } = new Store({ my_prompt: "MINE", café: "COFFEE" });
    const expansion = await expandAsBefore(
      { content: "[[my prompt]] [[cafe\u0301.md]]", root: null },
      fetchTexts,
    );
    expect(expansion.expanded).toBe("MINE COFFEE");
    expect(expansion.dependencies).toEqual(["my_prompt", "café"]);
  });

  test("[EXP-2] expand shows the written name, when the inclusion is a self-reference or closes a circle", async () => {
    const { fetchTexts } = new Store({ my_b: "B[[my b.md]]" });
    const { expanded } = await expandAsBefore(
      { content: "[[my a.md]][[my_b]]", root: id("my_a") },
      fetchTexts,
    );
    expect(expanded).toBe("[[SELF-REFERENCE: my a]]B[[CIRCULAR DEPENDENCY: my b]]");
  });

  test("[EXP-4] expand asks for nothing, when the name is no valid id", async () => {
    const store = new Store({});
    const { warnings } = await expandAsBefore({ content: "[[a/../b]]", root: null }, store.fetchTexts);
    expect(warnings).toEqual(["Prompt not found: 'a/../b'"]);
    expect(store.calls).toEqual([]);
  });

  test("[EXP-4] expand does not look into its own notices, when a notice looks like an inclusion", async () => {
    const { fetchTexts } = new Store({ a: "[[PROMPT NOT FOUND: x]]" });
    const { expanded } = await expandAsBefore({ content: "[[a]]", root: null }, fetchTexts);
    expect(expanded).toBe("[[PROMPT NOT FOUND: PROMPT NOT FOUND: x]]");
  });

  test("[EXP-9] expand gives revisions, when an id is the name of an object's property", async () => {
    // Computed, because a literal __proto__ key would set the prototype.
    const { fetchTexts } = new Store({ ["__proto__"]: "P", constructor: "C" });
    const expansion = await expandAsBefore(
      { content: "[[__proto__]][[constructor]][[toString]]", root: null },
      fetchTexts,
    );
    expect(expansion.expanded).toBe("PC[[PROMPT NOT FOUND: toString]]");
    expect([...expansion.revisions]).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
  });
});

describe("cycles", () => {
  test("[EXP-6] expand ends with a notice, when two simultaneous edits made two fragments include each other", async () => {
    // Either edit alone was fine: the other fragment did not include back when it was written.
    const { fetchTexts } = new Store({ a: "A[[b]]", b: "B[[a]]", entry: "[[a]]" });
    const expansion = await expandAsBefore({ content: "[[a]]", root: id("entry") }, fetchTexts);
    expect(expansion.expanded).toBe("AB[[CIRCULAR DEPENDENCY: a]]");
  });

  test("[EXP-5] expand names the self-reference, when the second of two simultaneous edits is expanded by its author", async () => {
    // The stored text of `a` is still the old one: the content being expanded is what counts as its text.
    const { fetchTexts } = new Store({ a: "old", b: "B[[a]]" });
    const expansion = await expandAsBefore({ content: "A[[b]]", root: id("a") }, fetchTexts);
    expect(expansion.expanded).toBe("AB[[SELF-REFERENCE: a]]");
    expect(expansion.dependencies).toEqual(["b"]);
  });

  test("[EXP-6] expand includes a fragment again, when it stands beside itself", async () => {
    const { fetchTexts } = new Store({ a: "A[[leaf]]", leaf: "L" });
    const expansion = await expandAsBefore({ content: "[[leaf]][[a]][[leaf]][[a]]", root: null }, fetchTexts);
    expect(expansion).toMatchObject({ expanded: "LALLAL", dependencies: ["leaf", "a"], warnings: [] });
  });
});

describe("warnings", () => {
  test("[EXP-8] expand orders warnings as they are met, when they come from several depths", async () => {
    const { fetchTexts } = new Store({ a: "[[x]][[b]][[y]]", b: "[[z]]" });
    const { warnings } = await expandAsBefore({ content: "[[a]][[x]]", root: null }, fetchTexts);
    expect(warnings).toEqual(["x", "z", "y", "x"].map((name) => `Prompt not found: '${name}'`));
  });

  test("[EXP-7] expand warns for each text too deep, when such a text holds no inclusion", async () => {
    const { fetchTexts } = new Store({ a: "[[b]]", b: "B" });
    const budgets = { ...EXPANSION_BUDGETS, depth: 1 };
    const expansion = await expandAsBefore({ content: "[[a]][[a]]", root: null }, fetchTexts, budgets);
    expect(expansion.expanded).toBe("BB");
    expect(expansion.warnings).toEqual(Array(2).fill("Maximum inclusion depth reached, stopping recursion"));
  });
});

describe("loading", () => {
  test("[EXP-10] expand calls once a level and asks once for each fragment, when fragments are shared", async () => {
    const store = new Store({
      a: "[[b]][[shared]]",
      b: "[[shared]][[c]][[a]]",
      c: "C[[root]]",
      shared: "[[c]]",
    });
    await expandAsBefore({ content: "[[a]][[a]][[shared]][[nope]]", root: id("root") }, store.fetchTexts);
    expect(store.calls).toEqual([
      ["a", "shared", "nope"],
      ["b", "c"],
    ]);
  });

  test("[EXP-10] expand does not load what it will not use, when a chain is deeper than the limit", async () => {
    const chain = names("c", 50);
    const store = new Store(Object.fromEntries(chain.map((name, index) => [name, `[[c${index + 2}]]`])));
    await expandAsBefore({ content: "[[c1]]", root: null }, store.fetchTexts);
    expect(store.calls).toEqual(chain.slice(0, 11).map((name) => [name]));
  });

  test("[EXP-10] expand asks for a level in one call, when its texts are shorter than their markers and space is short", async () => {
    const store = new Store({ p: "[[a_long_name]]", a_long_name: "", q: "just fits[[n]]", n: "!" });
    const budgets = { ...EXPANSION_BUDGETS, outputBytes: 20 };
    const { expanded } = await expandAsBefore(
      { content: "[[p]][[q]]", root: null },
      store.fetchTexts,
      budgets,
    );
    expect(expanded).toBe("just fits!");
    expect(store.calls).toEqual([
      ["p", "q"],
      ["a_long_name", "n"],
    ]);
  });

  test("[EXP-10] expand calls nobody, when the text includes nothing", async () => {
    const store = new Store({});
    const expansion = await expandAsBefore({ content: "plain [[]] text", root: null }, store.fetchTexts);
    expect(expansion).toMatchObject({
      expanded: "plain [[]] text",
      dependencies: [],
      warnings: [],
      revisions: new Map(),
      closure: new Map(),
    });
    expect(store.calls).toEqual([]);
  });

  test("[EXP-16] expand names all that it asked for, when some is missing and some was asked for twice", async () => {
    const store = new Store({ a: "[[b]][[none]]", b: "[[a]][[none]]", unused: "" });
    const { closure } = await expandAsBefore(
      { content: "[[a]][[b]][[root]]", root: id("root") },
      store.fetchTexts,
    );
    expect([...closure]).toEqual([
      ["a", 1],
      ["b", 2],
      ["none", null],
    ]);
  });

  test("[EXP-9] expand shows one revision of a fragment, when it changes between two levels", async () => {
    let revision = 0;
    const changing = async (ids: readonly FragmentId[]) => {
      revision++;
      return new Map(
        ids.map((each) => [each, { text: each === "a" ? "[[leaf]]" : `r${revision}`, revision }]),
      );
    };
    const expansion = await expandAsBefore({ content: "[[leaf]][[a]]", root: null }, changing);
    expect(expansion.expanded).toBe("r1r1");
    expect([...expansion.revisions]).toEqual([
      ["leaf", 1],
      ["a", 1],
    ]);
  });

  test("[EXP-11] expand fails with the same error, when a fragment of the second level cannot be read", async () => {
    const outage = new Error("storage is down");
    const store = new Store({ a: "[[b]]" });
    const failing = async (ids: readonly FragmentId[]) => {
      if (ids.includes(id("b"))) throw outage;
      return store.fetchTexts(ids);
    };
    await expect(expandAsBefore({ content: "[[a]]", root: null }, failing)).rejects.toBe(outage);
  });
});

describe("budgets", () => {
  const fragmentWarning = (limit: number) =>
    `Fragment limit reached: inclusions of more than ${limit} distinct fragments are left as written`;
  const inclusionWarning = (limit: number) =>
    `Inclusion limit reached: inclusions after the first ${limit} are left as written`;
  const outputWarning = (limit: number) =>
    `Output limit reached: inclusions that take the text beyond ${limit} bytes, and those after, are left as written`;

  test("[EXP-12] expand resolves all, when it needs exactly 1,000 distinct fragments", async () => {
    const ids = names("f", 1_000);
    const store = new Store(Object.fromEntries(ids.map((name) => [name, "x"])));
    const expansion = await expandAsBefore({ content: include(ids), root: null }, store.fetchTexts);
    expect(expansion).toMatchObject({ expanded: "x".repeat(1_000), warnings: [], dependencies: ids });
  });

  test("[EXP-12] expand leaves the others as written and warns once, when it needs 1,002", async () => {
    const ids = names("f", 1_002);
    const store = new Store(Object.fromEntries(ids.map((name) => [name, "x"])));
    const content = `${include(ids)}[[f1]][[f1002]]`;
    const expansion = await expandAsBefore({ content, root: null }, store.fetchTexts);
    expect(expansion.expanded).toBe(`${"x".repeat(1_000)}[[f1001]][[f1002]]x[[f1002]]`);
    expect(expansion.warnings).toEqual([fragmentWarning(1_000)]);
    expect(store.calls.flat()).toEqual(ids.slice(0, 1_000));
  });

  test("[EXP-12] expand counts level by level and missing ones too, when the limit falls into the second level", async () => {
    const store = new Store({ a: "[[d]][[e]]", b: "[[d]][[e]]", d: "D", e: "E" });
    const budgets = { ...EXPANSION_BUDGETS, fragments: 4 };
    const expansion = await expandAsBefore(
      { content: "[[a]][[nope]][[b]]", root: null },
      store.fetchTexts,
      budgets,
    );
    expect(expansion.expanded).toBe("D[[e]][[PROMPT NOT FOUND: nope]]D[[e]]");
    expect(expansion.warnings).toEqual([fragmentWarning(4), "Prompt not found: 'nope'"]);
    expect(store.calls).toEqual([["a", "nope", "b"], ["d"]]);
  });

  test("[EXP-13] expand resolves all, when it meets exactly 10,000 inclusions", async () => {
    const { fetchTexts } = new Store({ a: "x" });
    const expansion = await expandAsBefore({ content: "[[a]]".repeat(10_000), root: null }, fetchTexts);
    expect(expansion).toMatchObject({ expanded: "x".repeat(10_000), warnings: [] });
  });

  test("[EXP-13] expand leaves the rest as written and warns once, when it meets 10,002 inclusions", async () => {
    const { fetchTexts } = new Store({ a: "x" });
    const expansion = await expandAsBefore({ content: "[[a]]".repeat(10_002), root: null }, fetchTexts);
    expect(expansion.expanded).toBe(`${"x".repeat(10_000)}[[a]][[a]]`);
    expect(expansion.warnings).toEqual([inclusionWarning(10_000)]);
  });

  test("[EXP-13] expand leaves the rest of every enclosing text, when the limit falls inside an inclusion", async () => {
    const { fetchTexts } = new Store({ a: "<[[b]],[[b]],[[b]]>", b: "x" });
    const budgets = { ...EXPANSION_BUDGETS, inclusions: 3 };
    const expansion = await expandAsBefore({ content: "([[a]];[[b]])", root: null }, fetchTexts, budgets);
    expect(expansion.expanded).toBe("(<x,x,[[b]]>;[[b]])");
    expect(expansion.warnings).toEqual([inclusionWarning(3)]);
  });

  test("[EXP-13] expand counts inclusions left at another limit, when there are many of them", async () => {
    const { fetchTexts } = new Store({ a: "x" });
    const budgets = { ...EXPANSION_BUDGETS, fragments: 1, inclusions: 3 };
    const { warnings } = await expandAsBefore(
      { content: "[[a]][[b]][[c]][[a]]", root: null },
      fetchTexts,
      budgets,
    );
    expect(warnings).toEqual([fragmentWarning(1), inclusionWarning(3)]);
  });

  test("[EXP-14] expand resolves all, when the text is exactly 4 MiB", async () => {
    const { fetchTexts } = new Store({ mib: "漢a".repeat(2 ** 18) });
    const expansion = await expandAsBefore({ content: "[[mib]]".repeat(4), root: null }, fetchTexts);
    expect(utf8Length(expansion.expanded)).toBe(2 ** 22);
    expect(expansion.warnings).toEqual([]);
  });

  test("[EXP-14] expand leaves the inclusion and all after it, when the text would be one byte more than 4 MiB", async () => {
    const { fetchTexts } = new Store({ mib: "漢a".repeat(2 ** 18), a: "" });
    const expansion = await expandAsBefore(
      { content: `${"[[mib]]".repeat(4)}![[a]]`, root: null },
      fetchTexts,
    );
    expect(expansion.expanded.slice(-(7 + 1 + 5))).toBe("[[mib]]![[a]]");
    expect(utf8Length(expansion.expanded)).toBe(3 * 2 ** 20 + 7 + 1 + 5);
    expect(expansion.warnings).toEqual([outputWarning(4_194_304)]);
    expect(expansion.dependencies).toEqual(["mib"]);
  });

  test("[EXP-14] expand counts notices as output, when a name that is not found does not fit", async () => {
    const { fetchTexts } = new Store({});
    const budgets = { ...EXPANSION_BUDGETS, outputBytes: 30 };
    const expansion = await expandAsBefore({ content: "[[x]][[y]]", root: null }, fetchTexts, budgets);
    expect(expansion.expanded).toBe("[[PROMPT NOT FOUND: x]][[y]]");
    expect(expansion.warnings).toEqual(["Prompt not found: 'x'", outputWarning(30)]);
  });

  test("[EXP-14] expand gives the content back, when it is too large by itself", async () => {
    const { fetchTexts } = new Store({ a: "" });
    const budgets = { ...EXPANSION_BUDGETS, outputBytes: 3 };
    const expansion = await expandAsBefore({ content: "12345678[[a]]", root: null }, fetchTexts, budgets);
    expect(expansion).toMatchObject({ expanded: "12345678[[a]]", warnings: [outputWarning(3)] });
  });

  test("[EXP-14] expand reads each fragment once and keeps to its size, when fragments multiply beyond every limit", async () => {
    const fan = "[[f1]]some words[[f2]]".repeat(20_000);
    const store = new Store({ f1: fan, f2: fan });
    const expansion = await expandAsBefore({ content: fan, root: null }, store.fetchTexts);
    expect(store.calls.flat().toSorted()).toEqual(["f1", "f2"]);
    expect(utf8Length(expansion.expanded)).toBeLessThanOrEqual(EXPANSION_BUDGETS.outputBytes);
  });

  test("[EXP-15] expand stops at the limit of depth, when fifty fragments each include the next twice", async () => {
    const chain = names("c", 50);
    const texts = chain.map(
      (name, index) => [name, index < 49 ? `[[c${index + 2}]]`.repeat(2) : "end"] as const,
    );
    const store = new Store(Object.fromEntries(texts));
    const expansion = await expandAsBefore({ content: "[[c2]][[c2]]", root: id("c1") }, store.fetchTexts);
    expect(expansion.expanded).toBe("[[c13]][[c13]]".repeat(2 ** 11));
    expect(expansion.warnings).toHaveLength(2 ** 11);
    expect(store.calls).toHaveLength(11);
  });
});
