import * as Y from "yjs";
import type { ScannedStruct } from "./update-scan.ts";

/** Neighbours are mostly near. A batch that takes more steps than this is checked by one walk over the whole text. */
const MAX_STEPS = 10_000;

/**
 * Whether each of these structs, which are in the document by now, stands between its two neighbours. No honest peer
 * writes a struct whose right neighbour stands to the left of its left one. Yjs puts such a struct into a different
 * place each time it reads it (yjs 13.6.33), so the live document would differ from the stored one.
 */
export function standBetweenNeighbours(doc: Y.Doc, text: Y.Text, structs: readonly ScannedStruct[]): boolean {
  let steps = MAX_STEPS;
  for (const struct of structs) {
    const item = itemAt(doc, struct.client, struct.clock);
    let left: Y.Item | null = item;
    while (left !== null && !holds(left, struct.originClient, struct.originClock) && steps-- > 0)
      left = left.left;
    let right: Y.Item | null = item?.right ?? null;
    while (right !== null && !holds(right, struct.rightClient, struct.rightClock) && steps-- > 0)
      right = right.right;
    if (steps <= 0) return standInOrder(doc, text, structs);
    // A null item was garbage collected, and has no place.
    if (item !== null && (left === null || right === null)) return false;
  }
  return true;
}

/** The same check in one walk over the text, for many structs whose neighbours are far away. */
function standInOrder(doc: Y.Doc, text: Y.Text, structs: readonly ScannedStruct[]): boolean {
  const places = new Map<Y.Item, number>();
  for (let item = text._start; item !== null; item = item.right) places.set(item, places.size);
  const placeOf = (client: number, clock: number): number | undefined => {
    const item = itemAt(doc, client, clock);
    return item === null ? undefined : places.get(item);
  };
  return structs.every(({ client, clock, originClient, originClock, rightClient, rightClock }) => {
    const place = placeOf(client, clock);
    const left = placeOf(originClient, originClock);
    const right = placeOf(rightClient, rightClock);
    if (place === undefined || left === undefined || right === undefined) return place === undefined;
    return left <= place && place < right;
  });
}

/** The item of the document that holds (client, clock); null if it is not known or was garbage collected. */
export function itemAt(doc: Y.Doc, client: number, clock: number): Y.Item | null {
  const structs = doc.store.clients.get(client);
  if (structs === undefined || clock >= Y.getState(doc.store, client)) return null;
  const struct = structs[Y.findIndexSS(structs, clock)];
  return struct instanceof Y.Item ? struct : null;
}

function holds({ id, length }: Y.Item, client: number, clock: number): boolean {
  return id.client === client && id.clock <= clock && clock < id.clock + length;
}
