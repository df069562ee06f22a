/** The command line of `npm run e2e`. */
import { credential, describeKeyOption } from "../access/credential.ts";
import { type Command, UsageError } from "../command-line.ts";
import { decimal, flag, parsed, parseOptions, texts } from "../command-options.ts";
import { DEFAULT_SERVER_URL, parseServerUrl } from "../server-url.ts";
import type { Group } from "./check.ts";

export interface Options {
  readonly url: URL;
  /** Of an admin; null for an open server. */
  readonly key: string | null;
  readonly groups: readonly Group[];
  readonly isJson: boolean;
  /** For one check. */
  readonly timeoutMs: number;
}

const MIN_TIMEOUT_S = 0.1;
const MAX_TIMEOUT_S = 600;

/** @param groups all groups, in the order of the run */
export function describeCommand(groups: readonly Group[]): Command<Options> {
  return {
    name: "npm run e2e",
    usage: describeUsage(groups),
    parse: (args) => parse(args, groups),
  };
}

function parse(args: readonly string[], groups: readonly Group[]): Options {
  const { url, key, only, json, timeout } = parseOptions(args, {
    url: parsed(DEFAULT_SERVER_URL, parseServerUrl),
    key: credential(),
    only: texts(),
    json: flag(),
    timeout: decimal(10, MIN_TIMEOUT_S, MAX_TIMEOUT_S),
  });
  return { url, key, groups: chooseGroups(only, groups), isJson: json, timeoutMs: timeout * 1000 };
}

/** The groups whose names are, or begin with, one of `names`; all groups if `names` is empty. */
function chooseGroups(names: readonly string[], groups: readonly Group[]): readonly Group[] {
  if (names.length === 0) return groups;
  const chosen = new Set<Group>();
  for (const name of names) {
    const exact = groups.filter((group) => group.name === name);
    const found = exact.length > 0 ? exact : groups.filter((group) => group.name.startsWith(name));
    if (name === "" || found.length === 0) {
      const known = groups.map((group) => group.name).join(", ");
      throw new UsageError(`There is no group "${name}". Groups: ${known}.`);
    }
    for (const group of found) chosen.add(group);
  }
  return groups.filter((group) => chosen.has(group));
}

function describeUsage(groups: readonly Group[]): string {
  const counts = groups.map(({ name, checks }) => `  ${name.padEnd(14)} ${checks.length} checks`);
  return `Usage: npm run e2e -- [--url URL] [--key KEY] [--only GROUP]... [--timeout SECONDS] [--json]

Checks a running server from outside, over HTTP and WebSockets. It makes fragments in a folder of its own and deletes
them afterwards.

  --url URL          the server, such as https://prompts.example.com; ${DEFAULT_SERVER_URL} unless given
${describeKeyOption(19, "a key of an admin")}
  --only GROUP       run this group only, or the groups whose names begin with GROUP; may be given several times
  --timeout SECONDS  limit for one check; 10 unless given
  --json             print the report as one JSON document

Groups:
${counts.join("\n")}

Exit code: 0 if all checks passed, 1 if one failed or no server answers, 2 for a wrong command line.`;
}
