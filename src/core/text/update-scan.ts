import * as decoding from "lib0/decoding";
import { MAX_UPDATE_DELETES, MAX_UPDATE_ITEMS } from "../../protocol/limits.ts";

/**
 * Reads a Yjs update (V1 encoding, yjs 13.6) without building its structs: where each one stands in the bytes, what it
 * refers to, and its length. A busy room scans a thousand updates a second, so only what the check needs is decoded.
 *
 *     update    = count (structs client clock struct*)*  deletes
 *     struct    = info [origin] [rightOrigin] [parent [key]] content  |  GC len  |  Skip len
 *     deletes   = count (client count (clock len)*)*
 *     info      = kind in the low five bits, then 32: has key, 64: has right origin, 128: has origin
 */
export const KIND = { gc: 0, deleted: 1, string: 4, format: 6, any: 8, skip: 10 } as const;

export interface ScannedStruct {
  readonly kind: number;
  readonly client: number;
  readonly clock: number;
  readonly length: number;
  /** -1: none. */
  readonly originClient: number;
  readonly originClock: number;
  readonly rightClient: number;
  readonly rightClock: number;
  /** The root type that it names; null if its neighbour determines the root. */
  readonly root: string | null;
  readonly key: string | null;
  /** Where its bytes are in the update: [start, end). */
  readonly start: number;
  readonly end: number;
  /** Where the bytes of its content begin: of a string, those of the text. */
  readonly textStart: number;
}

export interface ScannedDelete {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

export interface ScannedUpdate {
  /** Without the skips: the struct after a skip is judged by its own clock. */
  readonly structs: readonly ScannedStruct[];
  /** Each client's deletes are in order and do not overlap, as Yjs writes them, so that no struct is looked at twice. */
  readonly deletes: readonly ScannedDelete[];
}

/**
 * @returns null if it has more than `MAX_UPDATE_ITEMS` structs or `MAX_UPDATE_DELETES` deletes
 * @throws {Error} if the bytes are no update, or one that no fragment can hold; the message says why
 */
export function scanUpdate(update: Uint8Array): ScannedUpdate | null {
  const decoder = decoding.createDecoder(update);
  const structs: ScannedStruct[] = [];
  let structCount = 0;
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const count = decoding.readVarUint(decoder);
    const client = decoding.readVarUint(decoder);
    let clock = decoding.readVarUint(decoder);
    for (let left = count; left > 0; left--) {
      if (++structCount > MAX_UPDATE_ITEMS) return null;
      const struct = scanStruct(decoder, client, clock);
      clock += struct.length;
      if (struct.kind !== KIND.skip) structs.push(struct);
    }
  }
  const deletes: ScannedDelete[] = [];
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const client = decoding.readVarUint(decoder);
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      if (deletes.length === MAX_UPDATE_DELETES) return null;
      const clock = decoding.readVarUint(decoder);
      deletes.push({ client, clock, length: decoding.readVarUint(decoder) });
    }
  }
  if (decoding.hasContent(decoder)) throw new Error("there are bytes after its end");
  return { structs, deletes: isApart(deletes) ? deletes : setApart(deletes) };
}

function isApart(deletes: readonly ScannedDelete[]): boolean {
  if (deletes.length < 2) return true; // nearly always
  const clients = new Set<number>();
  let last: ScannedDelete | null = null;
  for (const range of deletes) {
    if (last?.client === range.client) {
      if (range.clock < last.clock + last.length) return false;
    } else if (clients.has(range.client)) return false;
    clients.add(range.client);
    last = range;
  }
  return true;
}

function setApart(deletes: readonly ScannedDelete[]): ScannedDelete[] {
  const apart: { client: number; clock: number; length: number }[] = [];
  for (const range of deletes.toSorted((a, b) => a.client - b.client || a.clock - b.clock)) {
    const last = apart.at(-1);
    if (last?.client === range.client && range.clock <= last.clock + last.length) {
      last.length = Math.max(last.length, range.clock + range.length - last.clock);
    } else apart.push({ ...range });
  }
  return apart;
}

function scanStruct(decoder: decoding.Decoder, client: number, clock: number): ScannedStruct {
  const start = decoder.pos;
  const info = decoding.readUint8(decoder);
  const kind = info & 31;
  // Yjs has two readers, which disagree on a skip with further bits.
  if (kind === KIND.skip && info !== KIND.skip) throw new Error("a skip has no neighbours and no parent");
  let originClient = -1;
  let originClock = -1;
  let rightClient = -1;
  let rightClock = -1;
  let root: string | null = null;
  let key: string | null = null;
  if (kind !== KIND.gc && kind !== KIND.skip) {
    if ((info & 128) !== 0) {
      originClient = decoding.readVarUint(decoder);
      originClock = decoding.readVarUint(decoder);
    }
    if ((info & 64) !== 0) {
      rightClient = decoding.readVarUint(decoder);
      rightClock = decoding.readVarUint(decoder);
    }
    if ((info & 192) === 0) {
      if (decoding.readVarUint(decoder) !== 1) throw new Error("nested types are not part of a fragment");
      root = decoding.readVarString(decoder);
      if ((info & 32) !== 0) key = decoding.readVarString(decoder);
    }
  }
  let textStart = decoder.pos;
  let length = 1;
  switch (kind) {
    case KIND.string: {
      const bytes = decoding.readVarUint(decoder);
      textStart = decoder.pos;
      length = textLength(decoder.arr, textStart, textStart + bytes);
      decoder.pos += bytes;
      break;
    }
    case KIND.gc:
    case KIND.deleted:
    case KIND.skip:
      length = decoding.readVarUint(decoder);
      if (length === 0) throw new Error("a struct of no length");
      break;
    case KIND.format:
      skipString(decoder);
      skipString(decoder);
      break;
    case KIND.any:
      length = decoding.readVarUint(decoder);
      for (let left = length; left > 0; left--) decoding.readAny(decoder);
      break;
    default:
      throw new Error("a fragment holds text and plain values only");
  }
  const end = decoder.pos;
  return {
    kind,
    client,
    clock,
    length,
    originClient,
    originClock,
    rightClient,
    rightClock,
    root,
    key,
    start,
    end,
    textStart,
  };
}

function skipString(decoder: decoding.Decoder): void {
  const bytes = decoding.readVarUint(decoder);
  if (decoder.pos + bytes > decoder.arr.length) throw new Error("unexpected end");
  decoder.pos += bytes;
}

/** UTF-16 code units of UTF-8 text: one for each byte that is no continuation, two if it begins four bytes. */
function textLength(bytes: Uint8Array, start: number, end: number): number {
  if (end > bytes.length) throw new Error("unexpected end");
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number; // start <= at < end <= length
    if ((byte & 0xc0) !== 0x80) length += byte >= 0xf0 ? 2 : 1;
  }
  return length;
}

/** Finds the struct that holds this clock in a list sorted by clock; null if there is none. */
export function findByClock<T>(
  list: readonly T[],
  structOf: (one: T) => ScannedStruct,
  clock: number,
): T | null {
  let low = 0;
  let high = list.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const one = list[middle] as T; // low <= middle <= high, all within the list
    const struct = structOf(one);
    if (clock < struct.clock) high = middle - 1;
    else if (clock >= struct.clock + struct.length) low = middle + 1;
    else return one;
  }
  return null;
}

/** Whether a byte in [start, end) has a value in [low, high]. */
export function hasByte(bytes: Uint8Array, start: number, end: number, low: number, high = low): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number; // start <= at < end <= length
    if (byte >= low && byte <= high) return true;
  }
  return false;
}
