/**
 * The scan of updates, and what the text makes of real ones: the documents of several Yjs peers, their updates in
 * any order and in batches. The oracle is a plain Yjs document that got the same.
 */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { FragmentText } from "../../src/core/text/fragment-text.ts";
import { applyChange, splitsCharacter, TextChange } from "../../src/core/text/text-change.ts";
import { UpdateBuilder } from "../../src/core/text/update-builder.ts";
import { KIND, type ScannedUpdate, scanUpdate } from "../../src/core/text/update-scan.ts";
import { utf8Length } from "../../src/language/utf8.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { incomingOf } from "../support/incoming-of.ts";
import { type RawDelete, rawSkip, rawUpdate } from "../support/raw-update.ts";
import { expectSameState } from "../support/same-state.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const GOLDEN = Uint8Array.of(
  ...[1, 3, 7, 0],
  ...[0x04, 1, 7, ...ascii("content"), 4, 0xf0, 0x9f, 0x98, 0x80], // "😀" as the first of the text
  ...[0x84, 7, 1, 2, ...ascii("ab")], // "ab" behind it
  ...[0x28, 1, 4, ...ascii("tags"), 1, ...ascii("k"), 1, 120], // tags.k = true
  ...[1, 7, 1, 2, 1], // and the "a" is deleted
);

function scan(update: Uint8Array): ScannedUpdate {
  const scanned = scanUpdate(update);
  if (scanned === null) throw new Error("too many structs and deletes");
  return scanned;
}

describe("the scan", () => {
  test("[UPDATE-2] bytes behind the end are no part of an update", () => {
    expect(() => scanUpdate(Uint8Array.of(...GOLDEN, 0))).toThrow("there are bytes after its end");
    // The V2 encoding of anything reads as an empty update with something behind it.
    const doc = new Y.Doc();
    doc.getText("content").insert(0, "text");
    expect(() => scanUpdate(Y.encodeStateAsUpdateV2(doc))).toThrow();
  });

  test("[UPDATE-12] more structs and deletes than are checked at once are not even read", () => {
    const skips = rawUpdate([{ client: 7, clock: 0, structs: Array(250_001).fill(rawSkip(1)) }]);
    expect(scanUpdate(skips)).toBeNull();
    expect(scan(rawUpdate([{ client: 7, clock: 0, structs: Array(1_000).fill(rawSkip(1)) }]))).toEqual({
      structs: [],
      deletes: [],
    });
  });

  test("[UPDATE-1] deletes are ascending and do not touch, in whatever order they were written", () => {
    const written: RawDelete[] = [
      ...([
        [7, 4, 2],
        [7, 0, 1],
        [7, 5, 3],
        [8, 0, 1],
      ] as const),
      ...([
        [7, 1, 1],
        [7, 0, 2],
        [7, 20, 1],
      ] as const),
    ];
    const update = rawUpdate([], written);
    expect(scan(update).deletes).toEqual([
      { client: 7, clock: 0, length: 2 },
      { client: 7, clock: 4, length: 4 },
      { client: 7, clock: 20, length: 1 },
      { client: 8, clock: 0, length: 1 },
    ]);
  });

  test("[UPDATE-1] the golden update is read as it is written", () => {
    const { structs, deletes } = scan(GOLDEN);
    expect(structs.map(({ kind, clock, length, root, key }) => ({ kind, clock, length, root, key }))).toEqual(
      [
        { kind: KIND.string, clock: 0, length: 2, root: "content", key: null },
        { kind: KIND.string, clock: 2, length: 2, root: null, key: null },
        { kind: KIND.any, clock: 4, length: 1, root: "tags", key: "k" },
      ],
    );
    expect(structs[1]).toMatchObject({ client: 7, originClient: 7, originClock: 1, rightClient: -1 });
    expect(deletes).toEqual([{ client: 7, clock: 2, length: 1 }]);
    const { start, end, textStart } = structs[1] ?? { start: 0, end: 0, textStart: 0 };
    expect([...GOLDEN.subarray(textStart, end)]).toEqual(ascii("ab"));
    expect(GOLDEN[start]).toBe(0x84);
  });

  test("[UPDATE-1] the golden update is what Yjs reads, too", () => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, GOLDEN);
    expect(doc.getText("content").toString()).toBe("😀b");
    expect(doc.getMap("tags").toJSON()).toEqual({ k: true });
  });

  test("[UPDATE-1] an update put together again from its pieces has the same bytes", () => {
    const builder = new UpdateBuilder();
    const { structs, deletes } = scan(GOLDEN);
    for (const { client, clock, start, end } of structs) {
      builder.addStructs(client, clock, 1, GOLDEN.subarray(start, end));
    }
    for (const range of deletes) builder.addDelete(range);
    expect(builder.encode()).toEqual(GOLDEN);
  });

  test("[UPDATE-1] deletes are sent on sorted and without overlap, in whatever order they came, so that a peer can hold them as pending", () => {
    forEachSeed(300, [1_000_015], (seed) => {
      const random = new SeededRandom(seed);
      const builder = new UpdateBuilder();
      const deleted = new Set<number>();
      for (let left = 1 + random.below(6); left > 0; left--) {
        const [clock, length] = [random.below(20), 1 + random.below(5)];
        builder.addDelete({ client: 7, clock, length });
        for (let at = clock; at < clock + length; at++) deleted.add(at);
      }
      const { deletes } = scan(builder.encode());
      for (const [index, { clock }] of deletes.entries()) {
        const before = deletes[index - 1];
        expect(clock).toBeGreaterThan(before === undefined ? -1 : before.clock + before.length);
      }
      const clocks = deletes.flatMap(({ clock, length }) => Array.from({ length }, (_, at) => clock + at));
      expect(clocks).toEqual([...deleted].sort((a, b) => a - b));
      const early = new Y.Doc();
      Y.applyUpdate(early, builder.encode());
      expect(scan(Y.encodeStateAsUpdate(early)).deletes).toEqual(deletes);
    });
  });

  test("[UPDATE-1] the scan finds the structs and deletes that Yjs finds, in random documents", () => {
    forEachSeed(200, [], (seed) => {
      const random = new SeededRandom(seed);
      const [doc] = randomDocuments(random, 30, true);
      const update = Y.encodeStateAsUpdate(doc);
      const decoded = Y.decodeUpdate(update);
      const scanned = scan(update);
      expect(scanned.structs.map(({ client, clock, length }) => [client, clock, length])).toEqual(
        decoded.structs.map(({ id, length }) => [id.client, id.clock, length]),
      );
      const ranges = [...decoded.ds.clients].flatMap(([client, list]) =>
        list.map(({ clock, len }) => ({ client, clock, length: len })),
      );
      expect(scanned.deletes).toEqual(ranges);
    });
  });
});

