import { describe, expect, test } from "vitest";
import { includedIds } from "../../src/core/catalogue/included-ids.ts";
import {
  excerptOf,
  MARK_CLOSE,
  MARK_OPEN,
  readMarked,
  toFtsQuery,
  toSearchText,
} from "../../src/core/catalogue/search-text.ts";

describe("search text", () => {
  test("[CAT-4] a text with spaces stays as it is", () => {
    const text = "Grüße, naïve *markdown* [[a/b]]\n\tهذا نص عربي हिन्दी";
    expect(toSearchText(text)).toBe(text);
  });

  test.each([
    ["東京大学で勉強します", "大学"],
    ["提示词管理器是团队的工具", "团队"],
    ["สวัสดีชาวโลก", "ชาว"],
    ["AI助手很好", "助手"],
  ])("[CAT-4] %s is cut into words, so that %s is one of them or begins one", (text, word) => {
    const words = toSearchText(text).split("\u2060");
    expect(words.some((one) => one.startsWith(word))).toBe(true);
    expect(words.join("")).toBe(text);
  });

  test("[CAT-5] every word of a query is the beginning of a word, and its signs are nothing", () => {
    expect(toFtsQuery('refund "poli* OR -x')).toBe('"refund"* "poli"* "OR"* "x"*');
    expect(toFtsQuery("team/greeting")).toBe('"team"* "greeting"*');
    expect(toFtsQuery(" -- !? ")).toBeNull();
  });

  test("[CAT-5] a query of many words is cut off", () => {
    expect(toFtsQuery("word ".repeat(1_000))?.split(" ")).toHaveLength(32);
  });

  test("[CAT-6] marks give the ranges of what was found, and dividers go", () => {
    const marked = `a ${MARK_OPEN}word${MARK_CLOSE}, \u2060東京\u2060${MARK_OPEN}大学${MARK_CLOSE}\u2060`;
    expect(readMarked(marked)).toEqual({
      text: "a word, 東京大学",
      ranges: [
        { from: 2, to: 6 },
        { from: 10, to: 12 },
      ],
    });
  });

  test("[CAT-6] an excerpt is one line that ends with a whole character", () => {
    expect(excerptOf("  one\n\n two ", 20)).toBe("one two");
    expect(excerptOf("one two three four", 15)).toBe("one two three…");
    const cut = excerptOf("😀".repeat(50), 11);
    expect(cut.isWellFormed()).toBe(true);
    expect(cut).toBe(`${"😀".repeat(5)}…`);
  });

  test("[CAT-7] the included ids are distinct, sorted and canonical, and what is no id is none", () => {
    expect(includedIds("[[b]] [[a/x]] [[b.md]] [[my name]] [[../etc]] [[]] [[b]]")).toEqual([
      "a/x",
      "b",
      "my_name",
    ]);
  });

  test("[CAT-7] no more ids are included than an expansion can hold, when a text names more", () => {
    const ids = Array.from({ length: 1_200 }, (_, at) => `part${at}`);
    const included = includedIds(ids.map((id) => `[[${id}]]`).join(" "));
    expect(included).toEqual(ids.slice(0, 1_000).sort());
  });
});
