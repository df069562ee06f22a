import { describe, expect, test } from "vitest";
import { toNfc } from "../../src/core/catalogue/nfc.ts";
import { parseTerms, toFtsQuery } from "../../src/core/catalogue/search-terms.ts";
import { includedIds } from "../../src/core/feed/included-ids.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import { MAX_CONTENT_BYTES } from "../../src/protocol/limits.ts";

const ftsQueryOf = (query: string) => toFtsQuery(parseTerms(query));

describe("the terms of a query", () => {
  test("[CAT-5] every word of a query is the beginning of a word, and its signs are nothing", () => {
    expect(ftsQueryOf('refund "poli* OR -x')).toBe('"refund"* "poli"* "or"* "x"*');
    expect(ftsQueryOf("team/greeting_card")).toBe('"team"* "greeting"* "card"*');
    expect(ftsQueryOf("Foo™ 🤖bar")).toBe('"foo"* "bar"*');
    expect(parseTerms(" -- !? ")).toEqual([]);
  });

  test("[CAT-5] a query in a script without spaces is phrases of characters, a word each", () => {
    expect(ftsQueryOf("科学 AI助手")).toBe('"科 学" "ai"* "助 手"');
    expect(ftsQueryOf("ราคา๑๐๐")).toMatch(/^"ร า ค า" "100"\*$/u);
    expect(ftsQueryOf("คืนเงิน")).toMatch(/^("[^"*]+" ?)+$/u);
  });

  test("[CAT-5] a query of many words is cut off", () => {
    expect(ftsQueryOf("word ".repeat(1_000)).split(" ")).toHaveLength(32);
  });

  test("[CAT-5] a mark alone in a query is no word", () => {
    expect(parseTerms("a \u0301")).toEqual([{ kind: "word", text: "a" }]);
  });
});

describe("the text that excerpts show", () => {
  test("[CAT-4] the searched text is in NFC, unless that is longer than a content may be", () => {
    expect(toNfc("e\u0301")).toBe("é");
    const text = "\u{1D160}".repeat(MAX_CONTENT_BYTES / 4);
    expect(utf8Length(text.normalize("NFC"))).toBe(3 * MAX_CONTENT_BYTES);
    expect(toNfc(text)).toBe(text);
  });

  test("[CAT-4] the searched text is as it was, when 64 marks follow each other", () => {
    const text = `e\u0301${"\u0301".repeat(64)}`;
    expect(toNfc(text)).toBe(text);
  });
});

describe("included ids", () => {
  test("[CAT-7] the included ids are distinct, sorted and canonical, and names that are no ids are left out", () => {
    const text = "[[b]] [[a/x]] [[c.md]] [[my name]] [[../etc]] [[]] [[b]]";
    expect(includedIds(text)).toEqual(["a/x", "b", "c", "c.md", "my_name"]); // c.md may mean either
  });

  test("[CAT-7] an alias, a section, a version and spaces belong to no id, and a marker behind a backslash does not count", () => {
    const text =
      "[[a|shown]] [[b#Part]] [[c@12]] [[ d.md | e ]] [[f@production#Part|shown]] \\[[g]] \\\\[[h]] [[x [[i]] ]]";
    expect(includedIds(text)).toEqual(["a", "b", "c", "d", "d.md", "f", "h", "i"]);
  });

  test("[CAT-7] a text counts as including at most as many ids as an expansion can hold, when it names more", () => {
    const ids = Array.from({ length: 1_200 }, (_, at) => `part${at}`);
    const included = includedIds(ids.map((id) => `[[${id}]]`).join(" "));
    expect(included).toEqual(ids.slice(0, 1_000).sort());
    expect(includedIds(`${"[[a.md]]".repeat(2)}${ids.map((id) => `[[${id}.md]]`).join("")}`)).toHaveLength(
      1_000,
    );
  });
});
