/**
 * Updates that no honest peer sends, and honest ones that come too early. Whatever is refused changes nothing: the
 * snapshot is the same bytes before and after, and good updates still work.
 */
import * as encoding from "lib0/encoding";
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { FragmentText } from "../../src/core/text/fragment-text.ts";
import type { Incoming, Outcome } from "../../src/core/text/incoming.ts";
import { done } from "../../src/protocol/errors.ts";
import { MAX_CONTENT_BYTES } from "../../src/protocol/limits.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { expectLinear } from "../support/growth.ts";
import { incomingOf } from "../support/incoming-of.ts";
import {
  type RawDelete,
  rawAny,
  rawDeleted,
  rawFormat,
  rawGc,
  rawSkip,
  rawString,
  rawStringBytes,
  rawStruct,
  rawUpdate,
} from "../support/raw-update.ts";
import { expectSameState } from "../support/same-state.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** The document that every hostile update meets: text by client 1 with a pair in it, one tag, a description. */
function makeText(): FragmentText {
  const doc = new Y.Doc();
  doc.clientID = 1;
  doc.getText("content").insert(0, "good 😀 text");
  doc.getText("content").delete(0, 1);
  doc.getMap("metadata").set("description", "described");
  doc.getMap("tags").set("one", true);
  const text = new FragmentText(() => [Y.encodeStateAsUpdate(doc)]);
  return text;
}

const incoming = incomingOf;

function effectOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "none";
  return outcome.ok ? outcome.value : outcome.refusal.code;
}

/** Whether the update was sound and known here in all it builds on. */
function isApplied(outcome: Outcome | undefined): boolean {
  return outcome?.ok === true && outcome.value !== "gap";
}

/** An honest update of a peer that knows the document. */
function honest(text: FragmentText, insert: string, client = 50): Uint8Array {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, text.snapshot());
  doc.clientID = client;
  const before = Y.encodeStateVector(doc);
  doc.getText("content").insert(doc.getText("content").length, insert);
  return Y.encodeStateAsUpdate(doc, before);
}

function contentOf(text: FragmentText): string {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, text.snapshot());
  return doc.getText("content").toString();
}

/** It is refused, or held off as a gap; nothing has changed, alone or in a batch; and good ones still work. */
function expectNoTrace(hostile: Uint8Array, kind: string): void {
  const text = makeText();
  const before = text.snapshot().slice();
  const alone = text.receive([incoming(hostile)]);
  expect(alone.outcomes.map(effectOf)).toEqual([kind]);
  expect(alone.update).toBeNull();
  expect(text.snapshot()).toEqual(before);
  expect(text.isDirty).toBe(false);

  const batch = text.receive([
    incoming(honest(text, "<first>", 51)),
    incoming(hostile),
    incoming(honest(text, "<last>", 52)),
  ]);
  expect(batch.outcomes.map(effectOf)).toEqual(["applied", kind, "applied"]);
  expect(contentOf(text)).toContain("<first>");
  expect(contentOf(text)).toContain("<last>");

  const naive = makeText();
  for (const update of [honest(naive, "<first>", 51), honest(naive, "<last>", 52)]) {
    naive.receive([incoming(update)]);
  }
  expect(snapshotsEqual(text, naive)).toBe(true);
  const followers = new Y.Doc();
  Y.applyUpdate(followers, before);
  if (batch.update !== null) Y.applyUpdate(followers, batch.update);
  expect(followers.getText("content").toString()).toBe(contentOf(text));
  expect(followers.store.pendingStructs).toBeNull();
}

function snapshotsEqual(a: FragmentText, b: FragmentText): boolean {
  const [docA, docB] = [a, b].map((text) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, text.snapshot());
    return doc;
  });
  return docA !== undefined && docB !== undefined && Y.equalSnapshots(Y.snapshot(docA), Y.snapshot(docB));
}

/** What Yjs itself makes of it, in a document that holds what the text held before. */
function expectSameAsYjs(before: Uint8Array, update: Uint8Array | null, text: FragmentText): void {
  expectSameState(text.snapshot(), Y.mergeUpdates(update === null ? [before] : [before, update]));
}

