import { occurrencesOf, placesOf } from "../text/occurrences.ts";

/** A part of the base that was replaced. */
interface Segment {
  /** In the base: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** A piece of the current text: that of a segment, or a part of the base between two segments. */
interface Piece {
  readonly text: string;
  /** Where it begins, in the current text. */
  readonly at: number;
  /** Where it begins and ends in the base. */
  readonly from: number;
  readonly to: number;
  readonly segment: number | null;
}

/** With more occurrences than this, the current text becomes the base and is searched as a whole. */
const MAX_PLACES = 1_000;

/**
 * A text with substitutions. Each is searched for in the unchanged base and around the replaced parts, so that a
 * hundred of them do not build a long text a hundred times.
 *
 * Invariant: the segments are sorted and do not overlap. The current text is the base with each segment's text in place
 * of its range.
 */
export class EditedText {
  #base: string;
  #segments: Segment[] = [];

  constructor(base: string) {
    this.#base = base;
  }

  get text(): string {
    return this.#pieces(0, this.#base.length, 0, this.#segments.length)
      .map(({ text }) => text)
      .join("");
  }

  /** How often `part` stands in the current text, and where the last occurrence that was found begins. */
  find(part: string): { readonly count: number; readonly at: number } {
    const places = part === "" ? null : placesOf(part, this.#base, MAX_PLACES);
    if (places === null) {
      this.#base = this.text;
      this.#segments = [];
      const { count, last } = occurrencesOf(part, this.#base);
      return { count, at: last };
    }
    const end = (at: number) => at + part.length;
    const standing = places.filter((at) => !this.#segments.some(({ from, to }) => from < end(at) && to > at));
    const made = this.#placesAroundSegments(part);
    const last = standing.at(-1);
    return {
      count: standing.length + made.length,
      at: made.at(-1) ?? (last === undefined ? -1 : last + this.#growthOf(({ to }) => to <= last)),
    };
  }

  /** @param at in the current text; the part is as long as `length` */
  replace(at: number, length: number, text: string): void {
    const pieces = this.#pieces(0, this.#base.length, 0, this.#segments.length);
    const isTouched = (piece: Piece) => piece.at < at + length && piece.at + piece.text.length > at;
    const touched = pieces.filter(isTouched);
    const first = touched[0] ?? pieces.find((piece) => piece.at + piece.text.length >= at);
    const last = touched.at(-1) ?? first;
    if (first === undefined || last === undefined) throw new Error("The place is not within the text.");
    const head = first.text.slice(0, Math.max(0, at - first.at));
    const tail = last.text.slice(at + length - last.at);
    // What stays of a base piece is left outside the new segment; what stays of a segment is taken into it.
    const from = first.segment === null ? first.from + head.length : first.from;
    const to = last.segment === null ? last.to - tail.length : last.to;
    const made = `${first.segment === null ? "" : head}${text}${last.segment === null ? "" : tail}`;
    const before = this.#segments.filter((one) => one.to <= from && one.from < from);
    const after = this.#segments.filter((one) => one.from >= to && one.to > to);
    this.#segments = [...before, { from, to, text: made }, ...after];
  }

  /** Where those occurrences of the part begin, in the current text, that do not lie within a piece of the base. */
  #placesAroundSegments(part: string): number[] {
    const found: number[] = [];
    for (let first = 0; first < this.#segments.length; ) {
      let end = first + 1;
      // One occurrence may touch several segments.
      while (this.#unitsBefore(end) < part.length) end++;
      const reach = part.length - 1;
      const from = Math.max(this.#segments[first - 1]?.to ?? 0, (this.#segments[first]?.from ?? 0) - reach);
      const to = Math.min(
        this.#segments[end]?.from ?? this.#base.length,
        (this.#segments[end - 1]?.to ?? 0) + reach,
      );
      const pieces = this.#pieces(from, to, first, end);
      const text = pieces.map((piece) => piece.text).join("");
      const start = pieces[0]?.at ?? 0;
      const isOfBase = (at: number) =>
        pieces.some(
          (piece) =>
            piece.segment === null && piece.at <= at && at + part.length <= piece.at + piece.text.length,
        );
      for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
        if (!isOfBase(start + at)) found.push(start + at);
      }
      first = end;
    }
    return found;
  }

  /** The units of the base between a segment and the one before it. */
  #unitsBefore(index: number): number {
    const [before, after] = [this.#segments[index - 1], this.#segments[index]];
    return before === undefined || after === undefined ? Number.POSITIVE_INFINITY : after.from - before.to;
  }

  /** How much longer than in the base the text of these segments is. */
  #growthOf(isMeant: (segment: Segment, index: number) => boolean): number {
    return this.#segments
      .filter(isMeant)
      .reduce((growth, { from, to, text }) => growth + text.length - (to - from), 0);
  }

  /** The pieces of [from, to) in the base, with the segments [first, end), which are all that lie there. */
  #pieces(from: number, to: number, first: number, end: number): Piece[] {
    const pieces: Piece[] = [];
    let baseAt = from;
    let at = from + this.#growthOf((_, index) => index < first);
    const add = (text: string, pieceTo: number, segment: number | null) => {
      pieces.push({ text, at, from: baseAt, to: pieceTo, segment });
      at += text.length;
      baseAt = pieceTo;
    };
    for (let index = first; index < end; index++) {
      const segment = this.#segments[index];
      if (segment === undefined) break;
      add(this.#base.slice(baseAt, segment.from), segment.from, null);
      add(segment.text, segment.to, index);
    }
    add(this.#base.slice(baseAt, to), to, null);
    return pieces;
  }
}
