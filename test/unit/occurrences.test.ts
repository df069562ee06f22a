/** How often a part stands in a text, against a search that looks at every place. */
import { expect, test } from "vitest";
import { occurrencesOf } from "../../src/core/text/occurrences.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

function naive(part: string, text: string) {
  const places = Array.from({ length: text.length + 1 }, (_, at) => at).filter((at) =>
    text.startsWith(part, at),
  );
  return { count: places.length, last: places.at(-1) ?? -1 };
}

test("[REST-5] occurrences are counted with their overlaps, whatever repeats itself", () => {
  forEachSeed(500, [], (seed) => {
    const random = new SeededRandom(seed);
    const letters = (length: number) =>
      Array.from({ length }, () => (random.chance(0.85) ? "a" : "b")).join("");
    const text = letters(random.below(200));
    const from = random.below(text.length + 1);
    const length = random.below(random.chance(0.5) ? 4 : 40);
    const part = random.chance(0.8) ? text.slice(from, from + length) : letters(length);
    expect(occurrencesOf(part, text)).toEqual(naive(part, text));
  });
});
