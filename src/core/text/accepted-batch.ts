import { Cuts } from "./split-items.ts";
import { type DeleteSet, UpdateBuilder } from "./update-builder.ts";
import { hasByte, KIND, type ScannedDelete, type ScannedStruct } from "./update-scan.ts";

/** What is new in one update. */
export interface NewPart {
  readonly bytes: Uint8Array;
  /** Each client's clock after the update. */
  readonly clocks: ReadonlyMap<number, number>;
  /** By client, sorted by clock, and side by side in `bytes`. */
  readonly structs: ReadonlyMap<number, readonly ScannedStruct[]>;
  readonly deletes: readonly ScannedDelete[];
}

/** What is new in the accepted updates of one batch, joined as one update. */
export class AcceptedBatch {
  readonly #builder = new UpdateBuilder();
  /** Where its structs and deletes cut items that were there before. */
  readonly cuts = new Cuts({ areFinal: false });
  readonly #clocks = new Map<number, number>();
  readonly #since = new Map<number, number>();
  readonly #structsWithTwoNeighbours: ScannedStruct[] = [];
  #insertedBytes = 0;
  #insertsCarriageReturn = false;

  get isEmpty(): boolean {
    return this.#builder.isEmpty;
  }

  /** Each client's clock after the batch. */
  get clocks(): ReadonlyMap<number, number> {
    return this.#clocks;
  }

  /** The clock of each client's first new struct. */
  get since(): ReadonlyMap<number, number> {
    return this.#since;
  }

  /** See neighbour-order.ts. */
  get structsWithTwoNeighbours(): readonly ScannedStruct[] {
    return this.#structsWithTwoNeighbours;
  }

  /** UTF-8 bytes of inserted text. */
  get insertedBytes(): number {
    return this.#insertedBytes;
  }

  get insertsCarriageReturn(): boolean {
    return this.#insertsCarriageReturn;
  }

  add({ bytes, clocks, structs, deletes }: NewPart): void {
    for (const [client, list] of structs) {
      const [first] = list;
      const last = list.at(-1);
      if (first === undefined || last === undefined) continue;
      if (!this.#since.has(client)) this.#since.set(client, first.clock);
      this.#builder.addStructs(client, first.clock, list.length, bytes.subarray(first.start, last.end));
      for (const struct of list) this.#note(struct, bytes);
    }
    for (const [client, clock] of clocks) this.#clocks.set(client, clock);
    for (const range of deletes) {
      this.#builder.addDelete(range);
      this.cuts.addRange(range);
    }
  }

  /** Adds what the server deleted in answer to the batch. */
  addDeleteSet(deletes: DeleteSet): void {
    this.#builder.addDeleteSet(deletes);
  }

  encode(): Uint8Array {
    return this.#builder.encode();
  }

  #note(struct: ScannedStruct, bytes: Uint8Array): void {
    if (struct.originClient !== -1 && struct.rightClient !== -1) this.#structsWithTwoNeighbours.push(struct);
    // A struct that goes on where the last one of its client ended cuts nothing.
    const goesOn = struct.originClient === struct.client && struct.originClock === struct.clock - 1;
    if (struct.originClient !== -1 && !goesOn) this.cuts.add(struct.originClient, struct.originClock + 1);
    if (struct.rightClient !== -1) this.cuts.add(struct.rightClient, struct.rightClock);
    if (struct.kind !== KIND.string) return;
    this.#insertedBytes += struct.end - struct.textStart;
    this.#insertsCarriageReturn ||= hasByte(bytes, struct.textStart, struct.end, 0x0d);
  }
}
