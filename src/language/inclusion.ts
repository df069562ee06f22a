/**
 * The marker by which one fragment includes another: `[[name]]`, also written `[[name.md]]`. Code blocks are no exception.
 * Whether a fragment has that name is not asked here.
 *
 * Two grammars. The old system's is `\[\[([^\]]+)\]\]`, leftmost and not overlapping: a name is anything but `]`, line ends
 * included. On `/v1` the brackets nearest to each other make the marker, so a name holds no `[`, and an odd number of
 * backslashes before them makes it plain text: of 2n + 1 backslashes n stay, so that `\\\[[name]]` is the text `\[[name]]`.
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

/** A marker of the grammar of `/v1`. */
export interface Marker extends Inclusion {
  /** Backslashes directly before it. An odd number takes its meaning away. */
  readonly backslashes: number;
}

/**
 * Lists the markers of `text` by the grammar of `/v1`, from left to right, lazily. Linear: two attempts to match never
 * read the same name, since a name holds no bracket.
 */
export function* scanMarkers(text: string): Generator<Marker, void, undefined> {
  let from = 0;
  for (const { 0: written, 1: name = "", index: start } of text.matchAll(/\[\[([^[\]]+)\]\]/g)) {
    const end = start + written.length;
    yield { name, start, end, backslashes: backslashesBefore(text, start, from) };
    from = end;
  }
}

function backslashesBefore(text: string, start: number, from: number): number {
  let count = 0;
  while (start - count > from && text[start - count - 1] === "\\") count++;
  return count;
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
