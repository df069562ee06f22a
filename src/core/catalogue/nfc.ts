import { utf8Length } from "../../language/utf8.ts";
import { MAX_CONTENT_BYTES } from "../../protocol/limits.ts";

/** Ordering n marks on one character takes n² steps. No language has more than a few. */
const MANY_MARKS = /\p{M}{64}/u;

/**
 * A text in Unicode's NFC, as excerpts show it. It stays as it is if NFC would be slow, or longer than a content may be:
 * it turns some characters, which nobody writes, into three.
 */
export function toNfc(text: string): string {
  if (MANY_MARKS.test(text)) return text;
  const composed = text.normalize("NFC");
  return composed !== text && utf8Length(composed) > MAX_CONTENT_BYTES ? text : composed;
}
