/** A text under substitutions, against one that is made anew for each. */
import { expect, test } from "vitest";
import { EditedText } from "../../src/core/fragment/edited-text.ts";
import { occurrencesOf } from "../../src/core/text/occurrences.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

test("[REST-5] an `old` is found as often as it stands, whatever was replaced before", () => {
  forEachSeed(2_000, [], (seed) => {
    const random = new SeededRandom(seed);
    const letters = (length: number) => Array.from({ length }, () => random.pick(["a", "b", "c"])).join("");
    let text = letters(random.below(40));
    const edited = new EditedText(text);
    for (let left = 12; left > 0; left--) {
      const from = random.below(text.length + 1);
      const part = random.chance(0.9) ? text.slice(from, from + random.below(8)) : letters(random.below(4));
      const { count, last } = occurrencesOf(part, text);
      const found = edited.find(part);
      expect(found.count, `${part} in ${text}`).toBe(count);
      if (count !== 1) continue;
      expect(found.at).toBe(last);
      const made = letters(random.below(6));
      edited.replace(last, part.length, made);
      text = text.slice(0, last) + made + text.slice(last + part.length);
      expect(edited.text).toBe(text);
    }
  });
});
