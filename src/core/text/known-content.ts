import { createDecoder, readAny, readVarString, readVarUint } from "lib0/decoding";
import { equalityDeep } from "lib0/function";
import { decodeUtf8 } from "lib0/string";
import * as Y from "yjs";
import { findByClock, KIND, type ScannedStruct } from "./update-scan.ts";

/** A struct and the update that holds it. */
export interface Found {
  readonly struct: ScannedStruct;
  readonly bytes: Uint8Array;
}

/** The texts of structs, each decoded once: thousands of structs and deletes may lie within one text. */
export class StructTexts {
  readonly #texts = new Map<ScannedStruct, string>();

  /** @throws {Error} if the bytes are not UTF-8 */
  of({ struct, bytes }: Found): string {
    let text = this.#texts.get(struct);
    if (text === undefined) {
      text = decodeUtf8(bytes.subarray(struct.textStart, struct.end));
      this.#texts.set(struct, text);
    }
    return text;
  }
}

/**
 * Whether a document has the same content and place for a struct, up to the clock `until`, which it knows. What has been
 * deleted, here or by the sender, cannot be compared, and counts as the same. Yjs cuts and joins items as it likes, so
 * content is compared by clocks, and a cut that one side has made is no difference.
 *
 * Takes time linear in the struct, and logarithmic in the document.
 */
export function isInDocument(doc: Y.Doc, texts: StructTexts, found: Found, until: number): boolean {
  const { struct } = found;
  if (isWithoutContent(struct)) return true;
  const structs = doc.store.clients.get(struct.client) ?? [];
  let at = Y.findIndexSS(structs, struct.clock);
  const first = structs[at];
  if (first instanceof Y.Item && !first.deleted && !hasPlace(doc, first, struct)) return false;
  const text = struct.kind === KIND.string ? texts.of(found) : "";
  for (; at < structs.length; at++) {
    const known = structs[at] as Y.Item | Y.GC; // at < length
    if (known.id.clock >= until) break;
    if (!(known instanceof Y.Item) || known.deleted) continue;
    const { content, id } = known;
    const from = Math.max(id.clock, struct.clock);
    const to = Math.min(id.clock + known.length, until);
    if (struct.kind === KIND.string) {
      if (!(content instanceof Y.ContentString)) return false;
      const brought = text.slice(from - struct.clock, to - struct.clock);
      if (brought !== content.str.slice(from - id.clock, to - id.clock)) return false;
    } else if (!hasValue(content, found)) return false;
  }
  return true;
}

/**
 * The same for structs that no document has yet. They must be of the same client, sorted by clock and apart.
 *
 * @returns false also where they leave a gap
 */
export function isAmong(
  others: readonly Found[],
  texts: StructTexts,
  found: Found,
  { from, until }: { readonly from: number; readonly until: number },
): boolean {
  for (let clock = Math.max(from, found.struct.clock); clock < until; ) {
    const other = findByClock(others, (one) => one.struct, clock);
    if (other === null) return false;
    const end = Math.min(other.struct.clock + other.struct.length, until);
    if (!agree(other, found, texts, clock, end)) return false;
    clock = end;
  }
  return true;
}

function isWithoutContent({ kind }: ScannedStruct): boolean {
  return kind === KIND.gc || kind === KIND.deleted;
}

function agree(one: Found, other: Found, texts: StructTexts, from: number, until: number): boolean {
  if (isWithoutContent(one.struct) || isWithoutContent(other.struct)) return true;
  if (one.struct.kind !== other.struct.kind || !havePlace(one.struct, other.struct)) return false;
  if (one.struct.kind === KIND.string) {
    const cut = (found: Found) =>
      texts.of(found).slice(from - found.struct.clock, until - found.struct.clock);
    return cut(one) === cut(other);
  }
  const [a, b] = [contentBytes(one), contentBytes(other)];
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function contentBytes({ struct, bytes }: Found): Uint8Array {
  return bytes.subarray(struct.textStart, struct.end);
}

/** Of two structs that overlap, the later one begins either where the other does, or within it: right behind a character. */
function havePlace(one: ScannedStruct, other: ScannedStruct): boolean {
  if (one.rightClient !== other.rightClient || one.rightClock !== other.rightClock) return false;
  if (one.clock === other.clock) {
    const isBeside = one.originClient === other.originClient && one.originClock === other.originClock;
    return isBeside && one.root === other.root && one.key === other.key;
  }
  const later = one.clock > other.clock ? one : other;
  return later.originClient === later.client && later.originClock === later.clock - 1;
}

function hasPlace(doc: Y.Doc, known: Y.Item, struct: ScannedStruct): boolean {
  if (!isId(known.rightOrigin, struct.rightClient, struct.rightClock)) return false;
  if (known.id.clock < struct.clock)
    return struct.originClient === struct.client && struct.originClock === struct.clock - 1;
  if (!isId(known.origin, struct.originClient, struct.originClock)) return false;
  if (struct.root === null) return true;
  return doc.share.get(struct.root) === known.parent && struct.key === known.parentSub;
}

function isId(id: Y.ID | null, client: number, clock: number): boolean {
  return id === null ? client === -1 : id.client === client && id.clock === clock;
}

/** Whether a document's content is the value, or the format, that a struct brings. */
function hasValue(content: Y.Item["content"], found: Found): boolean {
  const decoder = createDecoder(contentBytes(found));
  if (content instanceof Y.ContentAny) {
    if (found.struct.kind !== KIND.any || readVarUint(decoder) !== content.arr.length) return false;
    return content.arr.every((value) => equalityDeep(value, readAny(decoder)));
  }
  if (!(content instanceof Y.ContentFormat) || found.struct.kind !== KIND.format) return false;
  if (readVarString(decoder) !== content.key) return false;
  return equalityDeep(JSON.parse(readVarString(decoder)), content.value);
}
