import { randomName } from "./secret-text.ts";

const TOKEN_ID_CHARACTERS = 24;

/** The id of a new token, which no other has and nobody guesses. */
export function makeTokenId(): string {
  return randomName(TOKEN_ID_CHARACTERS);
}

/** Whether a token can have this id. */
export function isTokenId(text: string): boolean {
  return /^[a-z2-9]{24}$/.test(text);
}
