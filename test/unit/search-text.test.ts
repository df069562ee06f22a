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

  test.each(["東京大学で勉強します", "AI助手很好", "สวัสดีชาวโลก", "𠮷野家・ラーメン", "ភាសាខ្មែរ"])(
    "[CAT-4] the characters of %s are apart, and it reads as it was",
    (text) => {
      const divided = toSearchText(text);
      expect(divided.length).toBeGreaterThan(1.5 * text.length);
      expect(readMarked(divided)).toEqual({ text, ranges: [] });
    },
  );

  test("[CAT-4] letters that take marks of other scripts stay together", () => {
    const text = "man\u0303ana d\u0323a".normalize("NFD");
    expect(toSearchText(text)).toBe(text);
  });

  test.each(["漢", "a漢", "ก", "a・", "𠮷", "\u001F", "a\u0303"])(
    "[CAT-4] a text of %j is half again as long at most, so that a content at its limit fits in a row",
    (text) => {
      const bytes = (one: string) => new TextEncoder().encode(one).length;
      const long = text.repeat(1_000);
      expect(bytes(toSearchText(long))).toBeLessThanOrEqual(1.5 * bytes(long) + 1);
    },
  );

  test("[CAT-5] every word of a query is the beginning of a word, and its signs are nothing", () => {
    expect(toFtsQuery('refund "poli* OR -x')).toBe('"refund"* "poli"* "OR"* "x"*');
    expect(toFtsQuery("team/greeting")).toBe('"team"* "greeting"*');
    expect(toFtsQuery(" -- !? ")).toBeNull();
  });

  test("[CAT-5] a query in a script without spaces is phrases of characters, a word each", () => {
    expect(toFtsQuery("科学 AI助手")).toBe('"科 学" "AI"* "助 手"');
    expect(toFtsQuery("คืนเงิน")).toMatch(/^("[^"*]+" ?)+$/u);
  });

  test("[CAT-5] a query of many words is cut off", () => {
    expect(toFtsQuery("word ".repeat(1_000))?.split(" ")).toHaveLength(32);
  });

  test("[CAT-6] marks give the ranges of what was found, and dividers go", () => {
    const marked = `a ${MARK_OPEN}word${MARK_CLOSE}, ${toSearchText("東京")}${MARK_OPEN}${toSearchText("大学")}${MARK_CLOSE}`;
    expect(readMarked(marked)).toEqual({
      text: "a word, 東京大学",
      ranges: [
        { from: 2, to: 6 },
        { from: 10, to: 12 },
      ],
    });
  });

  test("[CAT-6] a text cannot hold marks or dividers, and loses nothing but those", () => {
    const text = `a${MARK_OPEN}b${MARK_CLOSE}c\u001Fd \uFDD0e\uFDD1\u2060f`;
    expect(readMarked(toSearchText(text))).toEqual({
      text: "a b c d \uFDD0e\uFDD1\u2060f",
      ranges: [],
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
