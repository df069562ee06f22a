import { expect } from "vitest";
import * as Y from "yjs";

/**
 * Two updates make the same document. Marks of formatting are compared only where both are visible: after each
 * transaction Yjs deletes those that have become useless, and which these are depends on what came together.
 */
export function expectSameState(actual: Uint8Array, expected: Uint8Array): void {
  const [a, b] = [documentOf(actual), documentOf(expected)];
  expect(a.getText("content").toString()).toBe(b.getText("content").toString());
  expect(a.getMap("metadata").toJSON()).toEqual(b.getMap("metadata").toJSON());
  expect(a.getMap("tags").toJSON()).toEqual(b.getMap("tags").toJSON());
  expect(Y.encodeStateVector(a)).toEqual(Y.encodeStateVector(b));
  const marks = new Set([...marksOf(a), ...marksOf(b)]);
  expect(deletedIn(a).filter((id) => !marks.has(id))).toEqual(deletedIn(b).filter((id) => !marks.has(id)));
  for (const { store } of [a, b]) {
    expect(store.pendingStructs).toBeNull();
    expect(store.pendingDs).toBeNull();
  }
}

/** As it is read again: a value of a map that was overwritten in an unusual way is deleted only then. */
function documentOf(update: Uint8Array): Y.Doc {
  const [doc, again] = [new Y.Doc(), new Y.Doc()];
  Y.applyUpdate(doc, update);
  Y.applyUpdate(again, Y.encodeStateAsUpdate(doc));
  return again;
}

/** `client:clock` of each mark that is not deleted. */
function marksOf(doc: Y.Doc): string[] {
  return [...doc.store.clients.values()].flat().flatMap((struct) => {
    const isMark = struct instanceof Y.Item && struct.content instanceof Y.ContentFormat;
    return isMark ? [`${struct.id.client}:${struct.id.clock}`] : [];
  });
}

/** `client:clock` of all that is deleted, in order. */
function deletedIn(doc: Y.Doc): string[] {
  const deleted: string[] = [];
  for (const [client, ranges] of Y.snapshot(doc).ds.clients) {
    for (const { clock, len } of ranges) {
      for (let at = clock; at < clock + len; at++) deleted.push(`${client}:${at}`);
    }
  }
  return deleted.sort();
}
