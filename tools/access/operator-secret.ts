/** The secret with which the operator's commands sign their token. */
import { join, resolve } from "node:path";
import { isLoopbackHost } from "../../src/protocol/hosts.ts";
import { PROJECT_DIR } from "../dev/wrangler-command.ts";
import { describeCause } from "../server-url.ts";
import { findSecret, fromEnvironment, readSecretFile } from "./auth-secret.ts";

export interface SecretPlaces {
  readonly secretFile: string | null;
  /** The directory of a server that was started there. */
  readonly persistTo: string | null;
}

export interface FoundSecret {
  readonly secret: string;
  /** Names it in a sentence for the terminal. */
  readonly name: string;
}

/** Where `npm run serve` and `npm run dev` keep their data unless told otherwise. */
const DEFAULT_DIRS = ["serve", "state"].map((name) => join(PROJECT_DIR, ".wrangler", name));

/**
 * The secrets that may be the server's, the likeliest first: what the command line names, AUTH_SECRET of the environment,
 * and for a server on this machine those of the default directories. Empty if there is none. Throws a sentence for the
 * terminal if there is none where the command line says.
 */
export async function operatorSecrets(
  url: URL,
  { secretFile, persistTo }: SecretPlaces,
): Promise<FoundSecret[]> {
  if (secretFile !== null) return [await named(resolve(secretFile), readSecretFile)];
  if (persistTo !== null) return [await named(resolve(persistTo), findSecret)];
  const ofEnvironment = fromEnvironment("AUTH_SECRET");
  if (ofEnvironment !== null) return [{ secret: ofEnvironment, name: "AUTH_SECRET of the environment" }];
  if (!isLoopbackHost(url.hostname)) return [];
  const found: FoundSecret[] = [];
  for (const dir of DEFAULT_DIRS) {
    const secret = await findSecret(dir);
    if (secret !== null) found.push({ secret, name: nameOf(dir) });
  }
  return found;
}

async function named(path: string, read: (path: string) => Promise<string | null>): Promise<FoundSecret> {
  const secret = await read(path).catch((error: unknown) => {
    if (!["ENOENT", "ENOTDIR", "EACCES", "EISDIR"].includes(describeCause(error))) throw error;
    throw new Error(`The secret in "${path}" cannot be read (${describeCause(error)}).`);
  });
  if (secret === null) throw new Error(`There is no secret in "${path}": no server was started with it.`);
  return { secret, name: nameOf(path) };
}

function nameOf(path: string): string {
  return `the secret in "${path}"`;
}
