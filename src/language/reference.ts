/**
 * What an inclusion asks for on `/v1`:
 *
 *     inclusion = "[[" reference "]]"
 *     reference = name [ "@" version ] [ "#" heading ] [ "|" shown ]
 *
 * `version` names a kept version or a label, `heading` a section; `shown` is for editors. Spaces around each part are
 * ignored. No fragment id holds `@`, `#` or `|`, so the first of them ends the name.
 */
export interface Reference {
  /** Not yet an id: it may be invalid. */
  readonly name: string;
  /** Null: the newest text. */
  readonly version: string | null;
  /** Null: the whole text. */
  readonly heading: string | null;
}

/** Never fails: a part that cannot be anything is an empty string. */
export function parseReference(written: string): Reference {
  const [reference = ""] = cut(written, "|");
  const [target = "", heading = null] = cut(reference, "#");
  const [name = "", version = null] = cut(target, "@");
  return { name, version, heading };
}

/** The trimmed parts before and after the first `separator`; only one part if there is none. */
function cut(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  const parts = at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
  return parts.map(trimBlanks);
}

/** By hand, because a regular expression is quadratic on a long run of spaces within the text. */
function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charAt(from))) from++;
  while (to > from && isBlank(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t";
}
