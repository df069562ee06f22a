import { describe, expect, test } from "vitest";
import { namesMeant, scanInclusions } from "../../src/language/inclusion.ts";
import { expectLinear } from "../support/growth.ts";

describe("scanInclusions", () => {
  test("[EXP-1] scanInclusions finds what the grammar finds, when texts are all strings of a small alphabet", () => {
    const alphabet = ["[", "]", "a", "\n"];
    for (let length = 0; length <= 8; length++) {
      for (let number = 0; number < alphabet.length ** length; number++) {
        const text = [...number.toString(4).padStart(length, "0")]
          .map((digit) => alphabet[Number(digit)])
          .join("");
        const expected = [...text.matchAll(/\[\[([^\]]+)\]\]/g)].map((match) => ({
          name: match[1],
          start: match.index,
          end: match.index + match[0].length,
        }));
        const found = [...scanInclusions(text)];
        if (found.length + expected.length > 0) expect(found, JSON.stringify(text)).toEqual(expected);
      }
    }
  });

  test("[EXP-2] namesMeant drops one .md, when the name ends with it", () => {
    const found = [...scanInclusions("[[a.md]][[b.md.md]][[.md]][[c.mdx]][[cmd]]")];
    expect(found.map(({ name }) => namesMeant(name))).toEqual([
      ["a.md", "a"],
      ["b.md.md", "b.md"],
      [".md", ""],
      ["c.mdx"],
      ["cmd"],
    ]);
  });

  test.each([
    ["only opens", (units: number) => "[".repeat(units)],
    ["opens and closes once", (units: number) => `${"[".repeat(units)}]`],
    ["opens and half closes again and again", (units: number) => "[[a]".repeat(units / 4)],
    ["is full of empty names", (units: number) => "[[]".repeat(units / 4)],
  ])("[EXP-1] scanInclusions takes linear time, when a text %s", async (_, make) => {
    await expectLinear(2 ** 20, (units) => {
      const text = make(units);
      return () => expect([...scanInclusions(text)]).toEqual([]);
    });
  });
});
