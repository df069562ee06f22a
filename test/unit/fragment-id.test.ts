import { describe, expect, test } from "vitest";
import {
  decodeFragmentPath,
  FRAGMENT_ID_RULE,
  type FragmentIdResult,
  parseFragmentId,
} from "../../src/language/fragment-id.ts";

/** The id, or the reason without the rule: short enough to state in a table. */
function outcome(result: FragmentIdResult): string {
  return result.ok ? result.id : `refused: ${result.reason.replace(` ${FRAGMENT_ID_RULE}`, "")}`;
}

const parse = (raw: string) => outcome(parseFragmentId(raw));
const decode = (path: string) => outcome(decodeFragmentPath(path));

describe("parseFragmentId", () => {
  test.each([
    "a",
    "_",
    "0",
    "greeting",
    "Greeting",
    "team/greeting",
    "v1.2-beta_3",
    "a..b",
    "__proto__",
    "1/2/3/4/5/6/7/8",
    "привет/мир",
    "日本語",
    "हिन्दी",
    "café",
  ])("[ID-1] parseFragmentId keeps the name, when it is %j", (raw) => {
    expect(parse(raw)).toBe(raw);
  });

  test.each([
    ["-a", 'Segment 1 starts with "-".'],
    ["a/.b", 'Segment 2 starts with ".".'],
    ["\u0301a", "Segment 1 starts with U+0301."],
    ["a:b", 'Segment 1 holds ":".'],
    ["a[b", 'Segment 1 holds "[".'],
    ["a%2Fb", 'Segment 1 holds "%".'],
    ["a\\b", 'Segment 1 holds "\\".'],
    ["a😀", "Segment 1 holds U+1F600."],
    ["1/2/3/4/5/6/7/8/9", "The id has 9 segments."],
  ])("[ID-1] parseFragmentId refuses, when the name is %j", (raw, fault) => {
    expect(parse(raw)).toBe(`refused: ${fault}`);
  });

  test.each([
    ["", "The id is empty."],
    ["/", "Segment 1 is empty."],
    ["/a", "Segment 1 is empty."],
    ["a/", "Segment 2 is empty."],
    ["a//b", "Segment 2 is empty."],
    [".", 'Segment 1 starts with ".".'],
    ["a/../b", 'Segment 2 starts with ".".'],
    ["a.", "Segment 1 ends with a dot."],
    ["a./b", "Segment 1 ends with a dot."],
  ])("[ID-2] parseFragmentId refuses, when a segment is empty or ends with a dot as in %j", (raw, fault) => {
    expect(parse(raw)).toBe(`refused: ${fault}`);
  });

  test("[ID-3] parseFragmentId keeps the name, when it is 200 bytes long", () => {
    expect(parse("é".repeat(100))).toBe("é".repeat(100));
  });

  test("[ID-3] parseFragmentId refuses, when the name is 201 bytes long", () => {
    expect(parse(`${"é".repeat(100)}a`)).toBe("refused: The id is 201 bytes long.");
  });

  test("[ID-3] parseFragmentId measures the canonical form, when the name is written in NFD", () => {
    // U+1F82 is the worst case of NFC: four code points, nine bytes, become one of three bytes.
    const name = "\u1f82".repeat(66);
    expect(parse(name.normalize("NFD"))).toBe(name);
  });

  test("[ID-3] parseFragmentId refuses without measuring, when the input is huge", () => {
    expect(parse("a".repeat(2 ** 20))).toBe("refused: The id is too long.");
  });

  test("[ID-4] parseFragmentId gives one id, when a name is written in NFC and in NFD", () => {
    expect(parse("cafe\u0301/u\u0308ber")).toBe("caf\u00e9/\u00fcber");
    expect(parse("\u1112\u1161\u11ab")).toBe(parse("\ud55c"));
  });

  test("[ID-5] parseFragmentId writes an underscore, when the name holds a space", () => {
    expect(parse("my prompt")).toBe("my_prompt");
    expect(parse(" leaf ")).toBe("_leaf_");
  });

  test.each(["a\tb", "a\nb", "a\u00a0b", "a\u2003b", "a\u3000b"])(
    "[ID-5] parseFragmentId refuses, when the white space is not U+0020 as in %j",
    (raw) => {
      expect(parse(raw)).toMatch(/^refused: Segment 1 holds U\+/);
    },
  );

  test.each([
    ["NUL", "a\u0000", "U+0000"],
    ["a C1 control", "a\u0085", "U+0085"],
    ["DEL", "a\u007f", "U+007F"],
    ["a soft hyphen", "a\u00adb", "U+00AD"],
    ["a zero-width space", "a\u200bb", "U+200B"],
    ["a zero-width joiner", "a\u200db", "U+200D"],
    ["a byte order mark", "a\ufeff", "U+FEFF"],
    ["a right-to-left override", "a\u202eb", "U+202E"],
    ["a bidi isolate", "a\u2066b", "U+2066"],
    ["a line separator", "a\u2028b", "U+2028"],
    ["a variation selector", "a\ufe0f", "U+FE0F"],
    ["a combining grapheme joiner", "a\u034fb", "U+034F"],
    ["a Hangul filler", "a\u3164b", "U+3164"],
    ["a tag character", "a\u{e0041}", "U+E0041"],
    ["a lone high surrogate", "a\ud83d", "U+D83D"],
    ["a lone low surrogate", "a\ude00", "U+DE00"],
    ["a private use character", "a\ue000", "U+E000"],
  ])("[ID-6] parseFragmentId refuses, when the name holds %s", (_, raw, name) => {
    expect(parse(raw)).toBe(`refused: Segment 1 holds ${name}.`);
  });

  test("[ID-6] parseFragmentId refuses, when an invisible letter begins the name", () => {
    expect(parse("\u115fa")).toBe("refused: Segment 1 starts with U+115F.");
  });

  test("[ID-7] parseFragmentId states the rule, when it refuses", () => {
    expect(parseFragmentId("a//b")).toEqual({ ok: false, reason: `Segment 2 is empty. ${FRAGMENT_ID_RULE}` });
  });

  test("[ID-7] parseFragmentId repeats nothing but printable ASCII, when it refuses any character", () => {
    for (let codePoint = 0; codePoint <= 0xffff; codePoint++) {
      const result = parseFragmentId(`a${String.fromCharCode(codePoint)}`);
      if (!result.ok) expect(result.reason).toMatch(/^[ -~]+$/);
    }
  });
});

