import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { app } from "../../src/worker/app.ts";
import { TEST_SECRET } from "../support/test-secret.ts";

/** Variables and secrets of a deployment; those that are absent are as in wrangler.toml. */
export type Settings = Partial<
  Record<
    | "OPEN_ACCESS"
    | "ANONYMOUS_ROLE"
    | "ANONYMOUS_WORKSPACE"
    | "ALLOWED_ORIGINS"
    | "ALLOWED_HOSTS"
    | "AUTH_SECRET"
    | "AUTH_SECRET_OLD",
    string
  >
>;

/** Asks a server with these settings, which has the objects of all other tests of the file. */
export function callWith(
  settings: Settings,
  method: string,
  /** A path, or an address with another host. */
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<Response> {
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  const url = new URL(path, "http://localhost");
  // The types of the variables are what wrangler.toml says.
  const bindings = { ...env, AUTH_SECRET: TEST_SECRET, ...settings } as unknown as Env;
  return Promise.resolve(app.fetch(new Request(url, init), bindings, createExecutionContext()));
}

/** The code with which a socket was refused. */
export async function closeOf(response: Response): Promise<number> {
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no socket, but ${response.status}`);
  const closed = new Promise<CloseEvent>((settle) => socket.addEventListener("close", settle));
  socket.accept();
  return (await closed).code;
}
