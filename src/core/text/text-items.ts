import * as Y from "yjs";
import { Cuts, splitItems } from "./split-items.ts";
import type { TextChange } from "./text-change.ts";

/**
 * Writes a change into the text, under the current client id of the document, in one walk over its items. It makes the items
 * that `Y.Text` makes: what is inserted stands after what was deleted at its place.
 */
export function writeChange(transaction: Y.Transaction, text: Y.Text, change: TextChange): void {
  const { store, clientID } = transaction.doc;
  splitItems(transaction, cutsOf(change, text));
  let left: Y.Item | null = null;
  let right = text._start;
  for (const op of change.ops) {
    if (op.insert !== undefined) {
      for (; right?.deleted === true; right = right.right) left = right;
      const id = Y.createID(clientID, Y.getState(store, clientID));
      const content = new Y.ContentString(op.insert);
      const item: Y.Item = new Y.Item(
        id,
        left,
        left?.lastId ?? null,
        right,
        right?.id ?? null,
        text,
        null,
        content,
      );
      item.integrate(transaction, 0);
      left = item;
      continue;
    }
    for (let units = op.retain ?? op.delete; units > 0 && right !== null; right = right.right) {
      left = right;
      if (right.deleted || !right.countable) continue;
      units -= right.length;
      if (op.delete !== undefined) right.delete(transaction);
    }
  }
  // Yjs remembers places by their index, and does not see these edits.
  if (text._searchMarker !== null) text._searchMarker.length = 0;
}

/** Where a change of the text cuts its items. */
function cutsOf(change: TextChange, text: Y.Text): Cuts {
  const cuts = new Cuts({ areFinal: true });
  let item = text._start;
  let itemStart = 0;
  let at = 0;
  for (const { retain, delete: deleted } of change.ops) {
    at += retain ?? deleted ?? 0;
    for (; item !== null; item = item.right) {
      const length = item.deleted || !item.countable ? 0 : item.length;
      if (itemStart + length > at) break;
      itemStart += length;
    }
    if (item === null) break;
    cuts.add(item.id.client, item.id.clock + at - itemStart);
  }
  return cuts;
}
