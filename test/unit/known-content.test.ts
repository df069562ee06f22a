/** Structs whose clocks are known: they count as known only if they are the ones that are known. */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { FragmentText } from "../../src/core/text/fragment-text.ts";
import type { Outcome } from "../../src/core/text/incoming.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { expectLinear } from "../support/growth.ts";
import { incomingOf } from "../support/incoming-of.ts";
import { rawAny, rawDeleted, rawFormat, rawGc, rawString, rawUpdate } from "../support/raw-update.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const AUTHOR = 7;

function effectOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "none";
  return outcome.ok ? outcome.value : outcome.refusal.code;
}

const one = (clock: number, ...structs: Uint8Array[]) => rawUpdate([{ client: AUTHOR, clock, structs }]);

describe("an update of which every clock is known", () => {
  /** "abcdef" by the author, "X" by another within it, and what the author set in the maps. */
  const stored = () =>
    rawUpdate([
      {
        client: AUTHOR,
        clock: 0,
        structs: [
          rawString("abcdef"),
          rawAny("described", { root: "metadata", key: "description" }),
          rawAny(true, { root: "tags", key: "t" }),
          rawFormat("bold", true, { origin: [AUTHOR, 5] }),
        ],
      },
      { client: 9, clock: 0, structs: [rawString("X", { origin: [AUTHOR, 2], right: [AUTHOR, 3] })] },
    ]);

  const CASES: readonly (readonly [what: string, update: Uint8Array, effect: string])[] = [
    ["is the same", one(0, rawString("abcdef")), "known"],
    ["is cut elsewhere", one(0, rawString("ab"), rawString("cdef", { origin: [AUTHOR, 1] })), "known"],
    ["begins within a known one", one(4, rawString("ef", { origin: [AUTHOR, 3] })), "known"],
    ["has another letter", one(0, rawString("abcdeF")), "client_id_taken"],
    ["has another letter behind a cut", one(4, rawString("eF", { origin: [AUTHOR, 3] })), "client_id_taken"],
    ["stands elsewhere", one(0, rawString("abcdef", { origin: [9, 0] })), "client_id_taken"],
    ["stands before something else", one(0, rawString("abcdef", { right: [9, 0] })), "client_id_taken"],
    ["is cut off from what it follows", one(4, rawString("ef", { origin: [AUTHOR, 0] })), "client_id_taken"],
    ["is deleted at its sender's", one(0, rawDeleted(6)), "known"],
    ["was collected at its sender's", one(0, rawGc(6)), "known"],
    ["is a value", one(0, rawAny("a", { root: "tags", key: "t" })), "client_id_taken"],
    ["is the same value", one(6, rawAny("described", { root: "metadata", key: "description" })), "known"],
    [
      "is another value",
      one(6, rawAny("other", { root: "metadata", key: "description" })),
      "client_id_taken",
    ],
    ["has another key", one(7, rawAny(true, { root: "tags", key: "u" })), "client_id_taken"],
    ["is in another map", one(7, rawAny(true, { root: "metadata", key: "t" })), "client_id_taken"],
    ["is the same format", one(8, rawFormat("bold", true, { origin: [AUTHOR, 5] })), "known"],
    ["is another format", one(8, rawFormat("bold", false, { origin: [AUTHOR, 5] })), "client_id_taken"],
    ["is text instead of a format", one(8, rawString("x", { origin: [AUTHOR, 5] })), "client_id_taken"],
    [
      "is the same, and more is new",
      one(8, rawFormat("bold", true, { origin: [AUTHOR, 5] }), rawString("new", { origin: [AUTHOR, 8] })),
      "applied",
    ],
  ];

  for (const [what, update, effect] of CASES) {
    test(`[UPDATE-14] a struct that ${what} is ${effect}, whether it is in the document or in the same window`, () => {
      const text = new FragmentText(() => [stored()]);
      expect(text.receive([incomingOf(update)]).outcomes.map(effectOf)).toEqual([effect]);
      const empty = new FragmentText(() => []);
      const { outcomes } = empty.receive([incomingOf(stored()), incomingOf(update)]);
      expect(outcomes.map(effectOf)).toEqual(["applied", effect]);
    });
  }

  test("[UPDATE-14] what was deleted meanwhile cannot be compared, and counts as known", () => {
    const text = new FragmentText(() => [stored(), rawUpdate([], [[AUTHOR, 1, 3]])]);
    const outcomes = ["aBCDef", "abcdef", "Abcdef", "abcdeF"].map(
      (letters) => text.receive([incomingOf(one(0, rawString(letters)))]).outcomes[0],
    );
    expect(outcomes.map(effectOf)).toEqual(["known", "known", "client_id_taken", "client_id_taken"]);
  });

  test("[UPDATE-14] a struct of which the beginning is known is taken if that is the same, and refused if not", () => {
    const text = () => new FragmentText(() => [one(0, rawString("abc"))]);
    expect(
      text()
        .receive([incomingOf(one(0, rawString("abcde")))])
        .outcomes.map(effectOf),
    ).toEqual(["applied"]);
    expect(
      text()
        .receive([incomingOf(one(0, rawString("aXcde")))])
        .outcomes.map(effectOf),
    ).toEqual(["client_id_taken"]);
  });
});

