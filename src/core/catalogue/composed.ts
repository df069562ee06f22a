import { utf8Length } from "../../language/utf8.ts";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";

/** To order this many marks takes the square of their number; no language has more than a few. */
const MANY_MARKS = /\p{M}{64}/u;

/**
 * A text in Unicode's NFC, as excerpts show it. It stays as it is where that would be slow, or longer than a content may
 * be: NFC can make three characters of one, of characters that nobody writes.
 */
export function compose(text: string): string {
  if (MANY_MARKS.test(text)) return text;
  const composed = text.normalize("NFC");
  return composed !== text && utf8Length(composed) > MAX_CONTENT_BYTES ? text : composed;
}
