import { firstSignInLink } from "../access/first-sign-in.ts";
import { DEFAULT_PORT } from "../server-url.ts";
import type { AccessMode } from "./access-mode.ts";

/**
 * The lines that `npm run dev` and `npm run serve` print when their server is up.
 *
 * @param operator a token of the operator
 */
export async function describeSteps(
  url: string,
  { openness }: Pick<AccessMode, "openness">,
  persistTo: string,
  operator: string,
): Promise<string> {
  if (openness !== "") return describeNextSteps(url);
  return describeClosedSteps(url, persistTo, await firstSignInLink(url, operator));
}

/** The steps for a server that needs no key. */
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
  samples  ${commandFor("seed", url)}
  stop     Ctrl-C
`;
}

/**
 * The same for a closed server.
 *
 * @param signInLink null if somebody has a key or an account already
 */
export function describeClosedSteps(url: string, persistTo: string, signInLink: string | null): string {
  const steps = [
    ...(signInLink === null ? [] : [["sign in", `${signInLink}   (an admin; works once)`]]),
    [
      "key",
      `export PROMPT_MANAGER_KEY=$(npm run -s key -- --url ${url} --persist-to ${quoted(persistTo)} --role admin)`,
    ],
    [
      "write",
      `curl -H "Authorization: Bearer $PROMPT_MANAGER_KEY" -X PUT ${url}/v1/fragments/demo/greeting -d '{"content": "Hello!"}'`,
    ],
    ["samples", commandFor("seed", url)],
    ["API", `${url}/docs`],
    ["stop", "Ctrl-C"],
  ];
  const lines = steps.map(([name = "", what = ""]) => `  ${name.padEnd(7)}  ${what}`);
  return `
Prompt Manager is up at ${url}, and closed: it answers nobody without a key, a token or a sign-in.

${lines.join("\n")}
`;
}

/** The command needs the address of any server that is not at the default one. */
function commandFor(command: string, url: string): string {
  const { hostname, port } = new URL(url);
  const isDefault = ["localhost", "127.0.0.1"].includes(hostname) && port === String(DEFAULT_PORT);
  return isDefault ? `npm run ${command}` : `npm run ${command} -- --url ${url}`;
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
