import type { Workspace } from "../../protocol/access.ts";
import { makeSecret, type NewSecret, parseSecret, randomName, type SecretName } from "./secret-text.ts";

/** A new key. */
export function makeKey(workspace: Workspace): Promise<NewSecret> {
  return makeSecret("pm", workspace);
}

/** The workspace and the id that a key names; null if the text is no key. */
export function parseKey(text: string): SecretName | null {
  return parseSecret("pm", text);
}

const TOKEN_ID_CHARACTERS = 24;

/** The id of a new token, which no other has and nobody guesses. */
export function makeTokenId(): string {
  return randomName(TOKEN_ID_CHARACTERS);
}

/** Whether a token can have this id. */
export function isTokenId(text: string): boolean {
  return /^[a-z2-9]{24}$/.test(text);
}