const one = (client: number, clock: number, ...structs: Uint8Array[]) => [{ client, clock, structs }];

describe("bytes that are no update", () => {
  test("[UPDATE-2] a truncated update is refused without a trace, at every length", () => {
    const good = honest(makeText(), "a good 😀 insert", 50);
    for (let length = 0; length < good.length; length++) {
      const text = makeText();
      const before = text.snapshot().slice();
      const { outcomes } = text.receive([incoming(good.subarray(0, length))]);
      if (isApplied(outcomes[0])) continue; // the deletes at the end may be cut where none are left
      expect(text.snapshot(), `first ${length} bytes`).toEqual(before);
      expect(text.receive([incoming(good)]).outcomes).toEqual([done("applied")]);
    }
  });

  test("[UPDATE-2] an update with flipped bits is applied as Yjs would, or leaves no trace", () => {
    forEachSeed(3_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = makeText();
      const good = honest(text, "a good 😀 insert", 50);
      const flipped = good.slice();
      for (let flips = 1 + random.below(3); flips > 0; flips--) {
        const at = random.below(flipped.length);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      }
      const before = text.snapshot().slice();
      const received = text.receive([incoming(flipped)]);
      if (!isApplied(received.outcomes[0])) {
        expect(text.snapshot()).toEqual(before);
        expect(received.update).toBeNull();
      } else expectSameAsYjs(before, received.update, text);
      const sound = honest(text, "<later>", 60);
      expect(text.receive([incoming(sound)]).outcomes).toEqual([done("applied")]);
      expect(contentOf(text)).toContain("<later>");
    });
  });

  test("[UPDATE-2] random bytes never make the check throw, and leave no trace where they are refused", () => {
    forEachSeed(2_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = makeText();
      const before = text.snapshot().slice();
      const { outcomes } = text.receive([incoming(random.bytes(random.below(60)))]);
      if (!isApplied(outcomes[0])) expect(text.snapshot()).toEqual(before);
    });
  });

  test("[UPDATE-2] text that is not UTF-8 is refused without a trace", () => {
    const invalid = Uint8Array.of(0xf0, 0x61, 0xed, 0xa0, 0x80);
    expectNoTrace(rawUpdate(one(7, 0, rawStringBytes(invalid))), "malformed_update");
  });

  test("[UPDATE-2] text that is not UTF-8 is refused, when another struct of the update cuts into it", () => {
    const invalid = Uint8Array.of(0xf0, 0x61, 0x61, 0x61);
    const hostile = rawUpdate(one(7, 0, rawStringBytes(invalid), rawString("x", { origin: [7, 0] })));
    expectNoTrace(hostile, "malformed_update");
  });

  test("[UPDATE-2] a value nested a hundred thousand deep is refused without a trace", () => {
    const depth = 100_000;
    const nested = rawStruct(8, { root: "tags", key: "deep" }, (encoder) => {
      const bytes = new Uint8Array(depth * 2 + 2);
      bytes[0] = 1;
      for (let at = 1; at < bytes.length - 1; at += 2) {
        bytes[at] = 117; // an array ...
        bytes[at + 1] = 1; // ... of one
      }
      bytes[bytes.length - 1] = 126;
      encoding.writeUint8Array(encoder, bytes);
    });
    expectNoTrace(rawUpdate(one(7, 0, nested)), "malformed_update");
  });
});

