import { describe, expect, test } from "vitest";
import { excerptAround, excerptOf, rangesIn } from "../../src/core/catalogue/excerpt.ts";
import { parseTerms } from "../../src/core/catalogue/search-terms.ts";
import type { TextRange } from "../../src/protocol/catalogue.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { expectLinear } from "../support/growth.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** With its ellipses. */
const LONGEST = 302;

const around = (text: string, query: string, isWhole = true) =>
  excerptAround(text, parseTerms(query), { isWhole });
const cut = (text: string, ranges: readonly TextRange[] = []) =>
  ranges.map(({ from, to }) => text.slice(from, to));

describe("the excerpt around what was found", () => {
  test("[CAT-6] an excerpt is a few words, cut between words, with ellipses", () => {
    const found = around(`${"before ".repeat(100)}the aardvark, ${"after ".repeat(100)}`, "aardv");
    expect(found?.text).toMatch(/^…before (before )+the aardvark, (after )+after…$/);
    expect(found?.text.length).toBeGreaterThan(200);
    expect(cut(found?.text ?? "", found?.ranges)).toEqual(["aardvark"]);
  });

  test("[CAT-6] the excerpt of a short text is the whole text", () => {
    expect(around("one\ntwo three", "two")).toEqual({ text: "one\ntwo three", ranges: [{ from: 4, to: 7 }] });
    expect(around("one two three", "four")).toBeNull();
  });

  test.each([
    ["a long line behind it", `needle ${"-".repeat(900_000)} end`],
    ["a word without end", `needle${"x".repeat(900_000)}`],
    ["emoji without end", `needle ${"😀".repeat(100_000)}`],
    ["emoji without end, of which one begins at another unit", `needle  ${"😀".repeat(100_000)}`],
    ["marks without end", `needle x${"\u0334".repeat(100_000)}`],
    ["long words before and behind it", `# ${"word".repeat(5_000)} needle ${"word".repeat(5_000)}`],
    ["Chinese without spaces", `${"漢字".repeat(5_000)}needle${"漢字".repeat(5_000)}`],
    ["a phrase that ends far away", `漢${"-".repeat(10_000)}字 needle`],
  ])("[CAT-6] it is short and has whole characters, in %s", (_, text) => {
    for (const query of ["needle", "漢字"]) {
      const found = around(text, query);
      if (found === null) continue;
      expect(found.text.length).toBeLessThanOrEqual(LONGEST);
      expect(found.text.isWellFormed()).toBe(true);
      expect(found.ranges.length).toBeGreaterThan(0);
      expect(found.ranges.every(({ from, to }) => from < to && to <= found.text.length)).toBe(true);
    }
    expect(around(text, "needle")).not.toBeNull();
  });

  test("[CAT-6] a mark stays with its character, where the text is cut", () => {
    for (let shift = 0; shift < 8; shift++) {
      const text = `${"-".repeat(shift)}${"ที่".repeat(200)}`;
      const found = around(`needle ${text}`, "needle");
      expect(found?.text).toMatch(/ที่…$/);
    }
  });

  test("[CAT-6] an excerpt shows the words of the query together, where they stand together", () => {
    const filler = "other ".repeat(100);
    const found = around(`the the the ${filler} of the refund policy ${filler} refund`, "the refund policy");
    expect(cut(found?.text ?? "", found?.ranges)).toEqual(["the", "refund", "policy"]);
  });

  test("[CAT-6] a text that was cut off shows that it goes on, and nothing is found at the cut", () => {
    const text = `${"word ".repeat(200)}needle ${"word ".repeat(10)}`;
    expect(around(text, "needle", false)).toBeNull();
    expect(around(`needle ${text}`, "needle", false)?.text).toMatch(/^needle .*…$/);
  });

  test.each([
    ["has one word over and over", (units: number) => "a ".repeat(units / 2), "a"],
    [
      "has many words that are nearly found",
      (units: number) => "needle need ".repeat(units / 12),
      "needlework needles",
    ],
    ["has a run of marks", (units: number) => `a${"\u0334\u0301".repeat(units / 2)} needle`, "needle ne"],
    ["is one long word", (units: number) => "n".repeat(units), "needle"],
  ])("[CAT-6] an excerpt takes linear time, when the text %s", async (_, make, query) => {
    await expectLinear(960_000, (units) => {
      const text = make(units);
      return () => excerptAround(text, parseTerms(query), { isWhole: true });
    });
  });

  test("[CAT-6] an excerpt marks the matches of the whole text, in random texts", () => {
    const words = "a ab ä 漢字 漢 ที่ 한글 😀 x\u0301 needle 科学 .".split(" ");
    forEachSeed(2_000, [], (seed) => {
      const random = new SeededRandom(seed);
      let text = "";
      for (let n = random.below(400); n > 0; n--)
        text += random.pick(words) + random.pick(["", " ", "\n", ", "]);
      text = text.normalize("NFC");
      const patterns = parseTerms([random.pick(words), random.pick(words)].join(" "));
      const found = excerptAround(text, patterns, { isWhole: true });
      const all = rangesIn(text, patterns);
      if (found === null) return expect(all).toEqual([]);
      expect(found.text.length).toBeLessThanOrEqual(LONGEST);
      const [body, lead] = withoutEllipses(found.text, text);
      const fits = placesOfTerm(body, text).some((at) => {
        const inside = all
          .filter(({ from, to }) => to > at && from < at + body.length)
          .map(({ from, to }) => ({
            from: Math.max(from - at, 0) + lead,
            to: Math.min(to - at, body.length) + lead,
          }));
        return JSON.stringify(inside) === JSON.stringify(found.ranges);
      });
      expect(fits, JSON.stringify({ text, found })).toBe(true);
    });
  });
});

