import { parseWorkspace, type Workspace } from "../../protocol/access.ts";
import { digest } from "../http/digest.ts";

/** Secrets as text: `KIND_WORKSPACE_ID_SECRET`. So a secret that was found somewhere says what it is, and whose. */

export type SecretKind =
  /** A key. */
  | "pm"
  /** The cookie of a browser session. */
  | "pms"
  /** An invitation. */
  | "pmi";

export interface SecretName {
  readonly workspace: Workspace;
  readonly id: string;
}

export interface NewSecret {
  readonly id: string;
  readonly text: string;
  readonly hash: string;
}

/** 32 letters and digits, none of which looks like another one. Each is five bits of randomness. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

const ID_CHARACTERS = 12;
/** 200 bits: a hash without salt or stretching is enough. */
const SECRET_CHARACTERS = 40;

const SECRET = new RegExp(`^([a-z]+)_([^_]+)_([a-z2-9]{${ID_CHARACTERS}})_[a-z2-9]{${SECRET_CHARACTERS}}$`);

/** Random characters that are safe in addresses, headers and file names. */
export function randomName(characters: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(characters));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}

/** The id of something new, which no other has. */
export function randomId(): string {
  return randomName(ID_CHARACTERS);
}

/** A new secret. Only its hash is stored: its text is shown once. */
export async function makeSecret(
  kind: SecretKind,
  workspace: Workspace,
  id: string = randomId(),
): Promise<NewSecret> {
  const text = `${kind}_${workspace}_${id}_${randomName(SECRET_CHARACTERS)}`;
  return { id, text, hash: await digest(text) };
}

/** The workspace and the id that a secret names; null if the text is no secret of this kind. */
export function parseSecret(kind: SecretKind, text: string): SecretName | null {
  const [, found, name, id] = SECRET.exec(text) ?? [];
  const workspace = name === undefined ? null : parseWorkspace(name);
  return found !== kind || workspace === null || id === undefined ? null : { workspace, id };
}
