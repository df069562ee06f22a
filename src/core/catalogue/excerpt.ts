import type { TextRange } from "../../protocol/catalogue.ts";
import { compose, DIVIDER, MARK_CLOSE, MARK_OPEN, readMarked, toSearchText } from "./search-text.ts";

/** UTF-16 code units of an excerpt, dividers counted and its ellipses not. */
export const MAX_EXCERPT_UNITS = 300;
/** So many of them stand before what was found. */
const LEAD_UNITS = 60;
/** So far from its place a cut looks for the end of a word. */
const CUT_UNITS = 40;
/** So many places of each term are compared, to choose the one to show. */
const COMPARED_PLACES = 8;

/** Where a text may be cut between words: not before a mark, which belongs to the character before. */
const GAP = new RegExp(`[\\s${DIVIDER}]+(?!\\p{M})`, "gu");
const INSIDE_CHARACTER = /^[\p{M}\p{Cs}]/u;

let graphemes: Intl.Segmenter | undefined;

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
 * A few words of a text around what was found, with ranges of that. Of the first places of each term it is the one with
 * the most terms around, the rarer the better. Linear in the text, for each pattern.
 *
 * @param text of `toSearchText`
 * @param isWhole else this is the beginning of the text, and what is near its end does not count
 * @returns null where nothing was found
 */
export function excerptAround(
  text: string,
  patterns: readonly RegExp[],
  { isWhole }: { readonly isWhole: boolean },
): MarkedText | null {
  const end = isWhole ? text.length : text.length - MAX_EXCERPT_UNITS;
  const places = patterns.map((pattern) => hitsIn(text, pattern, 0, end, COMPARED_PLACES));
  const best = bestPlace(places);
  if (best === null) return null;
  const from = cutBefore(text, Math.max(0, best - LEAD_UNITS), best);
  const to = cutBehind(text, from + MAX_EXCERPT_UNITS);
  // What is found may begin before and end behind it; in all of the text the next place may be far away.
  const near = text.slice(0, to + MAX_EXCERPT_UNITS);
  const hits = patterns.flatMap((pattern) => hitsIn(near, pattern, Math.max(0, from - CUT_UNITS), to));
  const marked = readMarked(mark(text, from, to, [...places.flat(), ...hits]));
  const [before, behind] = [from > 0 ? "…" : "", to < text.length || !isWhole ? "…" : ""];
  return {
    text: `${before}${marked.text}${behind}`,
    ranges: marked.ranges.map((one) => ({ from: one.from + before.length, to: one.to + before.length })),
  };
}

/** Where the terms stand in a short text that is shown as it is. */
export function rangesIn(text: string, patterns: readonly RegExp[]): TextRange[] {
  const searched = toSearchText(text);
  const hits = patterns.flatMap((pattern) => hitsIn(searched, pattern));
  const { ranges } = readMarked(mark(searched, 0, searched.length, hits));
  return text === compose(text) ? ranges : inDecomposed(text, ranges);
}

/** The places of one pattern that begin in this part of the text, in their order; those of a phrase may overlap. */
function hitsIn(
  text: string,
  pattern: RegExp,
  from = 0,
  end = text.length,
  limit = text.length,
): TextRange[] {
  const hits: TextRange[] = [];
  pattern.lastIndex = from;
  while (hits.length < limit) {
    const match = pattern.exec(text);
    if (match === null || match.index >= end) break;
    hits.push({ from: match.index, to: match.index + match[0].length });
    pattern.lastIndex = match.index + ((text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1);
  }
  return hits;
}

/** Where the place begins around which the most terms stand. A term counts the more the fewer places it has. */
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

/** This part of a text with marks around the hits in it; what overlaps is one. */
function mark(text: string, from: number, to: number, hits: readonly TextRange[]): string {
  const merged: { from: number; to: number }[] = [];
  for (const hit of hits.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (hit.to <= from || hit.from >= to) continue;
    const end = Math.min(hit.to, to);
    if (last !== undefined && hit.from < last.to) last.to = Math.max(last.to, end);
    else merged.push({ from: Math.max(hit.from, from), to: end });
  }
  let marked = "";
  let done = from;
  for (const hit of merged) {
    marked += text.slice(done, hit.from) + MARK_OPEN + text.slice(hit.from, hit.to) + MARK_CLOSE;
    done = hit.to;
  }
  return marked + text.slice(done, to);
}

/** Behind the first gap from there on, else between two characters. */
function cutBefore(text: string, at: number, limit: number): number {
  if (at === 0) return 0;
  GAP.lastIndex = at;
  const gap = GAP.exec(text.slice(0, limit));
  return gap === null ? betweenCharacters(text, at, 1) : gap.index + gap[0].length;
}

/** Before the last gap until there, else between two characters. */
function cutBehind(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const first = at - CUT_UNITS;
  GAP.lastIndex = 0; // which matchAll would take over
  const gap = [...text.slice(first, at + CUT_UNITS).matchAll(GAP)].findLast(
    ({ index }) => index <= CUT_UNITS,
  );
  return gap === undefined ? betweenCharacters(text, at, -1) : first + gap.index;
}

/** The nearest such place in that direction; of very many marks on one character not all. */
function betweenCharacters(text: string, at: number, step: 1 | -1): number {
  let cut = at;
  for (let n = 0; n < CUT_UNITS && isInside(text, cut); n++) cut += step;
  return /^\p{Cs}/u.test(text.slice(cut, cut + 2)) ? cut + step : cut;
}

function isInside(text: string, at: number): boolean {
  return INSIDE_CHARACTER.test(text.slice(at, at + 2));
}

/** Ranges of a text's NFC as ranges of the text itself: those of the whole characters. */
function inDecomposed(text: string, ranges: readonly TextRange[]): TextRange[] {
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  const bounds = [{ composed: 0, own: 0 }];
  let composed = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    composed += segment.normalize("NFC").length;
    bounds.push({ composed, own: index + segment.length });
  }
  // Ranges are in order and apart, so both ends only go forward.
  let [first, last] = [0, 0];
  return ranges.map(({ from, to }) => {
    while ((bounds[first + 1]?.composed ?? Number.POSITIVE_INFINITY) <= from) first++;
    while ((bounds[last]?.composed ?? Number.POSITIVE_INFINITY) < to) last++;
    return { from: bounds[first]?.own ?? 0, to: bounds[last]?.own ?? text.length };
  });
}