describe("ranges in a text that is shown as it is", () => {
  test.each([
    ["한국어 프롬프트", "프롬", ["프롬프트"]],
    ["カタログ が ある", "ある", ["ある"]],
    ["Crème brûlée", "brulee", ["brûlée"]],
  ])("[CAT-6] %s in NFD has ranges of whole characters", (text, query, expected) => {
    const own = text.normalize("NFD");
    const found = cut(own, rangesIn(own, parseTerms(query)));
    expect(found).toEqual(expected.map((one) => one.normalize("NFD")));
  });
});

test("[CAT-6] ranges take linear time, when a text is decomposed", async () => {
  await expectLinear(32_000, (units) => {
    const text = `${"日".repeat(units)}e\u0301`;
    return () => expect(rangesIn(text, parseTerms("日"))).toHaveLength(units);
  });
});

test("[CAT-6] ranges are right in a text that has too many marks to be composed", () => {
  const text = `e\u0301${"\u0301".repeat(100)} needle`;
  expect(cut(text, rangesIn(text, parseTerms("needle")))).toEqual(["needle"]);
});

describe("the beginning of a text", () => {
  test("[CAT-6] an excerpt is one line that ends with a whole character", () => {
    expect(excerptOf("  one\n\n two ", 20)).toBe("one two");
    expect(excerptOf("one two three four", 15)).toBe("one two three…");
    expect(excerptOf("😀".repeat(50), 11)).toBe(`${"😀".repeat(5)}…`);
    expect(excerptOf(`a${" ".repeat(38)}😀b`, 10).isWellFormed()).toBe(true);
  });

  test("[CAT-6] an excerpt is in NFC and begins with the first word", () => {
    expect(excerptOf(`${"\n".repeat(5_000)}${"한".normalize("NFD")}`, 20)).toBe("한");
  });
});

/** The excerpt without its ellipses, and the length of the leading one. */
function withoutEllipses(excerpt: string, text: string): [body: string, lead: number] {
  const lead = excerpt.startsWith("…") ? 1 : 0;
  const body = excerpt.slice(lead);
  return [body.endsWith("…") && !text.endsWith(body) ? body.slice(0, -1) : body, lead];
}

function placesOfTerm(part: string, text: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) places.push(at);
  return places;
}
