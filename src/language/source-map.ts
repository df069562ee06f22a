/**
 * Where each part of an expanded text was written. On the wire (`map=1`):
 *
 *     map  = { sources: { id, version }[], spans: span[] }
 *     span = [length, source, from]             the same in both texts
 *          | [length, source, from, written]    stands in place of `written` units of the source
 *
 * The spans in order cover the expanded text. All numbers are UTF-16 code units, `source` is an index of `sources`.
 */
import type { Piece } from "./assembly.ts";
import { lengthOf } from "./variables.ts";

export interface EncodedSourceMap {
  readonly sources: readonly MappedSource[];
  /** Three or four numbers each. */
  readonly spans: readonly (readonly number[])[];
}

export interface MappedSource {
  /** Null: the content that was expanded, given without an id. */
  readonly id: string | null;
  /** Null for the content, which need not be stored. */
  readonly version: number | null;
}

/** A place in a fragment's text. */
export interface Origin extends MappedSource {
  /** The offset; of something that was replaced, its beginning. */
  readonly at: number;
  /** False within a notice or a value, whose characters do not stand in the source. */
  readonly isExact: boolean;
}

/** @param sourceOf the id and version of a piece's source */
export function encodeSourceMap(
  pieces: readonly Piece[],
  sourceOf: (source: Piece["source"]) => MappedSource,
): EncodedSourceMap {
  const indices = new Map<Piece["source"], number>();
  const sources: MappedSource[] = [];
  const spans: (readonly number[])[] = [];
  for (const piece of pieces) {
    let index = indices.get(piece.source);
    if (index === undefined) {
      index = sources.push(sourceOf(piece.source)) - 1;
      indices.set(piece.source, index);
    }
    const { from, to, replacement } = piece;
    const length = lengthOf(piece);
    spans.push(replacement === null ? [length, index, from] : [length, index, from, to - from]);
  }
  return { sources, spans };
}

interface Span {
  /** Where it begins in the expanded text, and how long it is there. */
  readonly start: number;
  readonly length: number;
  readonly source: MappedSource;
  readonly from: number;
  /** Null: the same in both texts. */
  readonly written: number | null;
}

/** A decoded map, which leads from the expanded text to the fragments and back. */
export class SourceMap {
  readonly #spans: readonly Span[];

  /** @throws if a span names no source, or lacks a number */
  constructor({ sources, spans }: EncodedSourceMap) {
    let start = 0;
    this.#spans = spans.map(([length, index = -1, from, written = null]) => {
      const source = sources[index];
      if (length === undefined || from === undefined || source === undefined)
        throw new Error("The source map is malformed.");
      const span = { start, length, source, from, written };
      start += length;
      return span;
    });
  }

  /** Where the character at this offset of the expanded text was written; null behind its end. */
  originOf(offset: number): Origin | null {
    const span = this.#spans[lastAtOrBefore(this.#spans, offset)];
    if (span === undefined || offset >= span.start + span.length) return null;
    const { id, version } = span.source;
    const isExact = span.written === null;
    return { id, version, at: isExact ? span.from + offset - span.start : span.from, isExact };
  }

  /**
   * Where the character at this offset of a fragment's text stands in the expanded text: nowhere, or in several places if
   * the fragment is included more than once.
   */
  placesOf(id: string | null, offset: number): readonly number[] {
    const places: number[] = [];
    for (const { start, length, source, from, written } of this.#spans) {
      if (source.id !== id || offset < from || offset >= from + (written ?? length)) continue;
      places.push(written === null ? start + offset - from : start);
    }
    return places;
  }
}

/** The index of the last span that begins at this offset or before; -1 if there is none. */
function lastAtOrBefore(spans: readonly Span[], offset: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle]?.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
