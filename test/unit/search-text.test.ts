import { describe, expect, test } from "vitest";
import { parseTerms, toFtsQuery } from "../../src/core/catalogue/search-terms.ts";
import { MARK_CLOSE, MARK_OPEN, readMarked, toSearchText } from "../../src/core/catalogue/search-text.ts";
import { includedIds } from "../../src/core/feed/included-ids.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import { MAX_CONTENT_BYTES } from "../../src/protocol/limits.ts";

const ftsQueryOf = (query: string) => toFtsQuery(parseTerms(query));

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
    const text = "x\u0303q\u0323";
    expect(toSearchText(text)).toBe(text);
  });

  test.each(["漢", "a漢", "ก", "a・", "𠮷", "\u001F", "a\u0303", "a₿", "漢₿", "a🤖"])(
    "[CAT-4] a text of %j is half again as long at most, so that a content at its limit fits in a row",
    (text) => {
      const bytes = (one: string) => new TextEncoder().encode(one).length;
      const long = text.repeat(1_000);
      expect(bytes(toSearchText(long))).toBeLessThanOrEqual(1.5 * bytes(long) + 1);
    },
  );

  test.each(["한국어", "が ガ データ", "naïve", "й"])("[CAT-4] %s is the same in NFC and in NFD", (text) => {
    expect(text.normalize("NFD")).not.toBe(text.normalize("NFC"));
    expect(toSearchText(text.normalize("NFD"))).toBe(toSearchText(text.normalize("NFC")));
  });

  test("[CAT-4] a content at its limit fits in a row, when NFC makes it three times as long", () => {
    const text = "\u{1D160}".repeat(MAX_CONTENT_BYTES / 4);
    expect(utf8Length(text.normalize("NFC"))).toBe(3 * MAX_CONTENT_BYTES);
    expect(utf8Length(toSearchText(text))).toBeLessThanOrEqual(1.5 * MAX_CONTENT_BYTES + 1);
  });

  test("[CAT-4] a sign that the index takes for a letter is apart from the word beside it", () => {
    expect(readMarked(toSearchText("🤖Assistant"))).toEqual({ text: "🤖Assistant", ranges: [] });
    expect(toSearchText("🤖Assistant₿")).toBe("\u001F🤖\u001FAssistant\u001F₿\u001F");
  });

  test("[CAT-5] a mark alone in a query is no word", () => {
    expect(parseTerms("a \u0301")).toEqual([{ kind: "word", text: "a" }]);
  });

  test("[CAT-5] every word of a query is the beginning of a word, and its signs are nothing", () => {
    expect(ftsQueryOf('refund "poli* OR -x')).toBe('"refund"* "poli"* "OR"* "x"*');
    expect(ftsQueryOf("team/greeting")).toBe('"team"* "greeting"*');
    expect(parseTerms(" -- !? ")).toEqual([]);
  });

  test("[CAT-5] a query in a script without spaces is phrases of characters, a word each", () => {
    expect(ftsQueryOf("科学 AI助手")).toBe('"科 学" "AI"* "助 手"');
    expect(ftsQueryOf("คืนเงิน")).toMatch(/^("[^"*]+" ?)+$/u);
  });

  test("[CAT-5] a query of many words is cut off", () => {
    expect(ftsQueryOf("word ".repeat(1_000)).split(" ")).toHaveLength(32);
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
