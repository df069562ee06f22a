import type * as Y from "yjs";
import { Cuts, splitItems } from "./split-items.ts";
import type { TextChange } from "./text-change.ts";

/** Writes a change into the text, under the current client id of the document. */
export function writeChange(transaction: Y.Transaction, text: Y.Text, change: TextChange): void {
  splitItems(transaction, cutsOf(change, text));
  let at = 0;
  for (const op of change.ops) {
    if (op.insert !== undefined) {
      text.insert(at, op.insert);
      at += op.insert.length;
    } else if (op.delete !== undefined) text.delete(at, op.delete);
    else at += op.retain;
  }
}

/** Where a change of the text cuts its items. */
function cutsOf(change: TextChange, text: Y.Text): Cuts {
  const cuts = new Cuts();
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