describe("gaps", () => {
  test("[UPDATE-3] structs behind a missing clock are a gap, without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 5, rawString("x"))), "gap");
  });

  test("[UPDATE-3] structs behind a skip are a gap, without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("ab"), rawSkip(3), rawString("x"))), "gap");
  });

  test("[UPDATE-3] a struct whose neighbour is not known is a gap, without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { origin: [8, 0] }))), "gap");
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { right: [8, 0] }))), "gap");
  });

  test("[UPDATE-3] a struct that is its own neighbour is refused without a trace", () => {
    for (const side of ["origin", "right"]) {
      for (const clock of [0, 1])
        expectNoTrace(rawUpdate(one(7, 0, rawString("xy", { [side]: [7, clock] }))), "malformed_update");
    }
  });

  test("[UPDATE-3] a delete of what is not known is a gap, without a trace", () => {
    expectNoTrace(rawUpdate([], [[8, 0, 1]]), "gap");
    expectNoTrace(rawUpdate([], [[1, 2, 1_000]]), "gap");
  });

  test("[UPDATE-3] an update with a gap is applied, when it comes again behind what it lacked", () => {
    const text = makeText();
    const first = rawUpdate(one(7, 0, rawString("ab")));
    const second = rawUpdate(one(7, 2, rawString("cd", { origin: [7, 1] })));
    expect(text.receive([incoming(second)]).outcomes).toEqual([done("gap")]);
    expect(text.receive([incoming(first), incoming(second)]).outcomes.map(effectOf)).toEqual([
      "applied",
      "applied",
    ]);
    expect(contentOf(text)).toContain("abcd");
  });

  test("[UPDATE-3] an update is a gap to its batch, when what it builds on comes later in it", () => {
    const text = makeText();
    const first = rawUpdate(one(7, 0, rawString("ab")));
    const second = rawUpdate(one(7, 2, rawString("cd", { origin: [7, 1] })));
    const { outcomes, update } = text.receive([incoming(second), incoming(first)]);
    expect(outcomes.map(effectOf)).toEqual(["gap", "applied"]);
    expectSameAsYjs(makeText().snapshot(), update, text);
  });
});

