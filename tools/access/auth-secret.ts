/**
 * The secret of a server on this machine. It is in a file of its storage directory, which only the user of the server can
 * read, and is made once. `AUTH_SECRET` of the environment wins over it. No command prints a secret.
 */
import { randomBytes } from "node:crypto";
import { chmod, link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { secretFault } from "../../src/protocol/auth-secret.ts";
import { describeCause } from "../server-url.ts";

const SECRET_FILE = "auth-secret";
const OWNER_ONLY = 0o600;

/** The secrets of a worker, by the names of their bindings. */
export interface AuthSecrets {
  readonly AUTH_SECRET: string;
  /** Verifies what was signed before the secret was changed. */
  readonly AUTH_SECRET_OLD?: string;
}

/** The secrets for a server that keeps its data in `dir`, which must be there. Makes a secret if there is none. */
export async function claimSecrets(dir: string): Promise<AuthSecrets> {
  const old = fromEnvironment("AUTH_SECRET_OLD");
  const secret = fromEnvironment("AUTH_SECRET") ?? (await claimSecretFile(dir));
  return { AUTH_SECRET: secret, ...(old === null ? {} : { AUTH_SECRET_OLD: old }) };
}

/** The secret of a server that was started before; null if there is none. */
export async function findSecret(dir: string): Promise<string | null> {
  try {
    return await readSecretFile(join(dir, SECRET_FILE));
  } catch (error) {
    if (describeCause(error) === "ENOENT") return null;
    throw error;
  }
}

/** Null if the variable is not set. Throws a sentence for the terminal if it is no secret. */
export function fromEnvironment(name: keyof AuthSecrets): string | null {
  const text = process.env[name]?.trim() ?? "";
  return text === "" ? null : checked(text, `${name} of the environment`);
}

/** Throws a sentence for the terminal if the file is not there, or holds no secret. */
export async function readSecretFile(path: string): Promise<string> {
  return checked((await readFile(path, "utf8")).trim(), `The secret in "${path}"`);
}

async function claimSecretFile(dir: string): Promise<string> {
  const path = join(dir, SECRET_FILE);
  const known = await findSecret(dir);
  if (known !== null) {
    await hide(path);
    return known;
  }
  const staging = `${path}.${process.pid}`;
  await writeFile(staging, `${randomBytes(32).toString("base64")}\n`, { mode: OWNER_ONLY, flag: "wx" });
  try {
    await link(staging, path); // fails if the file is there by now, and never leaves half of it
  } catch (error) {
    if (describeCause(error) !== "EEXIST") throw error;
  } finally {
    await rm(staging, { force: true });
  }
  return await readSecretFile(path);
}

/** A copy or a backup may have opened the file to others. */
async function hide(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) await chmod(path, OWNER_ONLY);
}

function checked(secret: string, what: string): string {
  const fault = secretFault(secret);
  if (fault !== null) throw new Error(`${what} ${fault}. Make one with: openssl rand -base64 32`);
  return secret;
}
