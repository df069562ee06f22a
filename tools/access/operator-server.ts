import * as v from "valibot";
import type { Workspace } from "../../src/protocol/access.ts";
import { AccessServer, operatorToken, ServerRefusal } from "./access-server.ts";
import { environmentCredential, KEY_VARIABLE } from "./credential.ts";
import { operatorSecrets, type SecretPlaces } from "./operator-secret.ts";
import { DEFAULT_WORKSPACE } from "./workspace-name.ts";

export interface OperatorOptions extends SecretPlaces {
  readonly url: URL;
  /** Of an admin; null to sign a token with the secret. */
  readonly key: string | null;
  /** Null for the default one, or that of the key. */
  readonly workspace: Workspace | null;
}

const HOW_TO_COME_IN =
  "Set AUTH_SECRET, or name its file with --secret-file, or the directory of the server with --persist-to, or give a key of an admin with --key.";

/**
 * The server as its operator reaches it: with the given key, or else with the first that it takes of the secrets, each of
 * which signs a token, and the key of the environment. A place that the command line names is the only one. Throws a
 * sentence for the terminal if the server takes none of these.
 */
export async function operatorServer(options: OperatorOptions): Promise<AccessServer> {
  const { url, key, workspace, secretFile, persistTo } = options;
  if (key !== null) return serverOfKey(url, key, workspace);
  const refused: string[] = [];
  for (const { secret, name } of await operatorSecrets(url, options)) {
    const server = new AccessServer(url, await operatorToken(secret, workspace ?? DEFAULT_WORKSPACE));
    if (await accepts(server)) return server;
    refused.push(name);
  }
  const ofEnvironment = secretFile === null && persistTo === null ? environmentCredential() : null;
  if (ofEnvironment !== null) {
    const server = serverOfKey(url, ofEnvironment, workspace);
    if (await accepts(server)) return server;
    refused.push(`the key in ${KEY_VARIABLE}`);
  }
  const fault =
    refused.length === 0
      ? `The secret of ${url.origin} is not known.`
      : `${url.origin} does not take ${refused.join(", nor ")}.`;
  throw new Error(`${fault} ${HOW_TO_COME_IN}`);
}

/** A key says its workspace itself. */
function serverOfKey(url: URL, key: string, workspace: Workspace | null): AccessServer {
  const [, ofKey] = /^pm_([^_]+)_/.exec(key) ?? [];
  if (workspace !== null && ofKey !== undefined && ofKey !== workspace)
    throw new Error(`The key is of the workspace "${ofKey}", and --workspace says "${workspace}".`);
  return new AccessServer(url, key);
}

/** Whether the credential is valid. Other refusals are errors. */
async function accepts(server: AccessServer): Promise<boolean> {
  try {
    await server.call(v.unknown(), "GET", "/v1/keys?limit=1");
    return true;
  } catch (error) {
    if (error instanceof ServerRefusal && error.status === 401) return false;
    throw error;
  }
}
