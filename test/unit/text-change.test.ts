/** The laws of text changes, over random texts and changes, against a naive oracle: splices of a plain string. */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import Delta from "quill-delta";
import { describe, expect, test } from "vitest";
import { decodeChange, encodeChange } from "../../src/core/history/change-record.ts";
import {
  applyChange,
  carryOver,
  changeSize,
  composeAll,
  invertChange,
  isEmpty,
  NO_CHANGE,
  rebaseChange,
  splitsCharacter,
  TextChange,
} from "../../src/core/text/text-change.ts";
import { fromChanges, toChanges } from "../../src/core/text/wire-changes.ts";
import type { Change } from "../../src/protocol/json-frames.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const SEEDS = 3_000;

describe("the algebra of changes", () => {
  test("[TEXT-1] a change does what its splices say, over random texts", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const changes = randomChanges(random, text);
      expect(applyChange(read(changes, text), text), shown(text, changes)).toBe(spliced(changes, text));
    });
  });

  test("[TEXT-1] composed changes do what they do one after the other", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const steps: TextChange[] = [];
      let last = text;
      for (let left = random.below(6); left > 0; left--) {
        const step = read(randomChanges(random, last), last);
        steps.push(step);
        last = applyChange(step, last);
      }
      expect(applyChange(composeAll(steps), text)).toBe(last);
    });
  });

  test("[TEXT-1] an inverted change leads back", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const change = read(randomChanges(random, text), text);
      expect(applyChange(invertChange(change, text), applyChange(change, text))).toBe(text);
    });
  });

  test("[TEXT-1] two changes of one text meet, whichever comes first", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const committed = read(randomChanges(random, text), text);
      const change = read(randomChanges(random, text), text);
      const one = applyChange(rebaseChange(change, committed), applyChange(committed, text));
      const other = applyChange(carryOver(committed, change), applyChange(change, text));
      expect(one, `${JSON.stringify(text)} ${JSON.stringify([committed, change])}`).toBe(other);
    });
  });

  test("[TEXT-1] two changes that meet keep all insertions and split no pair", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const committed = read(withInserts(randomChanges(random, text), "<A>"), text);
      const change = read(withInserts(randomChanges(random, text), "<B>"), text);
      const met = applyChange(rebaseChange(change, committed), applyChange(committed, text));
      const inserts = (one: TextChange) => one.ops.filter(({ insert }) => insert !== undefined).length;
      expect(met.split("<A>").length - 1).toBe(inserts(committed));
      expect(met.split("<B>").length - 1).toBe(inserts(change));
      expect(met.isWellFormed()).toBe(true);
    });
  });

  test("[TEXT-1] composing, rebasing and inverting give what quill-delta gives", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const first = read(randomChanges(random, text), text);
      const beside = read(randomChanges(random, text), text);
      const made = applyChange(first, text);
      const second = read(randomChanges(random, made), made);
      const quill = ({ ops }: TextChange) => new Delta(ops);
      expect(first.compose(second).ops).toEqual(quill(first).compose(quill(second)).ops);
      expect(rebaseChange(beside, first).ops).toEqual(quill(first).transform(quill(beside), true).ops);
      expect(carryOver(first, beside).ops).toEqual(quill(beside).transform(quill(first), false).ops);
      expect(invertChange(first, text).ops).toEqual(quill(first).invert(new Delta().insert(text)).chop().ops);
    });
  });

  test("[TEXT-1] a change that is built step by step has the form of quill-delta's", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const [ours, theirs] = [new TextChange(), new Delta()];
      for (let left = random.below(12); left > 0; left--) {
        const length = random.below(3);
        const step = random.pick(["retain", "insert", "delete", "chop"] as const);
        if (step === "insert") for (const one of [ours, theirs]) one.insert("x".repeat(length));
        else if (step === "chop") for (const one of [ours, theirs]) one.chop();
        else for (const one of [ours, theirs]) one[step](length);
      }
      expect(ours.ops).toEqual(theirs.ops);
    });
  });

  test("[TEXT-1] the committed text stands first, where two insert at one place", () => {
    const committed = read([{ from: 1, to: 1, insert: "C" }], "ab");
    const change = read([{ from: 1, to: 1, insert: "X" }], "ab");
    const met = applyChange(rebaseChange(change, committed), applyChange(committed, "ab"));
    expect(met).toBe("aCXb");
  });

  test("[TEXT-1] a change is as large as what it inserts and deletes", () => {
    expect(changeSize(read([{ from: 1, to: 3, insert: "long" }], "abcd"))).toBe(6);
    expect(changeSize(NO_CHANGE)).toBe(0);
    expect(isEmpty(NO_CHANGE)).toBe(true);
  });
});

