import type { Eol } from "../../protocol/fragment.ts";

/**
 * The shared text has LF line ends, because editors count a CRLF as one character. A text that came with CRLF
 * throughout gets its CRLFs back where it is shown (JSON, REST, export); a text with mixed line ends becomes LF. A lone
 * CR is a control character like any other and stays.
 */

/**
 * A CRLF with all CRs right before it, since any one left over would make a CRLF again. The look-behind makes each run of
 * CRs match from its start only; without it a text of CRs alone would take the square of its length.
 */
export const CRLF = /(?<!\r)\r+\n/g;

export function detectEol(text: string): Eol {
  let crlf = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    if (text.charCodeAt(at - 1) !== 0x0d) return "lf";
    crlf++;
  }
  return crlf > 0 ? "crlf" : "lf";
}

export function toSharedText(text: string): string {
  return text.includes("\r\n") ? text.replaceAll(CRLF, "\n") : text;
}

export function fromSharedText(text: string, eol: Eol): string {
  return eol === "crlf" ? text.replaceAll("\n", "\r\n") : text;
}
