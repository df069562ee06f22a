/** Edits of thousands of pieces: they make the document that Yjs alone would make, in linear time. */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { FragmentText } from "../../src/core/text/fragment-text.ts";
import { LineEndMender } from "../../src/core/text/line-end-mender.ts";
import { applyChange, TextChange } from "../../src/core/text/text-change.ts";
import { done } from "../../src/protocol/errors.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { expectLinear } from "../support/growth.ts";
import { incomingOf } from "../support/incoming-of.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const SERVER = 4_000_000_000;

/** A document of one client, with this text in one piece. */
function docOf(content: string, client = 5): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = client;
  doc.getText("content").insert(0, content);
  return doc;
}

/** The last line was written first: each cut from start to end is one before all structs that were cut earlier. */
function linesFromTheLast(line: string, count: number): Y.Doc {
  const doc = docOf("");
  doc.transact(() => {
    for (let left = count; left > 0; left--) doc.getText("content").insert(0, line);
  });
  return doc;
}

function textOf(doc: Y.Doc): FragmentText {
  const snapshot = Y.encodeStateAsUpdate(doc);
  return new FragmentText(() => [snapshot]);
}

/** What a peer that has the document sends when it makes these edits. */
function edited(base: Y.Doc, client: number, edit: (content: Y.Text) => void): Uint8Array {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(base));
  doc.clientID = client;
  const before = Y.encodeStateVector(doc);
  doc.transact(() => edit(doc.getText("content")));
  return Y.encodeStateAsUpdate(doc, before);
}

/** Takes an update in, and mends its line ends. Returns what has to be sent on, in order. */
function receive(text: FragmentText, update: Uint8Array): Uint8Array[] {
  const received = text.receive([incomingOf(update)]);
  expect(received.outcomes).toEqual([done("applied")]);
  const updates = [received.update];
  while (text.isMending) updates.push(text.mend());
  return updates.filter((one) => one !== null);
}

function contentOf(text: FragmentText): string {
  const { change, content } = text.uncommitted();
  expect(applyChange(change, text.committedContent) === content).toBe(true);
  return content;
}

describe("edits of many pieces", () => {
  test("[TEXT-7] an update that cuts a text in many places makes the document that Yjs makes", () => {
    forEachSeed(30, [], (seed) => {
      const random = new SeededRandom(seed);
      const doc = docOf("0123456789😀".repeat(300));
      for (const client of [6, 7])
        Y.applyUpdate(
          doc,
          edited(doc, client, (content) => scribble(random, content, 150)),
        );
      const text = textOf(doc);
      const update = edited(doc, 8, (content) => scribble(random, content, 300));
      receive(text, update);
      Y.applyUpdate(doc, update);
      expect(text.snapshot()).toEqual(Y.encodeStateAsUpdate(doc));
      expect(contentOf(text)).toBe(doc.getText("content").toString());
    });
  });

  test("[TEXT-7] a write of the server's that cuts a text in many places makes the document that Yjs makes", () => {
    forEachSeed(30, [], (seed) => {
      const random = new SeededRandom(seed);
      const doc = docOf("0123456789".repeat(300));
      Y.applyUpdate(
        doc,
        edited(doc, 6, (content) => scribble(random, content, 150, ["x", "yz"])),
      );
      const text = textOf(doc);
      const change = new TextChange();
      for (let left = 300; left > 0; left--) {
        change
          .retain(random.below(9))
          .insert(random.pick(["", "x", "yz"]))
          .delete(random.below(2));
      }
      text.write(SERVER, change.chop(), {});
      doc.clientID = SERVER;
      doc.transact(() => apply(change, doc.getText("content")));
      expect(text.snapshot()).toEqual(Y.encodeStateAsUpdate(doc));
      expect(contentOf(text)).toBe(doc.getText("content").toString());
    });
  });

  test("[TEXT-5] the line ends are mended as one line end after the other would be, over random texts and pieces", () => {
    forEachSeed(400, [], (seed) => {
      const random = new SeededRandom(seed);
      const pieces = () => random.pick(["\r", "\n", "\r\n", "\r\r\n", "a", "bc"]);
      const doc = docOf("");
      const text = textOf(doc);
      let plain = "";
      for (let round = 0; round < 4; round++) {
        const update = edited(doc, 10 + round, (content) => {
          for (let left = random.below(random.pick([4, 150])); left > 0; left--) {
            const at = random.below(content.length + 1);
            if (random.chance(0.3)) content.delete(at, Math.min(content.length - at, random.below(3)));
            else content.insert(at, pieces());
          }
          plain = content.toString().replaceAll(/\r+\n/g, "\n");
        });
        const received = text.receive([incomingOf(update)]);
        if (received.update !== null) Y.applyUpdate(doc, received.update);
        expect(text.isMending).toBe(false);
        expect(doc.getText("content").toString()).toBe(plain);
        expect(contentOf(text)).toBe(plain);
      }
    });
  });

  test("[TEXT-5] the line ends are mended by steps of any size, whatever peers write between two of them", () => {
    forEachSeed(400, [], (seed) => {
      const random = new SeededRandom(seed);
      const doc = docOf("");
      const mender = new LineEndMender("", 1 + random.below(3));
      for (let round = 0; round < 6; round++) {
        const content = doc.getText("content");
        for (let left = random.below(9); left > 0; left--) {
          const at = random.below(content.length + 1);
          if (random.chance(0.3)) content.delete(at, Math.min(content.length - at, random.below(3)));
          else content.insert(at, random.pick(["\r", "\n", "\r\n", "\r\r\n\r\n", "a"]));
        }
        mender.begin(true);
        const plain = content.toString().replaceAll(/\r+\n/g, "\n");
        for (let left = random.below(4); left > 0; left--) mender.step(doc);
        if (random.chance(0.5)) continue;
        while (mender.isUnderWay) mender.step(doc);
        expect(content.toString()).toBe(plain);
      }
    });
  });

  test("[TEXT-5] a paste of CRLFs is mended for its author too", () => {
    const author = docOf("line\r\n".repeat(500));
    const text = textOf(new Y.Doc());
    const received = text.receive([incomingOf(Y.encodeStateAsUpdate(author))]);
    expect(received.isMended).toBe(true);
    Y.applyUpdate(author, received.update ?? new Uint8Array());
    expect(author.getText("content").toString()).toBe("line\n".repeat(500));
  });
});