describe("real updates", () => {
  test("[UPDATE-1] the text has what a plain Yjs document has, whatever order and batches they come in", () => {
    forEachSeed(300, [1_000_015], (seed) => {
      const random = new SeededRandom(seed);
      const updates: Uint8Array[] = [];
      const docs = randomDocuments(random, 60, random.chance(0.3), (update) => updates.push(update));
      expectAgreement(random, updates, docs);
    });
  });

  test("[UPDATE-1] updates that came twice, merged or in part are taken once", () => {
    forEachSeed(200, [], (seed) => {
      const random = new SeededRandom(seed);
      const updates: Uint8Array[] = [];
      const docs = randomDocuments(random, 40, false, (update) => updates.push(update));
      const again: Uint8Array[] = [];
      for (const [index, update] of updates.entries()) {
        again.push(update);
        if (random.chance(0.3)) again.push(random.pick(updates));
        if (random.chance(0.3))
          again.push(Y.mergeUpdates(updates.slice(Math.max(0, index - random.below(6)), index + 1)));
      }
      expectAgreement(random, again, docs);
    });
  });

  test("[UPDATE-10] every commit holds exactly what is new, and rebuilds the document", () => {
    forEachSeed(150, [], (seed) => {
      const random = new SeededRandom(seed);
      const updates: Uint8Array[] = [];
      randomDocuments(random, 50, false, (update) => updates.push(update));
      const log: Uint8Array[] = [];
      const text = new FragmentText(() => log);
      for (const update of updates) {
        text.receive([incomingOf(update)]);
        if (random.chance(0.2)) serverWrite(random, text);
        if (random.chance(0.6)) continue;
        const before = text.committedContent;
        const uncommitted = text.uncommitted();
        expect(applyChange(uncommitted.change, before)).toBe(uncommitted.content);
        if (uncommitted.update !== null) log.push(uncommitted.update);
        text.commit(uncommitted);
        expect(text.isDirty).toBe(false);
        expect(text.committedBytes).toBe(utf8Length(text.committedContent));
        const reopened = new FragmentText(() => log);
        expect(reopened.committedContent).toBe(text.committedContent);
        expect(reopened.committedMetadata).toEqual(text.committedMetadata);
        expectSameState(reopened.snapshot(), text.snapshot());
      }
    });
  });

  test("[UPDATE-11] the updates that a text sends on bring another document to the same state", () => {
    forEachSeed(150, [], (seed) => {
      const random = new SeededRandom(seed);
      const updates: Uint8Array[] = [];
      randomDocuments(random, 50, false, (update) => updates.push(update));
      const text = new FragmentText(() => []);
      const follower = new Y.Doc();
      for (let at = 0; at < updates.length; ) {
        const count = 1 + random.below(4);
        const batch = updates.slice(at, at + count).map((update) => incomingOf(update));
        at += count;
        const sent = [text.receive(batch).update];
        if (random.chance(0.2)) sent.push(serverWrite(random, text));
        for (const update of sent) if (update !== null) Y.applyUpdate(follower, update);
      }
      expectSameState(Y.encodeStateAsUpdate(follower), text.snapshot());
      expectSameState(text.missingFor(Y.encodeStateVector(new Y.Doc())) ?? GOLDEN, text.snapshot());
    });
  });
});

