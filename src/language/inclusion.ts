/**
 * The marker by which one fragment includes another: `[[name]]`, also written `[[name.md]]`.
 *
 * The grammar is the old system's, `\[\[([^\]]+)\]\]`, leftmost and not overlapping. A name is anything but `]`, line
 * ends included, and code blocks are no exception. Whether a fragment has that name is not asked here.
 */

export interface Inclusion {
  /** As written between the brackets. Not yet an id: it may be invalid. */
  readonly name: string;
  /** Offset of the first bracket, in UTF-16 code units. */
  readonly start: number;
  /** Offset after the last bracket. */
  readonly end: number;
}

/**
 * Lists the inclusions of `text` from left to right, lazily: a caller that stops early pays for no more.
 *
 * Scanned by hand because the regular expression is quadratic on a run of `[`. All possible starts before a `]` share
 * that `]` as the end of their name. If it does not close the first of them it closes none, so none is tried again.
 */
export function* scanInclusions(text: string): Generator<Inclusion, void, undefined> {
  let from = 0;
  for (;;) {
    const start = text.indexOf("[[", from);
    if (start === -1) return;
    const nameStart = start + 2;
    const nameEnd = text.indexOf("]", nameStart);
    if (nameEnd === -1) return;

    if (nameEnd > nameStart && text.startsWith("]", nameEnd + 1)) {
      const end = nameEnd + 2;
      yield { name: text.slice(nameStart, nameEnd), start, end };
      from = end;
    } else {
      from = nameEnd + 1;
    }
  }
}

/** The name without one `.md` at its end, if it has one. */
export function dropExtension(name: string): string {
  return name.endsWith(".md") ? name.slice(0, -3) : name;
}

/** What an inclusion may mean: the fragment of exactly this name or, if there is none, the one without `.md`. */
export function namesMeant(name: string): readonly string[] {
  const short = dropExtension(name);
  return short === name ? [name] : [name, short];
}