describe("what no fragment holds", () => {
  test("[UPDATE-4] a foreign root type is refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { root: "other" }))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { root: "__proto__" }))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, 0, rawDeleted(2, { root: "other" }))), "malformed_update");
  });

  test("[UPDATE-4] a root of the wrong kind is refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { root: "tags" }))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { key: "k" }))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, 0, rawAny(1))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, 0, rawAny(1, { root: "tags" }))), "malformed_update");
    expectNoTrace(
      rawUpdate(one(7, 0, rawFormat("bold", true, { root: "tags", key: "k" }))),
      "malformed_update",
    );
  });

  test("[UPDATE-4] plain values beside text, and text beside plain values, are refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawAny(1, { origin: [1, 2] }))), "malformed_update");
    const tag = makeText();
    const clock = clockOfTag(tag);
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { origin: [1, clock] }))), "invalid_metadata");
  });

  test("[UPDATE-4] nested types, embeds, binaries, JSON and subdocuments are refused without a trace", () => {
    const type = rawStruct(7, {}, (encoder) => encoding.writeVarUint(encoder, 2));
    const embed = rawStruct(5, {}, (encoder) => encoding.writeVarString(encoder, "{}"));
    const binary = rawStruct(3, {}, (encoder) => encoding.writeVarUint8Array(encoder, new Uint8Array(3)));
    const json = rawStruct(2, {}, (encoder) => {
      encoding.writeVarUint(encoder, 1);
      encoding.writeVarString(encoder, "1");
    });
    const subdocument = rawStruct(9, {}, (encoder) => {
      encoding.writeVarString(encoder, "guid");
      encoding.writeAny(encoder, {});
    });
    const child = rawString("x", { parent: [1, 2] });
    for (const struct of [type, embed, binary, json, subdocument, child]) {
      expectNoTrace(rawUpdate(one(7, 0, struct)), "malformed_update");
    }
  });

  test("[UPDATE-4] a kind of content that Yjs does not have is refused without a trace", () => {
    for (const kind of [10, 11, 31]) {
      const unknown = rawStruct(kind, { origin: [1, 2] }, (encoder) => encoding.writeVarUint(encoder, 1));
      expectNoTrace(rawUpdate(one(7, 0, unknown)), "malformed_update");
    }
  });

  test("[UPDATE-4] metadata that is not valid is refused without a trace", () => {
    const metadata = (key: string, value: string | number | boolean) =>
      rawUpdate(one(7, 0, rawAny(value, { root: "metadata", key })));
    expectNoTrace(metadata("description", 5), "invalid_metadata");
    expectNoTrace(metadata("description", "x".repeat(2_001)), "invalid_metadata");
    expectNoTrace(metadata("prompt_type", "unheard of"), "invalid_metadata");
    expectNoTrace(metadata("unknown", "field"), "invalid_metadata");
    const tag = (key: string, value: string | number | boolean) =>
      rawUpdate(one(7, 0, rawAny(value, { root: "tags", key })));
    expectNoTrace(tag("two", "a rank?"), "invalid_metadata");
    expectNoTrace(tag("two", Number.NaN), "invalid_metadata");
    expectNoTrace(tag("", true), "invalid_metadata");
    expectNoTrace(tag("t".repeat(65), true), "invalid_metadata");
  });

  test("[UPDATE-4] a 65th tag is refused without a trace", () => {
    const tags = Array.from({ length: 64 }, (_, index) =>
      rawAny(true, { root: "tags", key: `tag ${index}` }),
    );
    expectNoTrace(rawUpdate(one(7, 0, ...tags)), "invalid_metadata");
  });

  test("[UPDATE-5] NUL is refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("a\0b"))), "invalid_content");
  });

  test("[UPDATE-5] a cut into a surrogate pair is refused without a trace", () => {
    const at = pairClock(makeText());
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { origin: [1, at] }))), "invalid_content");
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { right: [1, at + 1] }))), "invalid_content");
    expectNoTrace(rawUpdate([], [[1, at, 1]]), "invalid_content");
    expectNoTrace(rawUpdate([], [[1, at + 1, 1]]), "invalid_content");
  });

  test("[UPDATE-5] a cut into a pair of the same update is refused without a trace", () => {
    const inside = rawUpdate(one(7, 0, rawString("a😀b"), rawString("x", { origin: [7, 1] })));
    expectNoTrace(inside, "invalid_content");
    expectNoTrace(rawUpdate(one(7, 0, rawString("a😀b")), [[7, 1, 1]]), "invalid_content");
  });

  test("[UPDATE-5] a cut into a pair of an earlier update of the batch is refused", () => {
    const text = makeText();
    const { outcomes } = text.receive([
      incoming(rawUpdate(one(7, 0, rawString("a😀b")))),
      incoming(rawUpdate(one(8, 0, rawString("x", { origin: [7, 1] })))),
    ]);
    expect(outcomes.map(effectOf)).toEqual(["applied", "invalid_content"]);
    expect(contentOf(text)).toContain("a😀b");
  });

  test("[UPDATE-6] a content over the limit is refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("x".repeat(MAX_CONTENT_BYTES + 1)))), "content_too_large");
  });

  test("[UPDATE-6] a text that fills the limit to the byte is taken, one more byte is not", () => {
    const text = makeText();
    const left = MAX_CONTENT_BYTES - new TextEncoder().encode(contentOf(text)).length;
    const outcomeOf = (update: Uint8Array) => effectOf(text.receive([incoming(update)]).outcomes[0]);
    expect(outcomeOf(rawUpdate(one(7, 0, rawString("x".repeat(left)))))).toBe("applied");
    expect(outcomeOf(rawUpdate(one(8, 0, rawString("y"))))).toBe("content_too_large");
    expect(outcomeOf(rawUpdate(one(8, 0, rawString("y")), [[7, 0, 1]]))).toBe("applied");
  });

  test("[UPDATE-6] updates are taken in order while they fit, when a batch is too large as a whole", () => {
    const text = makeText();
    const large = (client: number) => incoming(rawUpdate(one(client, 0, rawString("x".repeat(600_000)))));
    const { outcomes, update } = text.receive([large(7), large(8), incoming(honest(text, "<last>", 60))]);
    expect(outcomes.map(effectOf)).toEqual(["applied", "content_too_large", "applied"]);
    expectSameAsYjs(makeText().snapshot(), update, text);
  });
});

