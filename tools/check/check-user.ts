import * as v from "valibot";
import type { Deadline } from "./deadline.ts";
import { show } from "./expect.ts";
import { Server } from "./server.ts";

/** The users whom the checks make tokens for; they have a number behind. */
export const CHECK_USER = "npm run e2e";

/** More than the clients of one check that must be different people. */
const USERS = 8;

/**
 * The server for callers whose sockets show tokens of users without names, if there is a key: a key would give its own
 * name to all clients, and make one person of them. Returns a sentence that says what is wrong if the server does not take
 * the key.
 */
export async function withUserTokens(server: Server, deadline: Deadline): Promise<Server | string> {
  const { url, credential } = server;
  const probe = await server.request(deadline, "GET", "/v1/tags");
  if (probe.status === 401)
    return credential === null
      ? `${url} is closed: give a key of an admin with --key, or in PROMPT_MANAGER_KEY.`
      : `${url} does not take the key: ${show(probe.body)}.`;
  if (probe.status !== 200)
    return `${url} is not ready: GET /v1/tags gives ${probe.status} ${show(probe.body)}.`;
  if (credential === null) return server;
  const tokens: string[] = [];
  for (let number = 1; number <= USERS; number++) {
    const body = { user: { id: `${CHECK_USER} ${number}` }, ttl_seconds: 24 * 60 * 60 };
    const made = await server.request(deadline, "POST", "/v1/tokens", { body });
    const parsed = v.safeParse(v.object({ token: v.string() }), made.body);
    if (made.status !== 201 || !parsed.success)
      return `${url} makes no token for the key: ${made.status} ${show(made.body)}. Give a key, and not a token.`;
    tokens.push(parsed.output.token);
  }
  return new Server(url, credential, tokens);
}
