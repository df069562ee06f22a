import { parseWorkspace, type Workspace } from "../../protocol/access.ts";
import { digest } from "../http/digest.ts";

/** Keys as text: `pm_WORKSPACE_ID_SECRET`. */

/** 32 letters and digits, none of which looks like another one. Each is five bits of randomness. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

const ID_CHARACTERS = 12;
/** 200 bits: a hash without salt or stretching is enough. */
const SECRET_CHARACTERS = 40;

const KEY = new RegExp(`^pm_([^_]+)_([a-z2-9]{${ID_CHARACTERS}})_[a-z2-9]{${SECRET_CHARACTERS}}$`);

/** Random characters that are safe in addresses, headers and file names. */
export function randomName(characters: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(characters));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}

/** A new key. Only its hash is stored: its text is shown once. */
export async function makeKey(workspace: Workspace): Promise<{ id: string; text: string; hash: string }> {
  const id = randomName(ID_CHARACTERS);
  const text = `pm_${workspace}_${id}_${randomName(SECRET_CHARACTERS)}`;
  return { id, text, hash: await digest(text) };
}

/** The workspace and the id that a key names; null if the text is no key. */
export function parseKey(text: string): { readonly workspace: Workspace; readonly id: string } | null {
  const [, name, id] = KEY.exec(text) ?? [];
  const workspace = name === undefined ? null : parseWorkspace(name);
  return workspace === null || id === undefined ? null : { workspace, id };
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