describe("updates that cost more than they weigh", () => {
  test("[UPDATE-12] an update takes linear time, when thousands of deletes cut into one long text with an emoji", async () => {
    await expectLinear(8_000, (count) => {
      const text = makeText();
      const deletes = Array.from({ length: count }, (_, at): RawDelete => [7, 10 + at * 2, 1]);
      const kept = "a".repeat(110 * count);
      const update = rawUpdate(one(7, 0, rawString(`😀${"a".repeat(10 + 2 * count)}${kept}`)), deletes);
      return () => {
        expect(text.receive([incoming(update)]).outcomes).toEqual([done("applied")]);
        expect(contentOf(text).endsWith(kept)).toBe(true);
      };
    });
  });

  test("[UPDATE-12] an update takes linear time, when it writes the same delete of many structs again and again", async () => {
    await expectLinear(20_000, (count) => {
      const doc = new Y.Doc();
      doc.clientID = 5;
      for (let at = 0; at < count; at++) doc.getText("content").insert(0, "a");
      doc.getText("content").delete(0, count);
      const text = new FragmentText(() => [Y.encodeStateAsUpdate(doc)]);
      const update = rawUpdate([], Array(count).fill([5, 0, count]));
      return () => expect(text.receive([incoming(update)]).update).toBeNull();
    });
  });

  test("[UPDATE-12] more structs and deletes than are checked at once are refused without a trace", () => {
    const skips = rawUpdate([{ client: 7, clock: 0, structs: Array(250_001).fill(rawSkip(1)) }]);
    const cuts = Array.from({ length: 250_000 }, (_, at): RawDelete => [7, at * 2, 1]);
    const deletes = rawUpdate(one(7, 0, rawString("a".repeat(500_000))), cuts);
    const named = rawUpdate([], Array(1_200_001).fill([1, 0, 1]));
    for (const update of [skips, deletes, named]) expectNoTrace(update, "content_too_large");
  });

  test("[UPDATE-12] a sync step 2 that names more deletes than are checked at once is taken in linear time, when they are known", async () => {
    await expectLinear(200_000, knownDeletes);
  });

  /** A text with this number of deletes, and a sync step 2 that names them all. */
  function knownDeletes(pairs: number): () => void {
    const doc = new Y.Doc();
    doc.clientID = 5;
    doc.getText("content").insert(0, "ab".repeat(pairs));
    const text = new FragmentText(() => [Y.encodeStateAsUpdate(doc)]);
    for (const from of [0, pairs / 2]) {
      const half = Array.from({ length: pairs / 2 }, (_, at): RawDelete => [5, (from + at) * 2, 1]);
      expect(text.receive([incoming(rawUpdate([], half))]).outcomes).toEqual([done("applied")]);
    }
    const all = Array.from({ length: pairs }, (_, at): RawDelete => [5, at * 2, 1]);
    const step2 = rawUpdate(one(7, 0, rawString("more")), all);
    return () => {
      expect(text.receive([incoming(step2)]).outcomes).toEqual([done("applied")]);
      expect(contentOf(text)).toContain("more");
    };
  }

  test("[UPDATE-13] nothing more is taken of a refused sender in its window, and updates of others are", () => {
    const text = makeText();
    const [bad, good] = [{}, {}];
    // Yjs itself finds out about this one, after it has changed the document.
    const format = rawStruct(6, {}, (encoder) => {
      encoding.writeVarString(encoder, "bold");
      encoding.writeVarString(encoder, "{");
    });
    const from = (sender: object, client: number, struct: Uint8Array): Incoming => ({
      ...incoming(rawUpdate(one(client, 0, struct))),
      sender,
    });
    const { outcomes } = text.receive([
      from(good, 60, rawString("<first>")),
      from(bad, 61, format),
      from(bad, 62, rawString("<bad>")),
      from(good, 63, rawString("<last>")),
    ]);
    expect(outcomes.map(effectOf)).toEqual(["applied", "malformed_update", "malformed_update", "applied"]);
    expect(contentOf(text)).toContain("<first>");
    expect(contentOf(text)).toContain("<last>");
    expect(contentOf(text)).not.toContain("<bad>");
    const forged: Incoming = {
      ...from(bad, 64, rawString("<forged>")),
      admit: () => ({ code: "forged_update", message: "No." }),
    };
    const second = text.receive([
      forged,
      from(bad, 65, rawString("<bad>")),
      from(good, 66, rawString("<more>")),
    ]);
    expect(second.outcomes.map(effectOf)).toEqual(["forged_update", "forged_update", "applied"]);
    expect(contentOf(text)).not.toContain("<bad>");
  });
});

