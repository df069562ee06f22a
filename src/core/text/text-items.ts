import * as Y from "yjs";
import { ROOTS } from "./roots.ts";
import { applySplit, Cuts, splitItems } from "./split-items.ts";
import type { TextChange } from "./text-change.ts";
import { type DeleteSet, UpdateBuilder } from "./update-builder.ts";
import type { ScannedDelete } from "./update-scan.ts";

const CR = 0x0d;
const LF = 0x0a;

interface Mended {
  /** The CRs of all CRLFs that the text held; null if it held none. */
  readonly deletes: DeleteSet | null;
  /** The text holds CRs that stay. */
  readonly hasReturns: boolean;
}

export const NOT_MENDED: Mended = { deletes: null, hasReturns: false };

/** Deletes the CRs of each CRLF in the text, in one walk over its items and by one update. */
export function mendLineEnds(doc: Y.Doc): Mended {
  const { returns, hasOthers } = findCrlfs(doc.getText(ROOTS.content));
  if (returns.length === 0) return { deletes: null, hasReturns: hasOthers };
  const update = new UpdateBuilder();
  const cuts = new Cuts();
  for (const range of returns) {
    update.addDelete(range);
    cuts.addRange(range);
  }
  return { deletes: applySplit(doc, update.encode(), cuts), hasReturns: hasOthers };
}

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

/**
 * The CRs to delete for LF line ends, found in one walk over the items: all CRs right before an LF, since any one left
 * over would make a CRLF again. The ranges of one client may be in any order.
 *
 * @returns `hasOthers`: the text holds CRs that stay
 */
function findCrlfs(text: Y.Text): { readonly returns: ScannedDelete[]; readonly hasOthers: boolean } {
  const returns: ScannedDelete[] = [];
  let hasOthers = false;
  /** The CRs right before the current place of the walk; they can stand in several items. */
  let run: ScannedDelete[] = [];
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted || !(item.content instanceof Y.ContentString)) continue;
    const { str } = item.content;
    for (let at = 0; at !== -1; ) {
      let end = at;
      while (str.charCodeAt(end) === CR) end++;
      if (end > at) run.push({ client: item.id.client, clock: item.id.clock + at, length: end - at });
      if (end === str.length) break;
      if (str.charCodeAt(end) === LF) returns.push(...run);
      else hasOthers ||= run.length > 0;
      run = [];
      at = str.indexOf("\r", end);
    }
  }
  return { returns, hasOthers: hasOthers || run.length > 0 };
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