/** Gives the updates to a text in random order and batches, as often as they are gaps, and compares. */
function expectAgreement(random: SeededRandom, updates: readonly Uint8Array[], docs: readonly Y.Doc[]): void {
  const text = new FragmentText(() => []);
  let left = random.chance(0.5) ? random.shuffle(updates) : [...updates];
  while (left.length > 0) {
    const early: Uint8Array[] = [];
    const before = left.length;
    while (left.length > 0) {
      const batch = left.splice(0, 1 + random.below(8));
      const { outcomes } = text.receive(batch.map((update) => incomingOf(update)));
      for (const [index, outcome] of outcomes.entries()) {
        if (!outcome.ok) throw new Error(`refused: ${outcome.refusal.message}`);
        if (outcome.value === "gap") early.push(batch[index] as Uint8Array); // one outcome for each
      }
    }
    expect(early.length).toBeLessThan(before);
    left = early;
  }
  const naive = new Y.Doc();
  for (const update of updates) Y.applyUpdate(naive, update);
  expectSameState(text.snapshot(), Y.encodeStateAsUpdate(naive));
  for (const doc of docs) for (const other of docs) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
  expect(text.uncommitted().content).toBe(docs[0]?.getText("content").toString());
}

/** Three peers that edit and hear of each other at random. */
function randomDocuments(
  random: SeededRandom,
  steps: number,
  formats: boolean,
  sent: (update: Uint8Array) => void = () => undefined,
): [Y.Doc, Y.Doc, Y.Doc] {
  const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()] as [Y.Doc, Y.Doc, Y.Doc];
  const mailboxes: Uint8Array[][] = docs.map(() => []);
  for (const [index, doc] of docs.entries()) {
    doc.clientID = random.below(2 ** 32);
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === "peer") return;
      sent(update);
      for (const [other, mailbox] of mailboxes.entries()) if (other !== index) mailbox.push(update);
    });
  }
  for (; steps > 0; steps--) {
    const at = random.below(docs.length);
    const doc = docs[at] as Y.Doc; // at < length
    const mailbox = mailboxes[at] as Uint8Array[];
    if (random.chance(0.4)) for (const update of mailbox.splice(0)) Y.applyUpdate(doc, update, "peer");
    else randomEdit(random, doc, formats);
  }
  return docs;
}

function randomEdit(random: SeededRandom, doc: Y.Doc, formats: boolean): void {
  const text = doc.getText("content");
  const shown = text.toString();
  const [one, other] = [cut(random, shown), cut(random, shown)];
  const [from, length] = [Math.min(one, other), Math.abs(one - other)];
  switch (random.below(8)) {
    case 0:
      doc.getMap("metadata").set("description", `description ${random.below(100)}`);
      break;
    case 1:
      doc.getMap("tags").set(random.pick(["a", "b", "c"]), random.chance(0.5) ? true : random.below(9));
      break;
    case 2:
      doc.getMap("tags").delete(random.pick(["a", "b", "c"]));
      break;
    case 3:
      if (formats && length > 0) text.format(from, length, { bold: random.chance(0.5) ? true : null });
      break;
    case 4:
    case 5:
      text.delete(from, Math.min(length, shown.length - from));
      break;
    default:
      text.insert(from, random.pick(["a", "typed", "😀", "漢字", "\n", "🐀🐀"]));
  }
}

function cut(random: SeededRandom, text: string): number {
  const at = random.below(text.length + 1);
  return splitsCharacter(text, at) ? at + 1 : at;
}

/** As the room writes for a JSON client. */
function serverWrite(random: SeededRandom, text: FragmentText): Uint8Array | null {
  const { content, change } = text.uncommitted();
  expect(applyChange(change, text.committedContent)).toBe(content);
  const at = cut(random, content);
  const insert = random.pick(["server", "😀", ""]);
  const end = Math.max(at, cut(random, content));
  return text.write(
    4_000_000_000,
    new TextChange()
      .retain(at)
      .insert(insert)
      .delete(end - at)
      .chop(),
    random.chance(0.3) ? { tags: { keep: ["server"], remove: ["a"] } } : {},
  );
}

function ascii(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}
