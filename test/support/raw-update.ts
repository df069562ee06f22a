import * as encoding from "lib0/encoding";

/**
 * Yjs updates (V1) written by hand, so that a test can say what Yjs itself would never write. Another writing of
 * the grammar than the product's; see update-scan.ts for the grammar itself.
 */
export interface RawBlock {
  readonly client: number;
  readonly clock: number;
  readonly structs: readonly Uint8Array[];
  /** What the block claims to hold; its structs are counted unless the test lies. */
  readonly count?: number;
}

export interface RawPlace {
  readonly origin?: readonly [client: number, clock: number];
  readonly right?: readonly [client: number, clock: number];
  /** Where neither neighbour is given; `content` unless said. */
  readonly root?: string;
  readonly key?: string;
  /** A nested type as parent. */
  readonly parent?: readonly [client: number, clock: number];
}

export type RawDelete = readonly [client: number, clock: number, length: number];

export function rawUpdate(blocks: readonly RawBlock[], deletes: readonly RawDelete[] = []): Uint8Array {
  return written((encoder) => {
    encoding.writeVarUint(encoder, blocks.length);
    for (const { client, clock, structs, count } of blocks) {
      encoding.writeVarUint(encoder, count ?? structs.length);
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, clock);
      for (const struct of structs) encoding.writeUint8Array(encoder, struct);
    }
    encoding.writeVarUint(encoder, deletes.length);
    for (const [client, clock, length] of deletes) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, 1);
      encoding.writeVarUint(encoder, clock);
      encoding.writeVarUint(encoder, length);
    }
  });
}

export function rawString(text: string, place: RawPlace = {}): Uint8Array {
  return rawStruct(4, place, (encoder) => encoding.writeVarString(encoder, text));
}

/** A string of any bytes, valid UTF-8 or not. */
export function rawStringBytes(bytes: Uint8Array, place: RawPlace = {}): Uint8Array {
  return rawStruct(4, place, (encoder) => encoding.writeVarUint8Array(encoder, bytes));
}

export function rawDeleted(length: number, place: RawPlace = {}): Uint8Array {
  return rawStruct(1, place, (encoder) => encoding.writeVarUint(encoder, length));
}

export function rawAny(value: encoding.AnyEncodable, place: RawPlace = {}): Uint8Array {
  return rawStruct(8, place, (encoder) => {
    encoding.writeVarUint(encoder, 1);
    encoding.writeAny(encoder, value);
  });
}

export function rawFormat(key: string, value: unknown, place: RawPlace = {}): Uint8Array {
  return rawStruct(6, place, (encoder) => {
    encoding.writeVarString(encoder, key);
    encoding.writeVarString(encoder, JSON.stringify(value));
  });
}

/** @param bits of the info byte beside the kind, as no Yjs writes them */
export function rawSkip(length: number, bits = 0): Uint8Array {
  return written((encoder) => {
    encoding.writeUint8(encoder, 10 | bits);
    encoding.writeVarUint(encoder, length);
  });
}

export function rawGc(length: number): Uint8Array {
  return written((encoder) => {
    encoding.writeUint8(encoder, 0);
    encoding.writeVarUint(encoder, length);
  });
}

/** @param kind Yjs' number of the content: 2 JSON, 3 binary, 5 embed, 7 type, 9 subdocument */
export function rawStruct(
  kind: number,
  { origin, right, root = "content", key, parent }: RawPlace,
  writeContent: (encoder: encoding.Encoder) => void,
): Uint8Array {
  return written((encoder) => {
    const bits =
      (origin === undefined ? 0 : 128) | (right === undefined ? 0 : 64) | (key === undefined ? 0 : 32);
    encoding.writeUint8(encoder, kind | bits);
    for (const id of [origin, right]) if (id !== undefined) writeId(encoder, id);
    if (origin === undefined && right === undefined) {
      encoding.writeVarUint(encoder, parent === undefined ? 1 : 0);
      if (parent === undefined) encoding.writeVarString(encoder, root);
      else writeId(encoder, parent);
      if (key !== undefined) encoding.writeVarString(encoder, key);
    }
    writeContent(encoder);
  });
}

function writeId(encoder: encoding.Encoder, [client, clock]: readonly [number, number]): void {
  encoding.writeVarUint(encoder, client);
  encoding.writeVarUint(encoder, clock);
}

function written(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
}