describe("random documents", () => {
  test("[UPDATE-14] the document of an author is known to a text that has it, and one with another letter is not", () => {
    let refused = 0;
    forEachSeed(400, [], (seed) => {
      const random = new SeededRandom(seed);
      const [own, other] = [new Y.Doc(), new Y.Doc()];
      own.clientID = other.clientID = AUTHOR;
      const steps = 1 + random.below(20);
      const differsAt = random.below(steps);
      let differs: number | null = null;
      const clocks = [0];
      for (let step = 0; step < steps; step++) {
        const { length } = own.getText("content");
        const at = random.below(length + 1);
        if (length > 3 && random.chance(0.3)) {
          const from = random.below(length - 1);
          for (const doc of [own, other]) doc.getText("content").delete(from, 1);
          continue;
        }
        const word = random.pick(["a", "bc", "def", "😀g"]);
        if (step === differsAt) differs = Y.getState(own.store, AUTHOR) + word.length - 1;
        own.getText("content").insert(at, word);
        clocks.push(Y.getState(own.store, AUTHOR));
        other.getText("content").insert(at, step === differsAt ? `${word.slice(0, -1)}#` : word);
      }
      const text = new FragmentText(() => []);
      text.receive([incomingOf(Y.encodeStateAsUpdate(own))]);
      const vector = Y.encodeStateVector(new Map([[AUTHOR, random.pick(clocks)]]));
      for (const update of [Y.encodeStateAsUpdate(own), Y.encodeStateAsUpdate(own, vector)])
        expect(text.receive([incomingOf(update)]).outcomes.map(effectOf)).toEqual(["known"]);
      const isThere = differs !== null && !isDeleted(own, differs) && !isDeleted(other, differs);
      const effect = effectOf(text.receive([incomingOf(Y.encodeStateAsUpdate(other))]).outcomes[0]);
      expect(effect).toBe(isThere ? "client_id_taken" : "known");
      if (isThere) refused++;
    });
    expect(refused).toBeGreaterThan(100);
  });

  function isDeleted(doc: Y.Doc, clock: number): boolean {
    const structs = doc.store.clients.get(AUTHOR) ?? [];
    return structs[Y.findIndexSS(structs, clock)]?.deleted === true;
  }
});

describe("the time that the comparison takes", () => {
  test("[UPDATE-14] it is linear, when a long text comes again in one piece that is stored in thousands", async () => {
    await expectLinear(40_000, (count) => {
      const doc = new Y.Doc();
      doc.clientID = AUTHOR;
      doc.getText("content").insert(0, "ab".repeat(count));
      const whole = Y.encodeStateAsUpdate(doc);
      const cuts = new Y.Doc();
      Y.applyUpdate(cuts, whole);
      cuts.transact(() => {
        for (let at = 1; at < count; at++) cuts.getText("content").insert(at * 3, "|");
      });
      const text = new FragmentText(() => [Y.encodeStateAsUpdate(cuts)]);
      return () => expect(text.receive([incomingOf(whole)]).outcomes.map(effectOf)).toEqual(["known"]);
    });
  });

  test("[UPDATE-14] it is linear, when thousands of pieces of one long text come again in the same window", async () => {
    await expectLinear(40_000, (count) => {
      const letters = "abcd".repeat(count);
      const pieces = Array.from({ length: count }, (_, at) =>
        rawString("abcd", at === 0 ? {} : { origin: [AUTHOR, at * 4 - 1] }),
      );
      const text = new FragmentText(() => []);
      const batch = [one(0, rawString(letters)), one(0, ...pieces)].map((update) => incomingOf(update));
      return () => expect(text.receive(batch).outcomes.map(effectOf)).toEqual(["applied", "known"]);
    });
  });
});
