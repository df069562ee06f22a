/** The difference of two texts: always right, at a bounded cost. */
import { describe, expect, test } from "vitest";
import { difference } from "../../src/core/text/difference.ts";
import {
  applyChange,
  changeSize,
  splitsCharacter,
  type TextChange,
} from "../../src/core/text/text-change.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { expectLinear } from "../support/growth.ts";
import { SeededRandom } from "../support/seeded-random.ts";

describe("difference", () => {
  test("[TEXT-4] the difference applied to the first text gives the second", () => {
    forEachSeed(3_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const from = randomText(random, 30);
      const to = random.chance(0.5) ? randomText(random, 30) : mutated(random, from);
      expect(applyChange(difference(from, to), from), JSON.stringify([from, to])).toBe(to);
    });
  });

  test("[TEXT-4] the difference of equal texts is empty", () => {
    expect(difference("same", "same").ops).toEqual([]);
    expect(difference("", "").ops).toEqual([]);
  });

  test("[TEXT-4] the difference is least by characters, when little has changed", () => {
    forEachSeed(1_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const from = randomText(random, 12);
      const to = randomText(random, 12);
      expect(characters(difference(from, to), from), JSON.stringify([from, to])).toBe(leastSize(from, to));
    });
  });

  test("[TEXT-4] the difference cuts no character, in either text", () => {
    forEachSeed(3_000, [], (seed) => {
      const random = new SeededRandom(seed);
      // Neighbours in Unicode share their high surrogate.
      const alphabet = ["😀", "😁", "🐀", "a", "\r\n"];
      const text = () => Array.from({ length: random.below(8) }, () => random.pick(alphabet)).join("");
      const [from, to] = [text(), text()];
      const change = difference(from, to);
      expect(cuts(change, from, to), JSON.stringify([from, to, change])).toEqual([]);
      for (const { insert } of change.ops) {
        if (typeof insert === "string") expect(insert.isWellFormed()).toBe(true);
      }
    });
  });

  test("[TEXT-4] an edit at each end of a large text keeps the lines between", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} of a long text`).join("\n");
    const change = difference(`x${lines}y`, `X${lines}Y`);
    expect(changeSize(change)).toBeLessThan(200);
  });

  test("[TEXT-4] large texts that differ in some lines keep the others", () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index} of a long text`);
    const other = lines.map((line, index) => (index % 1_000 === 500 ? `changed ${index}` : line));
    expect(changeSize(difference(lines.join("\n"), other.join("\n")))).toBeLessThan(4_000);
  });

  test.each([
    ["have no line end", "", 0],
    ["have short lines", "\n", 8],
    ["have nothing but line ends and single letters", "\n", 1],
  ])("[TEXT-4] a difference takes linear time, when two unlike texts %s", async (_, lineEnd, every) => {
    const make = (seed: number, units: number) => {
      const random = new SeededRandom(seed);
      let text = "";
      while (text.length < units) {
        text += String.fromCharCode(97 + random.below(26));
        if (every > 0 && random.below(every) === 0) text += lineEnd;
      }
      return text;
    };
    await expectLinear(2 ** 20, (units) => {
      const [from, to] = [make(1, units), make(2, units)];
      return () => expect(applyChange(difference(from, to), from)).toBe(to);
    });
  });
});

/** Levenshtein's table without substitution: the fewest characters that must be inserted and deleted. */
function leastSize(from: string, to: string): number {
  const [a, b] = [[...from], [...to]];
  let row = Array.from({ length: b.length + 1 }, (_, inserted) => inserted);
  for (const [index, character] of a.entries()) {
    const next = [index + 1];
    for (const [at, other] of b.entries()) {
      const least = Math.min(row[at + 1] ?? 0, next[at] ?? 0) + 1;
      next.push(character === other ? Math.min(least, row[at] ?? 0) : least);
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** As `leastSize` counts. */
function characters(change: TextChange, from: string): number {
  let count = 0;
  let at = 0;
  for (const { insert, retain, delete: removed } of change.ops) {
    if (typeof insert === "string") count += [...insert].length;
    else if (removed !== undefined) count += [...from.slice(at, at + removed)].length;
    at += removed ?? (typeof retain === "number" ? retain : 0);
  }
  return count;
}

function cuts(change: TextChange, from: string, to: string): string[] {
  const found: string[] = [];
  let atFrom = 0;
  let atTo = 0;
  for (const { insert, retain, delete: removed } of change.ops) {
    if (typeof insert === "string") atTo += insert.length;
    else if (typeof retain === "number") {
      atFrom += retain;
      atTo += retain;
    } else atFrom += removed ?? 0;
    if (splitsPair(from, atFrom)) found.push(`from ${atFrom}`);
    if (splitsPair(to, atTo)) found.push(`to ${atTo}`);
  }
  return found;
}

function splitsPair(text: string, at: number): boolean {
  return splitsCharacter(text, at) && text[at] !== "\n";
}

function randomText(random: SeededRandom, below: number): string {
  return Array.from({ length: random.below(below) }, () => random.pick(["a", "b", "c", "\n", "😀"])).join("");
}

function mutated(random: SeededRandom, text: string): string {
  const characters = [...text];
  for (let left = random.below(4); left > 0; left--) {
    characters.splice(random.below(characters.length + 1), random.below(3), ...randomText(random, 4));
  }
  return characters.join("");
}
