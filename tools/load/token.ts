/**
 * The unit of a load test. Each edit inserts one token that occurs nowhere else in its fragment. It identifies the edit,
 * so its latency can be measured, and its loss or repetition noticed.
 *
 *     token = "w" writer ":" seq ";"      both in base 36, from 0
 */
import * as Y from "yjs";

export interface Token {
  readonly writer: number;
  /** The number of the edit among those of its writer. */
  readonly seq: number;
}

const TOKEN = /w([\da-z]+):([\da-z]+);/g;
const RADIX = 36;

export function encodeToken({ writer, seq }: Token): string {
  return `w${writer.toString(RADIX)}:${seq.toString(RADIX)};`;
}

/** All tokens of a text, in order, and the rest of it. */
export function decodeTokens(text: string): { tokens: Token[]; rest: string } {
  const tokens: Token[] = [];
  const rest = text.replaceAll(TOKEN, (_, writer: string, seq: string) => {
    tokens.push({ writer: Number.parseInt(writer, RADIX), seq: Number.parseInt(seq, RADIX) });
    return "";
  });
  return { tokens, rest };
}

/** The longest token for this number of writers and edits. Tokens are ASCII. */
export function maxTokenBytes(writers: number, edits: number): number {
  return encodeToken({ writer: writers - 1, seq: edits - 1 }).length;
}

/**
 * The tokens that an update inserts, read from its bytes, so that a reader needs no document. A writer puts whole
 * tokens after its own last one, so no token is ever cut.
 *
 * @param update in Yjs' V1 encoding; throws for other bytes
 */
export function tokensInUpdate(update: Uint8Array): Token[] {
  let text = "";
  for (const struct of Y.decodeUpdate(update).structs)
    if (struct instanceof Y.Item && struct.content instanceof Y.ContentString) text += struct.content.str;
  return decodeTokens(text).tokens;
}