describe("the time that they take", () => {
  test.each([
    ["of CRLFs is pasted", (count: number) => "line of text\r\n".repeat(count)],
    ["of lone CRs is pasted", (count: number) => "line of text\r".repeat(count)],
    ["of nothing but line ends is pasted", (count: number) => "\r\n".repeat(count)],
    ["of emoji is pasted", (count: number) => "😀 and so on\n".repeat(count)],
  ])("[TEXT-7] an edit takes linear time, when a text %s", async (_, content) => {
    await expectLinear(32_000, (count) => {
      const text = textOf(new Y.Doc());
      const update = Y.encodeStateAsUpdate(docOf(content(count)));
      return () => commit(text, () => receive(text, update));
    });
  });

  test.each([
    ["text goes in", (content: Y.Text, at: number) => content.insert(at - 8, "x")],
    ["text goes out", (content: Y.Text, at: number) => content.delete(at - 8, 1)],
    ["an LF comes behind a CR", (content: Y.Text, at: number) => content.insert(at, "\n")],
  ])("[TEXT-7] an edit takes linear time, when %s at thousands of places in one update", async (_, edit) => {
    await expectLinear(32_000, (count) => {
      const doc = docOf("some words here\r".repeat(count));
      const text = textOf(doc);
      const update = edited(doc, 6, (content) => {
        for (let at = count; at > 0; at--) edit(content, at * 16);
      });
      return () => commit(text, () => receive(text, update));
    });
  });

  test("[TEXT-7] an edit takes linear time, when a text of thousands of pieces is deleted and comes back", async () => {
    await expectLinear(16_000, (count) => {
      const doc = docOf("ab".repeat(count));
      Y.applyUpdate(
        doc,
        edited(doc, 6, (content) => {
          for (let at = count - 1; at > 0; at--) content.insert(at * 2, "x");
        }),
      );
      const text = textOf(doc);
      const length = doc.getText("content").length;
      const removed = edited(doc, 7, (content) => content.delete(0, length));
      Y.applyUpdate(doc, removed);
      const back = edited(doc, 8, (content) => content.insert(0, "axb".repeat(count)));
      return () => {
        commit(text, () => receive(text, removed));
        commit(text, () => receive(text, back));
      };
    });
  });

  test("[TEXT-7] an edit takes linear time, when the server writes at thousands of places", async () => {
    await expectLinear(32_000, (count) => {
      const text = textOf(linesFromTheLast("some words here\n", count));
      const change = new TextChange();
      for (let left = count; left > 0; left--) change.retain(12).insert("X").delete(1).retain(3);
      return () => commit(text, () => text.write(SERVER, change.chop(), {}));
    });
  });
});

/** What the room does for a commit. */
function commit(text: FragmentText, edit: () => unknown): void {
  edit();
  text.commit(text.uncommitted());
}

/** Inserts and deletes of one to three code units, at random places that split no pair. */
function scribble(
  random: SeededRandom,
  content: Y.Text,
  edits: number,
  inserts: readonly string[] = ["x", "yz", "😀"],
): void {
  for (let left = edits; left > 0; left--) {
    const shown = content.toString();
    const at = random.below(shown.length);
    const end = Math.min(shown.length, at + 1 + random.below(3));
    if (splitsPair(shown, at) || splitsPair(shown, end)) continue;
    if (random.chance(0.5)) content.delete(at, end - at);
    else content.insert(at, random.pick(inserts));
  }
}

function splitsPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function apply(change: TextChange, content: Y.Text): void {
  let at = 0;
  for (const op of change.ops) {
    if (op.insert !== undefined) {
      content.insert(at, op.insert);
      at += op.insert.length;
    } else if (op.delete !== undefined) content.delete(at, op.delete);
    else at += op.retain;
  }
}
