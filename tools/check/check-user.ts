import * as v from "valibot";
import type { Deadline } from "./deadline.ts";
import { show } from "./expect.ts";
import { Server } from "./server.ts";

/** The user whom the checks make tokens for. It has no name, so that each client of a check can choose its own. */
export const CHECK_USER = "npm run e2e";

/**
 * The server for callers whose sockets show a token of a user without a name, if there is a key: a key would give its own
 * name to them all. Returns a sentence that says what is wrong if the server does not take the key.
 */
export async function withSocketToken(server: Server, deadline: Deadline): Promise<Server | string> {
  const { url, credential } = server;
  const probe = await server.request(deadline, "GET", "/v1/tags");
  if (probe.status === 401)
    return credential === null
      ? `${url} is closed: give a key of an admin with --key, or in PROMPT_MANAGER_KEY.`
      : `${url} does not take the key: ${show(probe.body)}.`;
  if (probe.status !== 200)
    return `${url} is not ready: GET /v1/tags gives ${probe.status} ${show(probe.body)}.`;
  if (credential === null) return server;
  const body = { user: { id: CHECK_USER }, ttl_seconds: 24 * 60 * 60 };
  const made = await server.request(deadline, "POST", "/v1/tokens", { body });
  const parsed = v.safeParse(v.object({ token: v.string() }), made.body);
  if (made.status === 201 && parsed.success) return new Server(url, credential, parsed.output.token);
  return `${url} makes no token for the key: ${made.status} ${show(made.body)}. Give a key, and not a token.`;
}
