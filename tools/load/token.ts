/**
 * The unit of a load test: each edit inserts one token, unlike all others in its fragment, so that whoever sees it
 * knows whose edit it is and can say how long it was under way, and that it is there once.
 *
 *     token = "w" writer ":" seq ";"      both in base 36, from 0
 */
import * as Y from "yjs";

export interface Token {
  readonly writer: number;
  /** Which edit of its writer. */
  readonly seq: number;
}

const TOKEN = /w([\da-z]+):([\da-z]+);/g;
const RADIX = 36;

export function encodeToken({ writer, seq }: Token): string {
  return `w${writer.toString(RADIX)}:${seq.toString(RADIX)};`;
}

/** All tokens of a text in order, and what is no token of ours. */
export function decodeTokens(text: string): { tokens: Token[]; rest: string } {
  const tokens: Token[] = [];
  const rest = text.replaceAll(TOKEN, (_, writer: string, seq: string) => {
    tokens.push({ writer: Number.parseInt(writer, RADIX), seq: Number.parseInt(seq, RADIX) });
    return "";
  });
  return { tokens, rest };
}

/** Of any token that so many writers make with so many edits each. They are ASCII. */
export function maxTokenBytes(writers: number, edits: number): number {
  return encodeToken({ writer: writers - 1, seq: edits - 1 }).length;
}

/**
 * The tokens that an update inserts, by the bytes of the update alone: who only listens needs no document. A writer
 * puts whole tokens after its own last one, so no token is ever cut.
 *
 * @param update in Yjs' V1 encoding; throws for what is none
 */
export function tokensInUpdate(update: Uint8Array): Token[] {
  let text = "";
  for (const struct of Y.decodeUpdate(update).structs)
    if (struct instanceof Y.Item && struct.content instanceof Y.ContentString) text += struct.content.str;
  return decodeTokens(text).tokens;
}
