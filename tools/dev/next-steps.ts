import { DEFAULT_PORT } from "../server-url.ts";

/** What to try on a server that has just come up: the same words for `npm run dev` and `npm run serve`. */
export function describeNextSteps(url: string): string {
  const socketUrl = url.replace(/^http/, "ws");
  return `
Prompt Manager is up at ${url}

  write    curl -X PUT ${url}/v1/fragments/team/greeting \\
             -H "content-type: application/json" -d '{"content": "Hello, [[team/name]]!"}'
  expand   curl ${url}/v1/expansions/team/greeting
  socket   ${socketUrl}/v1/ws/team/greeting?create=1   (JSON)
  Yjs      ${socketUrl}/v1/sync   (y-websocket; the room is the fragment's id)
  samples  ${seedCommand(url)}
  stop     Ctrl-C
`;
}

/** Without an address it finds the default port only, and there perhaps another server. */
function seedCommand(url: string): string {
  const { hostname, port } = new URL(url);
  const isDefault = ["localhost", "127.0.0.1"].includes(hostname) && port === DEFAULT_PORT;
  return isDefault ? "npm run seed" : `npm run seed -- --url ${url}`;
}