describe("random structs", () => {
  test("[UPDATE-1] an update of random structs is applied as Yjs would, or leaves no trace", () => {
    let applied = 0;
    forEachSeed(6_000, [1_002_698], (seed) => {
      const random = new SeededRandom(seed);
      const text = makeText();
      const before = text.snapshot().slice();
      const batch = Array.from({ length: 1 + random.below(3) }, () => incoming(randomUpdate(random)));
      const { outcomes, update } = text.receive(batch);
      if (outcomes.some(isApplied)) {
        applied++;
        expectSameAsYjs(before, update, text);
      } else expect(text.snapshot()).toEqual(before);
      expect(contentOf(text).isWellFormed()).toBe(true);
      expect(contentOf(text)).not.toContain("\ufffd");
      expect(contentOf(text)).not.toContain("\r\n");
    });
    expect(applied).toBeGreaterThan(500);
  });
});

/** Structs that are mostly sound by themselves, with neighbours that may or may not be there. */
function randomUpdate(random: SeededRandom): Uint8Array {
  const id = (): [number, number] => [random.pick([1, 1, 7, 8, 9]), random.below(14)];
  const place = () => {
    const left = random.chance(0.5) ? { origin: id() } : {};
    const right = random.chance(0.3) ? { right: id() } : {};
    const key = random.chance(0.1) ? { key: "description" } : {};
    const root = random.chance(0.1) ? { root: random.pick(["metadata", "tags", "other"]) } : {};
    return { ...left, ...right, ...key, ...root };
  };
  const struct = () => {
    const kind = random.below(20);
    if (kind === 0) return rawGc(random.below(3));
    if (kind === 1) return rawDeleted(random.below(3), place());
    if (kind === 2) return rawSkip(random.below(2));
    if (kind === 3) return rawFormat("bold", random.chance(0.5), place());
    if (kind === 4) return rawAny("x", { root: "metadata", key: "description" });
    if (kind === 5) return rawAny(true, { root: "tags", key: random.pick(["a", "b"]) });
    return rawString(random.pick(["a", "bc", "😀", "d😀e", "漢", "\r\n", "f\r"]), place());
  };
  const clients = random.shuffle([7, 8, 9, 7]).slice(0, 1 + random.below(3));
  const blocks = clients.map((client) => ({
    client,
    clock: random.chance(0.85) ? 0 : random.below(4),
    structs: Array.from({ length: 1 + random.below(3) }, struct),
  }));
  const deletes = Array.from({ length: random.below(2) }, (): [number, number, number] => [
    ...id(),
    1 + random.below(3),
  ]);
  return rawUpdate(blocks, deletes);
}

