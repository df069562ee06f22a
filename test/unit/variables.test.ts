import { describe, expect, test } from "vitest";
import { EXPANSION_BUDGETS, expand } from "../../src/language/expansion.ts";
import { Store } from "./expansion-store.ts";

async function fill(content: string, values: Record<string, string>, texts: Record<string, string> = {}) {
  const { fetchTexts } = new Store(texts);
  const input = { content, root: null, unresolved: "keep" } as const;
  return expand(input, fetchTexts, EXPANSION_BUDGETS, new Map(Object.entries(values)));
}

describe("variables", () => {
  test.each([
    ["{{city}}", "Lisbon"],
    ["{{ city }}", "Lisbon"],
    ["{{\tcity  }}!", "Lisbon!"],
    ["{{city}}{{city}}", "LisbonLisbon"],
    ["{{größe}} {{_a-1}}", "XL one"],
    [
      "{{city}} {{other}} {{ user.name }} {{#if city}} {% city %} {{{city}}} {city} {{ci ty}} {{\ncity}} {{",
      "",
    ],
  ])(
    "[EXP-25] %s is filled with the values that were given, and nothing else is touched",
    async (content, wanted) => {
      const { expanded } = await fill(content, { city: "Lisbon", größe: "XL", "_a-1": "one" });
      expect(expanded).toBe(wanted === "" ? content.replace("{{city}}", "Lisbon") : wanted);
    },
  );

  test("[EXP-25] a value is inserted as it is, when it looks like a variable, an inclusion or a pattern", async () => {
    const { expanded } = await fill("{{a}}{{b}}{{c}}", { a: "{{b}}", b: "[[x]]", c: "$& $1 $$" }, { x: "X" });
    expect(expanded).toBe("{{b}}[[x]]$& $1 $$");
  });

  test("[EXP-25] variables of included texts are filled, also those that only the inclusion completes", async () => {
    const { expanded } = await fill(
      "[[a]] {{[[name]]}} {[[half]]}}",
      { city: "Lisbon" },
      {
        a: "to {{city}}.",
        name: "city",
        half: "{city",
      },
    );
    expect(expanded).toBe("to Lisbon. Lisbon Lisbon");
  });

  test("[EXP-26] the answer names what was filled, and the names for which there was no value", async () => {
    const { variables } = await fill("{{b}} {{a}} {{c}} {{b}} {{ d }} {{d}} {{x.y}}", {
      a: "1",
      b: "2",
      e: "3",
    });
    expect(variables).toEqual({ filled: ["b", "a"], left: ["c", "d"] });
  });

  test("[EXP-27] values that would take the text beyond the limit are not inserted, and a warning says so", async () => {
    const { fetchTexts } = new Store({ a: "12{{v}}" });
    const budgets = { ...EXPANSION_BUDGETS, outputBytes: 24 };
    const input = { content: "{{v}}[[a]]{{w}}", root: null, unresolved: "keep" } as const;
    const values = new Map([
      ["v", "0123456789"],
      ["w", ""],
    ]);
    const { expanded, warnings } = await expand(input, fetchTexts, budgets, values);
    expect(expanded).toBe("012345678912{{v}}{{w}}");
    expect(warnings).toEqual([
      { code: "output_limit", subject: "24", fragment: "a", range: { from: 2, to: 7 }, chain: ["a"] },
    ]);
  });
});