describe("decodeFragmentPath", () => {
  test.each([
    ["team/greeting", "team/greeting"],
    ["team%2Fgreeting", "team/greeting"],
    ["team%2fgreeting", "team/greeting"],
    ["caf%C3%A9", "café"],
    ["cafe%CC%81", "café"],
    ["café", "café"],
    ["my%20prompt", "my_prompt"],
  ])("[ID-8] decodeFragmentPath finds the id, when the path is %j", (path, id) => {
    expect(decode(path)).toBe(id);
  });

  test("[ID-8] decodeFragmentPath decodes once, when an escape is itself escaped", () => {
    expect(decode("team%252Fgreeting")).toBe('refused: Segment 1 holds "%".');
  });

  test.each(["%", "a%2", "a%zz", "%C3", "%C3%28", "%ED%A0%80", "%FF"])(
    "[ID-8] decodeFragmentPath refuses, when the escape is malformed as in %j",
    (path) => {
      expect(decode(path)).toBe(
        'refused: The path holds a "%" that does not begin a percent-encoded UTF-8 character.',
      );
    },
  );

  test.each([
    ["", "The id is empty."],
    ["a%00", "Segment 1 holds U+0000."],
    ["a%2F", "Segment 2 is empty."],
    ["%2E%2E%2Fa", 'Segment 1 starts with ".".'],
    ["a+b", 'Segment 1 holds "+".'],
  ])("[ID-8] decodeFragmentPath applies the rule, when the decoded path %j is no id", (path, fault) => {
    expect(decode(path)).toBe(`refused: ${fault}`);
  });
});
