import type { TextRange } from "../../protocol/catalogue.ts";
import { FoldedText } from "./folded-text.ts";
import { placesOfTerm, type SearchTerm } from "./search-terms.ts";

/** UTF-16 code units of an excerpt, its ellipses not counted. */
const MAX_EXCERPT_UNITS = 300;
/** This many of them stand before the match. */
const LEAD_UNITS = 60;
/** A cut looks for the end of a word this far from its place. */
const CUT_UNITS = 40;
/** To choose the place to show, this many places of each term are compared. */
const COMPARED_PLACES = 8;

/** Where a text may be cut between words: not before a mark, which belongs to the character before. */
const BREAK = /\s+(?!\p{M})/gu;
const INSIDE_CHARACTER = /^[\p{M}\p{Cs}]/u;

export interface MarkedText {
  readonly text: string;
  readonly ranges: readonly TextRange[];
}

/** The beginning of a text in one line, in NFC, cut at a word's end where one is near. */
export function excerptOf(text: string, maxUnits: number): string {
  const line = text
    .trimStart()
    .slice(0, maxUnits * 4)
    .normalize("NFC")
    .replaceAll(/\s+/gu, " ")
    .trim();
  const start = line.slice(0, maxUnits).replace(/[\uD800-\uDBFF]$/u, "");
  if (start === line) return start;
  const space = start.lastIndexOf(" ");
  return `${space > maxUnits * 0.7 ? start.slice(0, space) : start}…`;
}

/**
 * A few words of a text around a match, with the ranges of all matches in them. Of the first places of each term, it
 * shows the one with the most terms around it; rare terms count more. Linear in the text, for each term.
 *
 * @param isWhole false if this is only the beginning of the text: a match near its end then does not count
 * @returns null if nothing was found
 */
export function excerptAround(
  text: string,
  terms: readonly SearchTerm[],
  { isWhole }: { readonly isWhole: boolean },
): MarkedText | null {
  const folded = new FoldedText(text);
  const rangeOf = (place: TextRange) => folded.rangeOf(place);
  const end = folded.indexOf(isWhole ? text.length : Math.max(0, text.length - MAX_EXCERPT_UNITS));
  const places = terms.map((term) =>
    placesOfTerm(term, folded.folded, { end, limit: COMPARED_PLACES }).map(rangeOf),
  );
  const best = bestPlace(places);
  if (best === null) return null;
  const from = cutBefore(text, Math.max(0, best - LEAD_UNITS), best);
  const to = cutAfter(text, from + MAX_EXCERPT_UNITS);
  // A match may begin before the excerpt or end after it. The search stops soon after it: the next match may be far away.
  const near = folded.folded.slice(0, folded.indexOf(to) + MAX_EXCERPT_UNITS);
  const part = { from: folded.indexOf(Math.max(0, from - CUT_UNITS)), end: folded.indexOf(to) };
  const inside = terms.flatMap((term) => placesOfTerm(term, near, part).map(rangeOf));
  const [before, after] = [from > 0 ? "…" : "", to < text.length || !isWhole ? "…" : ""];
  return {
    text: `${before}${text.slice(from, to)}${after}`,
    ranges: merged([...places.flat(), ...inside], from, to).map((one) => ({
      from: one.from - from + before.length,
      to: one.to - from + before.length,
    })),
  };
}

/** Where the terms stand in a short text that is shown as it is. */
export function rangesIn(text: string, terms: readonly SearchTerm[]): TextRange[] {
  const folded = new FoldedText(text);
  const places = terms.flatMap((term) => placesOfTerm(term, folded.folded));
  return merged(
    places.map((place) => folded.rangeOf(place)),
    0,
    text.length,
  );
}

/** Where the place begins that has the most terms around it. A term with fewer places counts more. */
function bestPlace(places: readonly (readonly TextRange[])[]): number | null {
  const all = places
    .flatMap((hits, term) => hits.map(({ from }) => ({ from, term, weight: 1 / hits.length })))
    .toSorted((a, b) => a.from - b.from);
  let best: number | null = null;
  let bestWeight = 0;
  for (const [at, { from }] of all.entries()) {
    const weights = new Map<number, number>();
    for (const other of all.slice(at)) {
      if (other.from >= from + MAX_EXCERPT_UNITS - LEAD_UNITS - CUT_UNITS) break;
      weights.set(other.term, other.weight);
    }
    const weight = [...weights.values()].reduce((sum, one) => sum + one, 0);
    if (weight <= bestWeight) continue;
    best = from;
    bestWeight = weight;
  }
  return best;
}

/** The ranges in this part of a text, in order; those that overlap are one. */
function merged(ranges: readonly TextRange[], from: number, to: number): TextRange[] {
  const apart: TextRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    if (range.to <= from || range.from >= to) continue;
    const end = Math.min(range.to, to);
    const last = apart.at(-1);
    if (last !== undefined && range.from < last.to)
      apart.splice(-1, 1, { ...last, to: Math.max(last.to, end) });
    else apart.push({ from: Math.max(range.from, from), to: end });
  }
  return apart;
}

/** The cut before an excerpt: after the first space from there on, or else between two characters. */
function cutBefore(text: string, at: number, limit: number): number {
  if (at === 0) return 0;
  BREAK.lastIndex = at;
  const space = BREAK.exec(text.slice(0, limit));
  return space === null ? betweenCharacters(text, at, 1) : space.index + space[0].length;
}

/** The cut after an excerpt: before the last space up to there, or else between two characters. */
function cutAfter(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const first = at - CUT_UNITS;
  BREAK.lastIndex = 0; // which matchAll would take over
  const space = [...text.slice(first, at + CUT_UNITS).matchAll(BREAK)].findLast(
    ({ index }) => index <= CUT_UNITS,
  );
  return space === undefined ? betweenCharacters(text, at, -1) : first + space.index;
}

/** The nearest place between two characters in that direction. It passes at most `CUT_UNITS` marks. */
function betweenCharacters(text: string, at: number, step: 1 | -1): number {
  let cut = at;
  for (let n = 0; n < CUT_UNITS && isInside(text, cut); n++) cut += step;
  return /^\p{Cs}/u.test(text.slice(cut, cut + 2)) ? cut + step : cut;
}

function isInside(text: string, at: number): boolean {
  return INSIDE_CHARACTER.test(text.slice(at, at + 2));
}
