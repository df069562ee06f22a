import { describe, expect, test } from "vitest";
import { utf8Length } from "../../src/language/utf8.ts";

/** The platform's encoder is the oracle. */
function encodedLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

describe("utf8Length", () => {
  test.each([
    ["nothing", ""],
    ["ASCII up to its end", "a\u0000\u007f"],
    ["two-byte characters from first to last", "\u0080é\u07ff"],
    ["three-byte characters from first to last", "\u0800漢\ud7ff\ue000\uffff"],
    ["four-byte characters from first to last", "\u{10000}😀\u{10ffff}"],
    ["a high surrogate alone, between and at the end", "a\ud83db\ud83d"],
    ["a low surrogate alone, at the start and between", "\ude00a\ude00b"],
    ["surrogates in the wrong order", "\ude00\ud83d"],
    ["a high surrogate before a pair", "\ud83d\ud83d\ude00"],
  ])("[ID-3] utf8Length counts what an encoder writes, when the text is %s", (_, text) => {
    expect(utf8Length(text)).toBe(encodedLength(text));
  });

  test("[ID-3] utf8Length counts what an encoder writes, when the text is 1 MiB of every width", () => {
    const text = "aé漢😀\ud83d".repeat(2 ** 20 / 13);
    expect(utf8Length(text)).toBe(encodedLength(text));
  });
});
