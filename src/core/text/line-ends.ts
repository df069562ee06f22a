import type { Eol } from "../../protocol/fragment.ts";

/**
 * The shared text has LF line ends, because editors count a CRLF as one character. A text that came with CRLF
 * throughout gets them back where it is shown (JSON, REST, export); a mixed text becomes LF. A lone CR is a
 * control character like any other and stays.
 */
export function detectEol(text: string): Eol {
  let crlf = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    if (text.charCodeAt(at - 1) !== 0x0d) return "lf";
    crlf++;
  }
  return crlf > 0 ? "crlf" : "lf";
}

export function toSharedText(text: string): string {
  // A CR before a CRLF goes too: left alone it would make a CRLF again.
  return text.includes("\r\n") ? text.replaceAll(/\r+\n/g, "\n") : text;
}

export function fromSharedText(text: string, eol: Eol): string {
  return eol === "crlf" ? text.replaceAll("\n", "\r\n") : text;
}
