import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { type ScannedDelete, type ScannedStruct, scanUpdate } from "./update-scan.ts";

interface Range {
  readonly clock: number;
  length: number;
}

/** What a transaction of a document deleted, by client. */
export type DeleteSet = Y.Transaction["deleteSet"];

/**
 * Joins accepted pieces of many updates into one update by copying their bytes, without decoding a struct. So what a
 * window brought in is applied, encoded and sent on once.
 *
 * The pieces of one client must come in the order of their clocks and without a gap, as the check accepts them.
 */
export class UpdateBuilder {
  readonly #clients = new Map<
    number,
    { readonly clock: number; structs: number; readonly parts: Uint8Array[] }
  >();
  readonly #deletes = new Map<number, Range[]>();

  get isEmpty(): boolean {
    return this.#clients.size === 0 && this.#deletes.size === 0;
  }

  /** @param bytes of `count` structs, the first at `clock` */
  addStructs(client: number, clock: number, count: number, bytes: Uint8Array): void {
    const known = this.#clients.get(client);
    if (known === undefined) this.#clients.set(client, { clock, structs: count, parts: [bytes] });
    else {
      known.structs += count;
      known.parts.push(bytes);
    }
  }

  /**
   * Adds all of an update that a builder has made.
   *
   * @returns false if it has more structs or deletes than an update of a peer may have; then nothing is added
   */
  addUpdate(update: Uint8Array): boolean {
    const scanned = scanUpdate(update);
    if (scanned === null) return false;
    const blocks = new Map<number, { readonly first: ScannedStruct; last: ScannedStruct; count: number }>();
    for (const struct of scanned.structs) {
      const block = blocks.get(struct.client);
      if (block === undefined) blocks.set(struct.client, { first: struct, last: struct, count: 1 });
      else {
        block.last = struct;
        block.count++;
      }
    }
    for (const [client, { first, last, count }] of blocks)
      this.addStructs(client, first.clock, count, update.subarray(first.start, last.end));
    for (const range of scanned.deletes) this.addDelete(range);
    return true;
  }

  addDelete({ client, clock, length }: ScannedDelete): void {
    const ranges = this.#deletes.get(client);
    if (ranges === undefined) this.#deletes.set(client, [{ clock, length }]);
    else ranges.push({ clock, length });
  }

  addDeleteSet(deletes: DeleteSet): void {
    for (const [client, ranges] of deletes.clients) {
      for (const { clock, len } of ranges) this.addDelete({ client, clock, length: len });
    }
  }

  encode(): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, this.#clients.size);
    // Higher ids first, as Yjs writes them: its conflict resolution is fastest in that order.
    for (const client of [...this.#clients.keys()].sort(descending)) {
      const block = this.#clients.get(client);
      if (block === undefined) continue;
      encoding.writeVarUint(encoder, block.structs);
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, block.clock);
      for (const part of block.parts) encoding.writeUint8Array(encoder, part);
    }
    this.#encodeDeletes(encoder);
    return encoding.toUint8Array(encoder);
  }

  #encodeDeletes(encoder: encoding.Encoder): void {
    encoding.writeVarUint(encoder, this.#deletes.size);
    for (const [client, ranges] of this.#deletes) {
      const apart = sortAndMerge(ranges);
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, apart.length);
      for (const { clock, length } of apart) {
        encoding.writeVarUint(encoder, clock);
        encoding.writeVarUint(encoder, length);
      }
    }
  }
}

/**
 * Encodes what a document gained since a moment: the structs from these clocks on, as the document has merged them by
 * now (a typed word is one struct), and the deletes since.
 *
 * @param since for each client that has written: the clock of its first new struct
 */
export function encodeSince(
  doc: Y.Doc,
  since: ReadonlyMap<number, number>,
  deletes: readonly DeleteSet[],
): Uint8Array {
  const builder = new UpdateBuilder();
  for (const [client, clock] of since) {
    const structs = doc.store.clients.get(client) ?? [];
    const first = Y.findIndexSS(structs, clock);
    const encoder = new Y.UpdateEncoderV1();
    for (let at = first; at < structs.length; at++) {
      const struct = structs[at] as Y.Item | Y.GC; // at < length
      struct.write(encoder, Math.max(0, clock - struct.id.clock));
    }
    builder.addStructs(client, clock, structs.length - first, encoding.toUint8Array(encoder.restEncoder));
  }
  if (deletes.length > 0) builder.addDeleteSet(Y.mergeDeleteSets([...deletes]));
  return builder.encode();
}

/**
 * Yjs stores deletes that it cannot apply yet as differences of clocks. Ranges out of order would be read back as other
 * ranges, and delete what nobody deleted (yjs 13.6.33).
 */
function sortAndMerge(ranges: readonly Range[]): readonly Range[] {
  if (areApart(ranges)) return ranges;
  const apart: Range[] = [];
  for (const { clock, length } of [...ranges].sort((a, b) => a.clock - b.clock)) {
    const last = apart.at(-1);
    if (last === undefined || clock > last.clock + last.length) apart.push({ clock, length });
    else last.length = Math.max(last.length, clock + length - last.clock);
  }
  return apart;
}

/** Ascending, with something between any two. */
function areApart(ranges: readonly Range[]): boolean {
  let end = -1;
  for (const { clock, length } of ranges) {
    if (clock <= end) return false;
    end = clock + length;
  }
  return true;
}

function descending(a: number, b: number): number {
  return b - a;
}
