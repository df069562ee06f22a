export interface Occurrences {
  readonly count: number;
  /** Where the last one begins, in UTF-16 code units; -1 if there is none. */
  readonly last: number;
}

/**
 * `indexOf` gets only this much of a part: for some parts it takes the product of both lengths, which can be a minute
 * (V8, November 2026).
 */
const PROBE_UNITS = 16;

/** How often `part` stands in `text`. Overlapping occurrences count: "aa" stands twice in "aaa". Takes linear time. */
export function occurrencesOf(part: string, text: string): Occurrences {
  if (part === "") return { count: text.length + 1, last: text.length };
  const places = placesOf(part, text, text.length);
  return places === null
    ? occurrencesByBorders(part, text)
    : { count: places.length, last: places.at(-1) ?? -1 };
}

/**
 * Where `part`, which is not empty, begins in `text`; overlapping occurrences count. Null if there are more than
 * `most`, or if comparing takes more than a pass over the text.
 */
export function placesOf(part: string, text: string, most: number): number[] | null {
  const probe = part.slice(0, PROBE_UNITS);
  const places: number[] = [];
  let comparable = text.length + part.length;
  for (let at = text.indexOf(probe); at !== -1; at = text.indexOf(probe, at + 1)) {
    comparable -= part.length;
    if (comparable < 0 || places.length > most) return null;
    if (text.startsWith(part, at)) places.push(at);
  }
  return places.length > most ? null : places;
}

/** The same in one pass over the text: by Knuth, Morris and Pratt. */
function occurrencesByBorders(part: string, text: string): Occurrences {
  const borders = bordersOf(part);
  let count = 0;
  let last = -1;
  for (let at = 0, matched = 0; at < text.length; at++) {
    matched = extend(part, borders, matched, text.charCodeAt(at));
    if (matched < part.length) continue;
    count++;
    last = at + 1 - part.length;
  }
  return { count, last };
}

/** For each prefix of `part`: the length of its longest proper suffix that is a prefix of `part` too. */
function bordersOf(part: string): Uint32Array {
  const borders = new Uint32Array(part.length + 1);
  for (let at = 1, border = 0; at < part.length; at++) {
    border = extend(part, borders, border, part.charCodeAt(at));
    borders[at + 1] = border;
  }
  return borders;
}

/** The length of the prefix of `part` that ends with `unit`, when a prefix of length `matched` ended just before it. */
function extend(part: string, borders: Uint32Array, matched: number, unit: number): number {
  let border = matched;
  while (border > 0 && (border === part.length || part.charCodeAt(border) !== unit))
    border = borders[border] ?? 0;
  return part.charCodeAt(border) === unit ? border + 1 : 0;
}
