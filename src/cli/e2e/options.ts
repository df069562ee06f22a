/** What the command line says. */
import { parseArgs } from "node:util";
import type { Group } from "./check.ts";

export interface Options {
  readonly url: URL;
  readonly groups: readonly Group[];
  readonly isJson: boolean;
  /** For one check. */
  readonly timeoutMs: number;
}

export type ParsedOptions =
  | { readonly kind: "options"; readonly options: Options }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly message: string };

const MAX_TIMEOUT_S = 600;

/** @param args without the program's own name; @param groups all that there are, in their order */
export function parseOptions(args: readonly string[], groups: readonly Group[]): ParsedOptions {
  let values: { url?: string; json: boolean; only: string[]; timeout: string; help: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        url: { type: "string" },
        json: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        timeout: { type: "string", default: "10" },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return { kind: "help", text: describeUsage(groups) };
  if (values.url === undefined)
    return wrong("Which server? Name it with --url, as in --url http://localhost:8081.");
  const url = URL.parse(values.url);
  if (url === null || !/^https?:$/.test(url.protocol) || !isOrigin(url)) {
    return wrong(`--url must be an http or https address without a path, not "${values.url}".`);
  }
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_S)) {
    return wrong(`--timeout must be a number of seconds up to ${MAX_TIMEOUT_S}, not "${values.timeout}".`);
  }
  const chosen = chooseGroups(values.only, groups);
  if (typeof chosen === "string") return wrong(chosen);
  const options = { url, groups: chosen, isJson: values.json, timeoutMs: seconds * 1000 };
  return { kind: "options", options };
}

/** The groups of these names, or that begin with them; all if none is named. A sentence where one is not known. */
function chooseGroups(names: readonly string[], groups: readonly Group[]): readonly Group[] | string {
  if (names.length === 0) return groups;
  const chosen = new Set<Group>();
  for (const name of names) {
    const exact = groups.filter((group) => group.name === name);
    const found = exact.length > 0 ? exact : groups.filter((group) => group.name.startsWith(name));
    if (name === "" || found.length === 0) {
      return `There is no group "${name}". Groups: ${groups.map((group) => group.name).join(", ")}.`;
    }
    for (const group of found) chosen.add(group);
  }
  return groups.filter((group) => chosen.has(group));
}

/** The server's addresses begin at its root. */
function isOrigin({ pathname, search, hash, username, password }: URL): boolean {
  return pathname === "/" && search === "" && hash === "" && username === "" && password === "";
}

function wrong(message: string): ParsedOptions {
  return { kind: "wrong", message: `${message}\nTry "npm run e2e -- --help".` };
}

function describeUsage(groups: readonly Group[]): string {
  const counts = groups.map(({ name, checks }) => `  ${name.padEnd(14)} ${checks.length} checks`);
  return `npm run e2e -- --url URL [--only GROUP]... [--timeout SECONDS] [--json]

Checks a running Prompt Manager from outside, over HTTP and WebSockets. Fragments are made in a folder of their own,
and deleted afterwards.

  --url URL          the server, as in http://localhost:8081 or https://prompts.example.com
  --only GROUP       this group of checks, or those that begin so; may be given several times
  --timeout SECONDS  for one check; 10 unless given
  --json             the report as one JSON document

Groups:
${counts.join("\n")}

Exit code: 0 when all checks passed, 1 when one failed or no server answers, 2 for a wrong command line.
`;
}
