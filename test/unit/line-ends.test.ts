/** Line ends: LF in the shared text, CRLF given back to a text that came with them throughout. */
import { describe, expect, test } from "vitest";
import { detectEol, fromSharedText, toSharedText } from "../../src/core/text/line-ends.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { expectLinear } from "../support/growth.ts";
import { SeededRandom } from "../support/seeded-random.ts";

describe("line ends", () => {
  test("[TEXT-5] a text has CRLF line ends, when all of its LFs follow a CR", () => {
    const texts = ["a\r\nb", "\r\n", "a\r\nb\r\n", "lone \r stays\r\n"];
    expect(texts.map(detectEol)).toEqual(["crlf", "crlf", "crlf", "crlf"]);
    const others = ["", "a", "a\nb", "a\r\nb\n", "\n\r\n", "a\rb", "\n"];
    expect(others.map(detectEol)).toEqual(others.map(() => "lf"));
  });

  test("[TEXT-5] the shared text has no CRLF, whatever text came", () => {
    forEachSeed(2_000, [], (seed) => {
      const shared = toSharedText(randomText(seed));
      expect(shared).not.toContain("\r\n");
      expect(toSharedText(shared)).toBe(shared);
    });
  });

  test("[TEXT-5] a text comes back as it went in, when all of its line ends are alike", () => {
    forEachSeed(2_000, [], (seed) => {
      const text = randomText(seed).replaceAll(/\r+(?=\n)/g, "");
      for (const came of [text, text.replaceAll("\n", "\r\n")]) {
        expect(fromSharedText(toSharedText(came), detectEol(came))).toBe(came);
      }
    });
  });

  test("[TEXT-5] a lone CR stays in the shared text", () => {
    expect(toSharedText("a\rb\r\nc\r")).toBe("a\rb\nc\r");
  });

  test("[TEXT-5] the shared text is made in linear time, when a text is a run of CRs", async () => {
    await expectLinear(2 ** 20, (units) => {
      const run = "\r".repeat(units);
      return () => expect(toSharedText(`${run}x\r\n`)).toBe(`${run}x\n`);
    });
  });
});

function randomText(seed: number): string {
  const random = new SeededRandom(seed);
  return Array.from({ length: random.below(12) }, () => random.pick(["\r", "\n", "\r\n", "a", "😀"])).join(
    "",
  );
}
