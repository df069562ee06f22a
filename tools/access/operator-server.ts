import * as v from "valibot";
import type { Workspace } from "../../src/protocol/access.ts";
import { AccessServer, operatorToken, ServerRefusal } from "./access-server.ts";
import { environmentCredential } from "./credential.ts";
import { operatorSecrets, type SecretPlaces } from "./operator-secret.ts";
import { DEFAULT_WORKSPACE } from "./workspace-name.ts";

export interface OperatorOptions extends SecretPlaces {
  readonly url: URL;
  /** Of an admin; null to sign a token with the secret. */
  readonly key: string | null;
  /** Null for the default one, or that of the key. */
  readonly workspace: Workspace | null;
}

/**
 * The server as its operator reaches it: with the given key, with a token that the secret has signed, or with the key of the
 * environment. Throws a sentence for the terminal if there is none of these.
 */
export async function operatorServer(options: OperatorOptions): Promise<AccessServer> {
  const { url, key, workspace } = options;
  if (key !== null) return serverOfKey(url, key, workspace);
  const secrets = await operatorSecrets(url, options);
  const tokens = secrets.map((secret) => operatorToken(secret, workspace ?? DEFAULT_WORKSPACE));
  const servers = (await Promise.all(tokens)).map((token) => new AccessServer(url, token));
  for (const server of servers.slice(0, -1)) if (await accepts(server)) return server;
  const last = servers.at(-1);
  if (last !== undefined) return last;
  const ofEnvironment = environmentCredential();
  if (ofEnvironment !== null) return serverOfKey(url, ofEnvironment, workspace);
  throw new Error(
    `The secret of ${url.origin} is not known. Set AUTH_SECRET, or name its file with --secret-file, or the directory of the server with --persist-to, or give a key of an admin with --key.`,
  );
}

/** A key says its workspace itself. */
function serverOfKey(url: URL, key: string, workspace: Workspace | null): AccessServer {
  const [, ofKey] = /^pm_([^_]+)_/.exec(key) ?? [];
  if (workspace !== null && ofKey !== undefined && ofKey !== workspace)
    throw new Error(`The key is of the workspace "${ofKey}", and --workspace says "${workspace}".`);
  return new AccessServer(url, key);
}

async function accepts(server: AccessServer): Promise<boolean> {
  try {
    await server.call(v.unknown(), "GET", "/v1/keys?limit=1");
    return true;
  } catch (error) {
    if (error instanceof ServerRefusal && error.status === 401) return false;
    throw error;
  }
}
