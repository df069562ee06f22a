import { DEFAULT_PORT } from "../server-url.ts";

/** The lines that `npm run dev` and `npm run serve` print when their server is up. */
export function describeNextSteps(url: string): string {
  const socketUrl = url.replace(/^http/, "ws");
  return `
Prompt Manager is up at ${url}

  look     ${url}/ in a browser
  write    curl -X PUT ${url}/v1/fragments/demo/greeting -d '{"content": "Hello, [[demo/name]]!"}'
  expand   curl ${url}/v1/expansions/demo/greeting
  edit     npx wscat -c '${socketUrl}/v1/ws/demo/greeting?create=1'
  Yjs      ${socketUrl}/v1/sync   (y-websocket; the room is the fragment's id)
  API      ${url}/docs
  samples  ${seedCommand(url)}
  stop     Ctrl-C
`;
}

/** The command needs the address of any server that is not at the default one. */
function seedCommand(url: string): string {
  const { hostname, port } = new URL(url);
  const isDefault = ["localhost", "127.0.0.1"].includes(hostname) && port === String(DEFAULT_PORT);
  return isDefault ? "npm run seed" : `npm run seed -- --url ${url}`;
}
