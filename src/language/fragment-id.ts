/**
 * The name of a fragment: one rule for REST, sockets, inclusions and import.
 *
 * Invariant: a FragmentId is canonical. It is NFC, holds no space, and two names of the same fragment are the same
 * string, so that `===`, Map keys and Durable Object names may compare ids directly. Only parseFragmentId makes one.
 * Case is kept and counts.
 */
import { utf8Length } from "./utf8.ts";

declare const fragmentIdBrand: unique symbol;

export type FragmentId = string & { readonly [fragmentIdBrand]: true };

export type FragmentIdResult =
  | { readonly ok: true; readonly id: FragmentId }
  | { readonly ok: false; readonly reason: string };

const MAX_SEGMENTS = 8;

/** Leaves a Durable Object name room for the workspace, and a URL room for percent-encoding. */
const MAX_BYTES = 200;

/**
 * Longer input is refused before it is normalised. No name of the rule is cut off: NFC joins at most 4 code points
 * into one, and a code point is at most 2 code units, so 200 bytes never come from more than 1,600 units.
 */
const MAX_RAW_UNITS = 2_000;

/** The rule in words, for error answers. */
export const FRAGMENT_ID_RULE = `A fragment id is 1 to ${MAX_SEGMENTS} segments joined by "/"; a segment starts with a letter, a digit or "_", goes on with visible letters, combining marks, digits, "_", "." or "-", and does not end with a dot; the whole id is at most ${MAX_BYTES} bytes of UTF-8.`;

/**
 * The characters that may not stand first, and those that may not stand anywhere. All but letters (L), marks (M) and
 * numbers (N) are forbidden, among them controls, zero-width and bidi characters and lone surrogates (all of them C).
 * Invisible letters and marks are named separately: variation selectors are marks, Hangul fillers are letters.
 */
const FORBIDDEN_FIRST = /^[[^\p{L}\p{N}_]\p{Default_Ignorable_Code_Point}]/v;
const FORBIDDEN = /[[^\p{L}\p{M}\p{N}_.\-]\p{Default_Ignorable_Code_Point}]/v;

/**
 * Parses a name as people write it into the one canonical id.
 *
 * Spaces (U+0020) become `_`, as in the old system; NFD becomes NFC. Everything else that the rule does not name is
 * refused. `reason` says which part failed, then the rule; it never repeats the input, so it is safe to log and send.
 */
export function parseFragmentId(raw: string): FragmentIdResult {
  if (raw.length > MAX_RAW_UNITS) return refuse("The id is too long.");
  const name = raw.normalize("NFC").replaceAll(" ", "_");
  if (name === "") return refuse("The id is empty.");

  const bytes = utf8Length(name);
  if (bytes > MAX_BYTES) return refuse(`The id is ${bytes} bytes long.`);

  const segments = name.split("/");
  if (segments.length > MAX_SEGMENTS) return refuse(`The id has ${segments.length} segments.`);
  for (const [index, segment] of segments.entries()) {
    const fault = findFault(segment);
    if (fault !== null) return refuse(`Segment ${index + 1} ${fault}.`);
  }

  // The only place that brands: everything the rule asks for was checked above.
  return { ok: true, id: name as FragmentId };
}

/**
 * Parses the tail of a URL path, still percent-encoded, as in `team%2Fgreeting`, `team/greeting` or `caf%C3%A9`.
 *
 * Decodes exactly once, so `%252F` is a percent sign (and refused), never a slash. Escapes that are malformed, or no
 * UTF-8, are refused; it does not throw.
 */
export function decodeFragmentPath(path: string): FragmentIdResult {
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    // URIError is its only error, and says no more than this.
    return refuse('The path holds a "%" that does not begin a percent-encoded UTF-8 character.');
  }
  return parseFragmentId(name);
}

function findFault(segment: string): string | null {
  if (segment === "") return "is empty";
  const [first] = FORBIDDEN_FIRST.exec(segment) ?? [];
  if (first !== undefined) return `starts with ${nameCharacter(first)}`;
  const [character] = FORBIDDEN.exec(segment) ?? [];
  if (character !== undefined) return `holds ${nameCharacter(character)}`;
  return segment.endsWith(".") ? "ends with a dot" : null;
}

/** Printable ASCII as it is, the rest by number: an invisible character would show nothing, a control could do harm. */
function nameCharacter(character: string): string {
  if (/^[!-~]$/.test(character)) return `"${character}"`;
  const codePoint = character.codePointAt(0) ?? 0;
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
}

function refuse(fault: string): FragmentIdResult {
  return { ok: false, reason: `${fault} ${FRAGMENT_ID_RULE}` };
}
