import * as Y from "yjs";
import type { DeleteSet } from "./update-builder.ts";

/** Places where items are cut: before (client, clock), in any order; a place may be named more than once. */
export class Cuts {
  /** Whether the halves are sure to stay apart: something will stand between them, or one of them will be deleted. */
  readonly areFinal: boolean;
  readonly #clocks = new Map<number, number[]>();

  constructor({ areFinal }: { readonly areFinal: boolean }) {
    this.areFinal = areFinal;
  }

  add(client: number, clock: number): void {
    const clocks = this.#clocks.get(client);
    if (clocks === undefined) this.#clocks.set(client, [clock]);
    else clocks.push(clock);
  }

  addRange({ client, clock, length }: { client: number; clock: number; length: number }): void {
    this.add(client, clock);
    this.add(client, clock + length);
  }

  /** By client. */
  entries(): Iterable<[number, readonly number[]]> {
    return this.#clocks;
  }
}

/** Up to this many cuts, inserting each half by itself is faster than building the array of structs anew. */
const FEW_CUTS = 64;

/**
 * Cuts many items at once, before a transaction inserts or deletes at these places.
 *
 * Yjs inserts the right half of each item that it cuts into the middle of an array of all structs of its client, so that
 * n cuts can cost n² (yjs 13.6.33): 30,000 take seconds. Here many cuts build the array anew once, from the first cut on.
 * The halves are those that Yjs' own `splitItem` makes. At the end of the transaction Yjs merges those of them that it did
 * not need.
 */
export function splitItems(transaction: Y.Transaction, cuts: Cuts): void {
  for (const [client, clocks] of cuts.entries()) {
    const structs = transaction.doc.store.clients.get(client);
    if (structs === undefined) continue;
    const made: Y.Item[] = [];
    if (clocks.length > FEW_CUTS) splitStructs(structs, clocks, made);
    else for (const clock of clocks) splitStruct(structs, clock, made);
    if (!cuts.areFinal) for (const half of made) transaction._mergeStructs.push(half);
  }
}

/** Applies an update that cuts items at these places. Returns what it deleted. */
export function applySplit(doc: Y.Doc, update: Uint8Array, cuts: Cuts): DeleteSet {
  return doc.transact((transaction) => {
    splitItems(transaction, cuts);
    Y.applyUpdate(doc, update);
    return transaction.deleteSet;
  });
}

/** @param made the new half is added to it */
function splitStruct(structs: (Y.Item | Y.GC)[], clock: number, made: Y.Item[]): void {
  const last = structs.at(-1);
  if (last === undefined || clock >= last.id.clock + last.length) return;
  const at = Y.findIndexSS(structs, clock);
  const struct = structs[at];
  if (!(struct instanceof Y.Item) || struct.parentSub !== null || struct.id.clock === clock) return;
  const right = split(struct, clock);
  structs.splice(at + 1, 0, right);
  made.push(right);
}

/** @param made the new halves are added to it */
function splitStructs(structs: (Y.Item | Y.GC)[], clocks: readonly number[], made: Y.Item[]): void {
  const ascending = Float64Array.from(clocks).sort();
  const first = ascending[0] ?? 0;
  let next = 0;
  const last = structs.at(-1);
  if (last === undefined || first >= last.id.clock + last.length) return; // all cuts are after the last struct
  for (const struct of structs.splice(Y.findIndexSS(structs, first))) {
    structs.push(struct);
    // Only the text has items of more than one value.
    if (!(struct instanceof Y.Item) || struct.parentSub !== null) continue;
    const end = struct.id.clock + struct.length;
    let left = struct;
    for (; next < ascending.length; next++) {
      const clock = ascending[next] ?? 0;
      if (clock >= end) break;
      if (clock <= left.id.clock) continue;
      left = split(left, clock);
      structs.push(left);
      made.push(left);
    }
  }
}

/** Cuts an item before a clock, and returns the right half. */
function split(left: Y.Item, clock: number): Y.Item {
  const { client, clock: start } = left.id;
  const length = clock - start;
  const right = new Y.Item(
    Y.createID(client, clock),
    left,
    Y.createID(client, clock - 1),
    left.right,
    left.rightOrigin,
    left.parent,
    null,
    left.content.splice(length),
  );
  if (left.deleted) right.markDeleted();
  if (left.keep) right.keep = true;
  if (left.redone !== null) right.redone = Y.createID(left.redone.client, left.redone.clock + length);
  left.right = right;
  if (right.right !== null) right.right.left = right;
  left.length = length;
  return right;
}
