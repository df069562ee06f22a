import * as Y from "yjs";
import { TextChange } from "./text-change.ts";
import type { DeleteSet } from "./update-builder.ts";

type Range = { readonly clock: number; readonly len: number };

/**
 * The change of a Y.Text since an earlier moment, in one walk over its items: what the event of Yjs says of a single
 * transaction, for any number of them. Yjs merges neighbouring items of one client, so an item can be partly old; each
 * part then counts for itself.
 *
 * @param since for each client that has written: the clock of its first new struct
 * @param deletes `textDeletes` of each transaction since
 */
export function textSince(
  text: Y.Text,
  since: ReadonlyMap<number, number>,
  deletes: readonly DeleteSet[],
): TextChange {
  const change = new TextChange();
  const deleted = deletes.length === 0 ? null : Y.mergeDeleteSets([...deletes]).clients;
  // A text has up to a hundred thousand items, and nearly all of them are old: they cost nothing but a sum.
  let kept = 0;
  for (let item = text._start; item !== null; item = item.right) {
    if (!item.countable && !item.deleted) continue;
    const { client, clock } = item.id;
    const firstNew = since.get(client);
    const oldLength =
      firstNew === undefined ? item.length : Math.max(0, Math.min(item.length, firstNew - clock));
    if (item.deleted) {
      const ranges = deleted?.get(client);
      const goneLength =
        oldLength > 0 && ranges !== undefined ? overlap(ranges, clock, clock + oldLength) : 0;
      if (goneLength === 0) continue;
      change.retain(kept).delete(goneLength);
      kept = 0;
    } else {
      kept += oldLength;
      if (oldLength === item.length || !(item.content instanceof Y.ContentString)) continue;
      change.retain(kept).insert(item.content.str.slice(oldLength));
      kept = 0;
    }
  }
  return change;
}

/**
 * The deletes of a transaction without those of formats, which are no text. Call it before the transaction ends: at its
 * end Yjs drops deleted contents and merges the items, and text and formats look alike (yjs 13.6.33).
 */
export function textDeletes(text: Y.Text, { deleteSet }: Y.Transaction): DeleteSet {
  if (!text._hasFormatting) return deleteSet;
  const deletes = Y.createDeleteSet();
  for (const [client, ranges] of deleteSet.clients) {
    const structs = text.doc?.store.clients.get(client) ?? [];
    const countable: { clock: number; len: number }[] = [];
    for (const { clock, len } of ranges) {
      for (let at = Y.findIndexSS(structs, clock); at < structs.length; at++) {
        const struct = structs[at] as Y.Item | Y.GC; // at < length
        if (struct.id.clock >= clock + len) break;
        if (struct instanceof Y.Item && struct.countable) {
          countable.push({ clock: struct.id.clock, len: struct.length });
        }
      }
    }
    if (countable.length > 0) deletes.clients.set(client, countable);
  }
  return deletes;
}

/** How many clocks of [start, end) lie in the ranges, which are sorted and do not overlap. */
function overlap(ranges: readonly Range[], start: number, end: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle] as Range; // low <= middle < high <= length
    if (range.clock + range.len <= start) low = middle + 1;
    else high = middle;
  }
  let total = 0;
  for (let at = low; at < ranges.length; at++) {
    const range = ranges[at] as Range; // at < length
    if (range.clock >= end) break;
    total += Math.min(end, range.clock + range.len) - Math.max(start, range.clock);
  }
  return total;
}
