import Delta from "quill-delta";
import * as Y from "yjs";
import type { TextChange } from "./text-change.ts";
import type { DeleteSet } from "./update-builder.ts";

type Range = { readonly clock: number; readonly len: number };

/**
 * What changed in a Y.Text since an earlier moment, in one walk over its items: what Yjs' own event tells of one
 * transaction, for any number of them. An item that straddles the moment (Yjs merges neighbours of one client)
 * counts in parts.
 *
 * @param since for each client that wrote since: the clock of its first new struct
 * @param deletes the delete sets of all transactions since
 */
export function textSince(
  text: Y.Text,
  since: ReadonlyMap<number, number>,
  deletes: readonly DeleteSet[],
): TextChange {
  const change = new Delta();
  const deleted = deletes.length === 0 ? null : Y.mergeDeleteSets([...deletes]).clients;
  for (let item = text._start; item !== null; item = item.right) {
    if (!item.countable) continue;
    const { client, clock } = item.id;
    const oldLength = Math.max(
      0,
      Math.min(item.length, (since.get(client) ?? Number.POSITIVE_INFINITY) - clock),
    );
    if (item.deleted) {
      const ranges = deleted?.get(client);
      if (oldLength > 0 && ranges !== undefined) change.delete(overlap(ranges, clock, clock + oldLength));
    } else {
      change.retain(oldLength);
      if (oldLength < item.length && item.content instanceof Y.ContentString) {
        change.insert(item.content.str.slice(oldLength));
      }
    }
  }
  return change.chop();
}

/** How much of [start, end) lies in the ranges, which are sorted and apart. */
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