describe("clocks and clients", () => {
  test("[UPDATE-7] huge clocks, lengths and client ids are refused without a trace", () => {
    const max = Number.MAX_SAFE_INTEGER;
    expectNoTrace(rawUpdate(one(7, 0, rawGc(2 ** 31))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, 0, rawDeleted(max))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, max, rawString("x"))), "malformed_update");
    expectNoTrace(rawUpdate(one(max, 0, rawString("x"))), "malformed_update");
    expectNoTrace(rawUpdate([], [[1, max, 1]]), "malformed_update");
    expectNoTrace(rawUpdate([], [[1, 0, max]]), "malformed_update");
  });

  test("[UPDATE-7] structs and deletes of no length are refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString(""))), "malformed_update");
    expectNoTrace(rawUpdate(one(7, 0, rawGc(0))), "malformed_update");
    expectNoTrace(rawUpdate([], [[1, 0, 0]]), "malformed_update");
  });

  test("[UPDATE-7] a skip of no length is refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("a"), rawSkip(0), rawString("b"))), "malformed_update");
  });

  test("[UPDATE-7] a skip smuggles nothing in, when it has no length and hides a block of its own", () => {
    // Cut out by bytes, what follows the skip would be read as another client's block.
    const smuggled = rawStringBytes(rawUpdate(one(99, 0, rawString("x", { root: "other" }))));
    expectNoTrace(rawUpdate(one(7, 0, rawString("a"), rawSkip(0), smuggled)), "malformed_update");
  });

  test("[UPDATE-7] a skip with bits that no Yjs writes is refused without a trace", () => {
    for (const bits of [32, 64, 128]) {
      expectNoTrace(
        rawUpdate(one(7, 0, rawString("a"), rawSkip(1, bits), rawString("b"))),
        "malformed_update",
      );
    }
  });

  test("[UPDATE-7] two blocks of one client in one update are refused without a trace", () => {
    const block = (clock: number, text: string) => ({ client: 7, clock, structs: [rawString(text)] });
    expectNoTrace(rawUpdate([block(0, "ab"), block(2, "cd")]), "malformed_update");
    const between = { client: 8, clock: 0, structs: [rawString("z")] };
    expectNoTrace(rawUpdate([block(0, "ab"), between, block(2, "cd")]), "malformed_update");
  });

  test("[UPDATE-7] structs that depend on each other are refused without a trace", () => {
    const circle = rawUpdate([
      ...one(7, 0, rawString("x", { origin: [8, 0] })),
      ...one(8, 0, rawString("y", { origin: [7, 0] })),
    ]);
    expectNoTrace(circle, "malformed_update");
  });

  test("[UPDATE-7] a struct that names itself or a later one of its client is refused without a trace", () => {
    expectNoTrace(rawUpdate(one(7, 0, rawString("x", { origin: [7, 0] }))), "malformed_update");
    expectNoTrace(
      rawUpdate(one(7, 0, rawString("x", { right: [7, 1] }), rawString("y"))),
      "malformed_update",
    );
  });

  test("[UPDATE-7] a count beyond the bytes is refused without a trace", () => {
    const block = { client: 7, clock: 0, structs: [rawString("x")], count: 2 ** 31 };
    expectNoTrace(rawUpdate([block]), "malformed_update");
  });

  test("[UPDATE-8] structs and deletes of a deleted generation are refused, whatever else they bring", () => {
    const text = new FragmentText(() => [], new Set([7]));
    const before = text.snapshot().slice();
    const codes = text
      .receive([
        incoming(rawUpdate(one(7, 0, rawString("x")))),
        incoming(rawUpdate(one(8, 0, rawString("y")), [[7, 0, 1]])),
      ])
      .outcomes.map(effectOf);
    expect(codes).toEqual(["deleted", "deleted"]);
    expect(text.snapshot()).toEqual(before);
  });

  test("[UPDATE-9] an update that is not admitted changes nothing, and one that builds on it is a gap", () => {
    const text = makeText();
    const before = text.snapshot().slice();
    const asked: number[][] = [];
    const refuse = incoming(rawUpdate(one(7, 0, rawString("ab"))), {
      admit: (clients) => {
        asked.push([...clients]);
        return { code: "forged_update", message: "No." };
      },
    });
    const after = incoming(rawUpdate(one(8, 0, rawString("x", { origin: [7, 1] }))));
    const { outcomes, update } = text.receive([refuse, after]);
    expect(outcomes.map(effectOf)).toEqual(["forged_update", "gap"]);
    expect(asked).toEqual([[7]]);
    expect(update).toBeNull();
    expect(text.snapshot()).toEqual(before);
  });

  test("[UPDATE-9] an update that brings nothing new asks for no client's right", () => {
    const text = makeText();
    const known = text.snapshot().slice();
    const admit = (clients: Iterable<number>) => {
      expect([...clients]).toEqual([]);
      return null;
    };
    expect(text.receive([incoming(known, { admit })])).toMatchObject({
      outcomes: [done("known")],
      update: null,
    });
  });
});

/** The clock of the first half of the pair. */
function pairClock(text: FragmentText): number {
  for (const item of structsOf(text)) {
    const at = item.content instanceof Y.ContentString ? item.content.str.indexOf("\ud83d") : -1;
    if (at !== -1) return item.id.clock + at;
  }
  throw new Error("no pair");
}

function clockOfTag(text: FragmentText): number {
  const item = structsOf(text).find(({ parentSub }) => parentSub === "one");
  if (item === undefined) throw new Error("no tag");
  return item.id.clock;
}

function structsOf(text: FragmentText): Y.Item[] {
  const doc = new Y.Doc();
  doc.getText("content");
  doc.getMap("tags");
  Y.applyUpdate(doc, text.snapshot());
  return [...doc.store.clients.values()].flat().filter((struct) => struct instanceof Y.Item);
}