describe("the wire form of changes", () => {
  test("[TEXT-2] changes come back from the wire form with the same effect, sorted and apart", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const change = read(randomChanges(random, text), text);
      const wire = toChanges(change);
      expect(spliced(wire, text)).toBe(applyChange(change, text));
      for (const [index, { from, to }] of wire.entries()) {
        expect(from).toBeLessThanOrEqual(to);
        expect(from).toBeGreaterThanOrEqual(wire[index - 1]?.to ?? 0);
      }
    });
  });

  test("[TEXT-2] changes that touch are taken, and at one place the earlier in the list comes first", () => {
    const changes = [
      { from: 1, to: 2, insert: "X" },
      { from: 2, to: 2, insert: "Y" },
      { from: 2, to: 3, insert: "Z" },
    ];
    expect(applyChange(read(changes, "abcd"), "abcd")).toBe("aXYZd");
  });

  test.each([
    ["behind the end", "abc", [{ from: 0, to: 4, insert: "" }]],
    ["the wrong way round", "abc", [{ from: 2, to: 1, insert: "" }]],
    [
      "overlapping",
      "abc",
      [
        { from: 0, to: 2, insert: "" },
        { from: 1, to: 3, insert: "" },
      ],
    ],
    [
      "not sorted",
      "abc",
      [
        { from: 2, to: 2, insert: "x" },
        { from: 0, to: 0, insert: "y" },
      ],
    ],
    ["into a pair", "a😀b", [{ from: 2, to: 2, insert: "x" }]],
    ["to the middle of a pair", "a😀b", [{ from: 0, to: 2, insert: "" }]],
    ["between CR and LF", "a\r\nb", [{ from: 2, to: 2, insert: "x" }]],
  ])("[TEXT-2] changes are refused, when one is %s", (_, text, changes) => {
    expect(fromChanges(changes, text)).toMatchObject({ ok: false, refusal: { code: "invalid_position" } });
  });

  test("[TEXT-2] a cut is in a character only inside a pair or a CRLF", () => {
    const text = "a😀\r\n\rb";
    const cuts = Array.from({ length: text.length + 1 }, (_, at) => splitsCharacter(text, at));
    expect(cuts).toEqual([false, false, true, false, true, false, false, false]);
  });
});

describe("the storage form of changes", () => {
  test("[TEXT-3] a change comes back from storage as it was", () => {
    forEachSeed(SEEDS, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = randomText(random);
      const change = read(randomChanges(random, text), text);
      const encoder = encoding.createEncoder();
      encodeChange(encoder, change);
      const decoder = decoding.createDecoder(encoding.toUint8Array(encoder));
      expect(decodeChange(decoder).ops).toEqual(change.ops);
      expect(decoding.hasContent(decoder)).toBe(false);
    });
  });

  test("[TEXT-3] the storage form is locked", () => {
    const encoder = encoding.createEncoder();
    encodeChange(encoder, read([{ from: 3, to: 5, insert: "é" }], "abcdef"));
    expect([...encoding.toUint8Array(encoder)]).toEqual([3, 12, 2, 2, 0xc3, 0xa9, 9]);
  });
});

function read(changes: readonly Change[], text: string): TextChange {
  const change = fromChanges(changes, text);
  if (!change.ok) throw new Error(change.refusal.message);
  return change.value;
}

function spliced(changes: readonly Change[], text: string): string {
  let result = text;
  for (const { from, to, insert } of [...changes].reverse()) {
    result = result.slice(0, from) + insert + result.slice(to);
  }
  return result;
}

/** Some of few characters, so that texts repeat themselves and changes meet. */
function randomText(random: SeededRandom): string {
  return Array.from({ length: random.below(14) }, () => random.pick(["a", "b", "\n", "😀", "漢"])).join("");
}

function randomChanges(random: SeededRandom, text: string): Change[] {
  const cuts = Array.from({ length: text.length + 1 }, (_, at) => at).filter(
    (at) => !splitsCharacter(text, at),
  );
  const changes: Change[] = [];
  let least = 0;
  for (let left = random.below(4); left > 0; left--) {
    const from = random.pick(cuts.filter((cut) => cut >= least));
    const to = random.pick(cuts.filter((cut) => cut >= from && cut <= from + 4));
    changes.push({ from, to, insert: random.chance(0.7) ? random.pick(["x", "yz", "😀", "ab"]) : "" });
    least = to;
  }
  return changes;
}

/** Each change with this insert, at places apart, so that each stays one insert. */
function withInserts(changes: readonly Change[], insert: string): Change[] {
  const apart: Change[] = [];
  for (const { from, to } of changes) {
    if (from > (apart.at(-1)?.to ?? -1)) apart.push({ from, to, insert });
  }
  return apart;
}

function shown(text: string, changes: readonly Change[]): string {
  return `${JSON.stringify(text)} ${JSON.stringify(changes)}`;
}
