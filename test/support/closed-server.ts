import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { parseWorkspace } from "../../src/protocol/access.ts";
import { AccessServer, operatorToken } from "../../tools/access/access-server.ts";
import { type ServerOptions, type ServerProcess, startServer } from "../../tools/dev/server-process.ts";

/** A server that is closed, and a key of an admin. */
export interface ClosedServer extends ServerProcess {
  readonly secret: string;
  readonly key: string;
  /** Makes a key as the operator does, and the workspace if there is none of this name. */
  makeKey(fields?: KeyFields): Promise<string>;
}

interface KeyFields {
  readonly workspace?: string;
  readonly name?: string;
  readonly role?: string;
  readonly prefixes?: readonly string[] | null;
  readonly expires_at?: string;
}

export async function startClosedServer(
  persistTo: string,
  options: Partial<ServerOptions> = {},
): Promise<ClosedServer> {
  const secret = randomBytes(32).toString("base64");
  const server = await startServer({
    persistTo,
    ...options,
    vars: { OPEN_ACCESS: "", ...options.vars },
    secrets: { AUTH_SECRET: secret },
  });
  const makeKey = async ({ workspace = "default", ...fields }: KeyFields = {}) => {
    const name = parseWorkspace(workspace);
    if (name === null) throw new Error(`no workspace can be called ${workspace}`);
    const operator = new AccessServer(new URL(server.url), await operatorToken(secret, name));
    const body = { name: "a test", role: "admin", ...fields };
    const { key } = await operator.call(v.object({ key: v.string() }), "POST", "/v1/keys", body);
    return key;
  };
  try {
    return { ...server, secret, key: await makeKey(), makeKey };
  } catch (error) {
    await server.kill();
    throw error;
  }
}
