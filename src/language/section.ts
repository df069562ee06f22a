/** The sections of a markdown text: what `[[name#Heading]]` includes. */

/** From the beginning of the heading's line up to the next heading of the same or a higher level, in code units. */
export interface Section {
  readonly from: number;
  readonly to: number;
}

/** The sections found so far, by the fragment (null: the content that is expanded) and the title that was asked for. */
export class Sections {
  readonly #found = new Map<string | null, Map<string, Section | null>>();

  /** Undefined: not looked for yet. Null: there is no such section. */
  get(source: string | null, title: string): Section | null | undefined {
    return this.#found.get(source)?.get(title);
  }

  /** Looks for all of these titles at once. */
  find(source: string | null, text: string, titles: Iterable<string>): void {
    const known = this.#found.get(source) ?? new Map<string, Section | null>();
    this.#found.set(source, known);
    for (const [title, section] of findSections(text, titles)) known.set(title, section);
  }
}

/**
 * For each title the first section whose heading has it; null if there is none. Titles are compared without their case
 * and with single spaces, because a reference is typed by hand; one that is written the same comes first.
 *
 * Headings are lines of one to six `#`, a space and a title (CommonMark 0.31, ATX headings), outside of fenced code. Those
 * that are underlined with `===` or `---` do not count: `---` is also a rule and the border of front matter.
 *
 * One pass over the text, and memory only for the titles: a text can hold a quarter of a million headings.
 */
export function findSections(text: string, titles: Iterable<string>): ReadonlyMap<string, Section | null> {
  const wanted = [...titles];
  const exact = new Finder(wanted);
  const similar = new Finder(wanted.map(fold));
  for (const heading of headingsOf(text)) {
    exact.pass(heading, heading.title);
    similar.pass(heading, fold(heading.title));
  }
  const sectionOf = (title: string) =>
    exact.found(title, text.length) ?? similar.found(fold(title), text.length);
  return new Map(wanted.map((title) => [title, sectionOf(title)]));
}

interface Heading {
  readonly level: number;
  readonly title: string;
  readonly from: number;
}

interface Found {
  readonly from: number;
  readonly level: number;
  /** Null while no heading has ended it. */
  to: number | null;
}

class Finder {
  readonly #wanted: ReadonlySet<string>;
  readonly #found = new Map<string, Found>();
  /** Those that no heading has ended yet. Each is of a lower level than the one before. */
  readonly #open: Found[] = [];

  constructor(wanted: Iterable<string>) {
    this.#wanted = new Set(wanted);
  }

  pass({ level, from }: Heading, title: string): void {
    for (let last = this.#open.at(-1); last !== undefined && last.level >= level; last = this.#open.at(-1)) {
      last.to = from;
      this.#open.pop();
    }
    if (!this.#wanted.has(title) || this.#found.has(title)) return;
    const found = { from, level, to: null };
    this.#found.set(title, found);
    this.#open.push(found);
  }

  found(title: string, end: number): Section | null {
    const found = this.#found.get(title);
    return found === undefined ? null : { from: found.from, to: found.to ?? end };
  }
}

// `s`, because a dot that stops at U+2028 makes them quadratic.
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/s;
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/s;

function* headingsOf(text: string): Generator<Heading, void, undefined> {
  let fence: string | null = null;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf("\n", from);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(from, end).replace(/\r$/, "");
    const mark = FENCE.exec(line);
    if (fence !== null) {
      if (mark !== null && closes(mark, fence)) fence = null;
    } else if (mark !== null && opens(mark)) fence = mark[1] ?? null;
    else {
      const [, marks, written = ""] = HEADING.exec(line) ?? [];
      if (marks !== undefined) yield { level: marks.length, title: titleOf(written), from };
    }
    from = end + 1;
  }
}

/** A fence of backticks may have none of them behind it: that is code within a line. */
function opens([, marks = "", info = ""]: RegExpExecArray): boolean {
  return marks.startsWith("~") || !info.includes("`");
}

function closes([, marks = "", rest = ""]: RegExpExecArray, fence: string): boolean {
  return marks.startsWith(fence) && rest.trim() === "";
}

/** The title without the `#` that may close its line. */
function titleOf(written: string): string {
  const title = written.trim();
  let last = title.length;
  while (title.charAt(last - 1) === "#") last--;
  const isClosing = last === 0 || /[ \t]/.test(title.charAt(last - 1));
  return isClosing ? title.slice(0, last).trim() : title;
}

function fold(title: string): string {
  return title.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
}
