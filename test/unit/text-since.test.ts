/** What changed in a text since a moment: the walk agrees with what Yjs' own events told, over random edits. */
import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { applyChange, splitsCharacter } from "../../src/core/text/text-change.ts";
import { textDeletes, textSince } from "../../src/core/text/text-since.ts";
import type { DeleteSet } from "../../src/core/text/update-builder.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** A document that notes from now on from which clock each client wrote, and all deletes. */
class WatchedDocument {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText("content");
  since = new Map<number, number>();
  deletes: DeleteSet[] = [];
  textThen = "";

  constructor() {
    this.doc.on("afterTransaction", (transaction: Y.Transaction) => {
      const { afterState, beforeState, deleteSet } = transaction;
      for (const [client, clock] of afterState) {
        const before = beforeState.get(client) ?? 0;
        if (clock > before && !this.since.has(client)) this.since.set(client, before);
      }
      if (deleteSet.clients.size > 0) this.deletes.push(textDeletes(this.text, transaction));
    });
  }

  mark(): void {
    this.since = new Map();
    this.deletes = [];
    this.textThen = this.text.toString();
  }
}

describe("textSince", () => {
  test("[TEXT-6] the change since a moment leads from the text then to the text now", () => {
    forEachSeed(1_500, [], (seed) => {
      const random = new SeededRandom(seed);
      const formats = random.chance(0.3);
      const watched = new WatchedDocument();
      const others = [new Y.Doc(), new Y.Doc()];
      for (const [index, doc] of [watched.doc, ...others].entries()) doc.clientID = index + 1;
      for (let moments = 1 + random.below(4); moments > 0; moments--) {
        for (let edits = random.below(12); edits > 0; edits--)
          randomEdit(random, watched.doc, others, formats);
        const change = textSince(watched.text, watched.since, watched.deletes);
        const now = watched.text.toString();
        expect(applyChange(change, watched.textThen), JSON.stringify(change)).toBe(now);
        if (random.chance(0.7)) watched.mark();
      }
    });
  });

  test("[TEXT-6] the change leaves out text that was inserted and deleted since", () => {
    const watched = new WatchedDocument();
    watched.text.insert(0, "ab");
    watched.mark();
    watched.text.insert(1, "gone");
    watched.text.delete(1, 4);
    expect(textSince(watched.text, watched.since, watched.deletes).ops).toEqual([]);
  });

  test("[TEXT-6] an item that straddles the moment counts in parts", () => {
    const watched = new WatchedDocument();
    watched.text.insert(0, "ab");
    watched.mark();
    watched.text.insert(2, "cd"); // Yjs makes one item of both
    expect(textSince(watched.text, watched.since, watched.deletes).ops).toEqual([
      { retain: 2 },
      { insert: "cd" },
    ]);
  });
});

/** One of the peers edits, or one gets what the other has. */
function randomEdit(random: SeededRandom, main: Y.Doc, others: readonly Y.Doc[], formats: boolean): void {
  const doc = random.pick([main, ...others]);
  const text = doc.getText("content");
  const kind = random.below(4);
  if (kind === 0) {
    const other = random.pick(others);
    const [from, to] = random.chance(0.5) ? [main, other] : [other, main];
    Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)));
  } else if (kind === 1 && text.length > 1) {
    const from = cut(random, text.toString());
    const to = cut(random, text.toString());
    text.delete(Math.min(from, to), Math.abs(to - from));
  } else if (formats && random.chance(0.3) && text.length > 0) {
    text.format(0, cut(random, text.toString()), { bold: random.chance(0.5) ? true : null });
  } else text.insert(cut(random, text.toString()), random.pick(["a", "bc", "😀", "long text", "\n"]));
}

function cut(random: SeededRandom, text: string): number {
  const at = random.below(text.length + 1);
  return splitsCharacter(text, at) ? at + 1 : at;
}
