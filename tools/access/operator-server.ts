import * as v from "valibot";
import type { Workspace } from "../../src/protocol/access.ts";
import { AccessServer, operatorToken, ServerRefusal } from "./access-server.ts";
import { operatorSecrets, type SecretPlaces } from "./operator-secret.ts";

export interface OperatorOptions extends SecretPlaces {
  readonly url: URL;
  /** Of an admin; null to sign a token with the secret. */
  readonly key: string | null;
  readonly workspace: Workspace;
}

/** The server as its operator reaches it: with a key, or with a token that the secret has signed. */
export async function operatorServer(options: OperatorOptions): Promise<AccessServer> {
  const { url, key, workspace } = options;
  if (key !== null) return new AccessServer(url, key);
  const secrets = await operatorSecrets(url, options);
  const servers = await Promise.all(
    secrets.map(async (secret) => new AccessServer(url, await operatorToken(secret, workspace))),
  );
  for (const server of servers.slice(0, -1)) if (await accepts(server)) return server;
  const last = servers.at(-1);
  if (last === undefined) throw new Error("there is no secret");
  return last;
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
