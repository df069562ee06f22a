import { test } from "vitest";
import * as Y from "yjs";
import { FragmentText } from "../../src/core/text/fragment-text.ts";
import { scanUpdate } from "../../src/core/text/update-scan.ts";
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
const admitAll = () => null;
const incoming = (update: Uint8Array): Incoming => ({ update, admit: admitAll });
function contentOf(text: FragmentText): string {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, text.snapshot());
  return doc.getText("content").toString();
}
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
import { rawAny, rawDeleted, rawFormat, rawGc, rawSkip, rawString, rawUpdate } from "../support/raw-update.ts";
import type { Incoming } from "../../src/core/text/fragment-text.ts";
test("probe", () => {
  const random = new SeededRandom(2357);
  const text = makeText();
  const batch = Array.from({ length: 1 + random.below(3) }, () => incoming(randomUpdate(random)));
  for (const b of batch) console.log(JSON.stringify(scanUpdate(b.update)));
  console.log(JSON.stringify(text.receive(batch).outcomes));
  console.log(JSON.stringify(contentOf(text)));
});
