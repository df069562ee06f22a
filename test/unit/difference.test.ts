/** The difference of two texts: always right, at a bounded cost. */
import { describe, expect, test } from "vitest";
import { difference } from "../../src/core/text/difference.ts";
import {
  applyChange,
  changeSize,
  rebaseChange,
  splitsCharacter,
  TextChange,
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
    ["are indented", 200, (line: string) => `  ${line}`],
    ["are indented, and there is one more", 201, (line: string) => `  ${line}`],
    ["are indented, and there are thousands", 5_000, (line: string) => `  ${line}`],
    ["each have another word", 5_000, (line: string) => line.replace("answer", "reply")],
    ["get CRLF", 5_000, (line: string) => `${line}\r`],
    ["each end otherwise", 1_000, (line: string) => line.replace(".", ", whatever it takes.")],
  ])("[TEXT-4] an insertion by somebody else stays in its line, when all lines %s", (_, count, change) => {
    for (const line of [
      (at: number) => `- Rule ${at}: answer politely.`,
      () => "- Please answer politely.",
    ]) {
      const lines = Array.from({ length: count }, (_line, at) => line(at));
      for (const at of [0, 100, count - 1]) {
        const merged = mergeInsertion(lines, at, lines.map(change));
        expect(
          merged.map((text, row) => (text.includes("NEVER") ? row : -1)).filter((row) => row >= 0),
        ).toEqual([at]);
        expect(merged[at]).toBe(change(lines[at]?.replace("politely", "NEVER politely") ?? ""));
      }
    }
  });

  test("[TEXT-4] an insertion by somebody else stays in its line, when others come, go and move, and all are indented", () => {
    forEachSeed(40, [], (seed) => {
      const random = new SeededRandom(seed);
      const lines = Array.from({ length: 1_000 }, (_, at) => `- Rule ${at}: answer politely.`);
      const at = random.below(1_000);
      const others = lines.slice();
      for (let left = 5; left > 0; left--) {
        const place = (at + 20 + random.below(900)) % 1_000; // of another line
        if (random.chance(0.5)) others.splice(place, 1, "", `A new rule ${left}.`);
        else others[place] = "";
      }
      const moved = others.splice(at > 500 ? 10 : 900, 20);
      others.splice(at > 500 ? 300 : 600, 0, ...moved);
      const indented = others.map((line) => `  ${line}`);
      const merged = mergeInsertion(lines, at, indented);
      expect(merged.filter((line) => line.includes("NEVER"))).toEqual([
        `  - Rule ${at}: answer NEVER politely.`,
      ]);
      expect(merged.map((line) => line.replace("NEVER ", ""))).toEqual(indented);
    });
  });

  test.each([
    ["of words", (random: SeededRandom) => `${random.pick(["answer", "politely", "never", "always"])} `, 60],
    ["of letters", (random: SeededRandom) => String.fromCharCode(97 + random.below(26)), 12],
    [
      "of Chinese characters",
      (random: SeededRandom) => String.fromCharCode(0x4e00 + random.below(3_000)),
      12,
    ],
    ["that repeats itself", () => "abcdefghij", 30],
  ])("[TEXT-4] a thousand edits all over one long line %s are found as such", (_, piece, mostUnits) => {
    const random = new SeededRandom(1);
    let from = "";
    while (from.length < 100_000) from += piece(random);
    let to = "";
    for (let at = 0; at < from.length; at += 100) {
      const part = from.slice(at, at + 100);
      to += random.pick([`Z${part}`, part.slice(1), `Q${part.slice(1)}`]);
    }
    const change = difference(from, to);
    expect(applyChange(change, from)).toBe(to);
    expect(changeSize(change)).toBeLessThan(1_000 * mostUnits);
    // No stretch of the line is replaced: what somebody else inserts there stays near.
    const longest = Math.max(...change.ops.map((op) => op.delete ?? op.insert?.length ?? 0));
    expect(longest).toBeLessThan(mostUnits);
  });

  test("[TEXT-4] the difference is right, and cuts no character, for texts of many kinds of lines", () => {
    forEachSeed(300, [], (seed) => {
      const random = new SeededRandom(seed);
      const words = ["answer", "politely", "😀", "😁", "漢字", "a", "- ", "\r", "\t"];
      const made = new Map<number, string>();
      const line = () => {
        const kind = random.below(80);
        const text =
          made.get(kind) ?? Array.from({ length: random.below(12) }, () => random.pick(words)).join(" ");
        made.set(kind, text);
        return text;
      };
      const end = random.pick(["\n", "\r\n", " ", ""]);
      const lines = Array.from({ length: 200 + random.below(900) }, line);
      const others = lines.map((text) => (random.chance(0.1) ? `${random.pick(words)}${text}` : text));
      for (let left = random.below(30); left > 0; left--) {
        const cut = others.splice(random.below(others.length), random.below(20));
        if (random.chance(0.7)) others.splice(random.below(others.length), 0, ...cut);
      }
      const [from, to] = [lines.join(end), others.join(random.chance(0.8) ? end : "\n")];
      const change = difference(from, to);
      expect(applyChange(change, from) === to, `seed ${seed}`).toBe(true);
      expect(cuts(change, from, to)).toEqual([]);
    });
  });

  test.each([
    ["every line is indented", (at: number) => `- Rule ${at}: answer.`, (line: string) => `  ${line}`],
    [
      "every line is another",
      (at: number) => `- Rule ${at}: answer.`,
      (_: string, at: number) => `${at * 7}`,
    ],
    [
      "equal lines are indented, less one",
      () => "- Answer.",
      (line: string, at: number) => (at === 9 ? "" : `  ${line}`),
    ],
    ["equal lines become other equal lines", () => "", () => "a"],
    [
      "one line takes turns with another",
      (at: number) => `${at % 2}`,
      (_: string, at: number) => `${(at + 1) % 3}`,
    ],
    ["the lines turn round", (at: number) => `line ${at}`, (_: string, at: number) => `line ${100_000 - at}`],
  ])("[TEXT-4] a difference takes linear time, when %s", async (_, line, change) => {
    await expectLinear(40_000, (count) => {
      const lines = Array.from({ length: count }, (_line, at) => line(at));
      const [from, to] = [lines.join("\n"), lines.map(change).join("\n")];
      return () => expect(applyChange(difference(from, to), from) === to).toBe(true);
    });
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

/** Somebody puts NEVER into a line while somebody else, on the same base, makes other lines of all: the lines then. */
function mergeInsertion(lines: readonly string[], at: number, others: readonly string[]): string[] {
  const base = lines.join("\n");
  const row = lines.slice(0, at).join("\n").length + (at > 0 ? 1 : 0);
  const insertion = new TextChange().retain(row + (lines[at]?.indexOf("politely") ?? 0)).insert("NEVER ");
  const change = rebaseChange(difference(base, others.join("\n")), insertion);
  return applyChange(change, applyChange(insertion, base)).split("\n");
}

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
