/** The access to a server of `npm run dev` or `npm run serve`, as its command line and the environment set it. */
import { parseWorkspace, WORKSPACE_RULE, type Workspace } from "../../src/protocol/access.ts";
import { isLoopbackHost } from "../../src/protocol/hosts.ts";
import { DEFAULT_WORKSPACE } from "../access/workspace-name.ts";
import { UsageError } from "../command-line.ts";
import type { Option } from "../command-options.ts";

/** The values of the worker's variable OPEN_ACCESS. */
export type Openness = "" | "loopback" | "anyone";

export interface AccessMode {
  readonly openness: Openness;
  /** Of callers without a key, and of the first admin. */
  readonly workspace: Workspace;
  /** Variables of the worker, over those of wrangler.toml. */
  readonly vars: Readonly<Record<string, string>>;
}

/** The options of both commands. An option that is not given is false or null. */
export interface AccessOptions {
  readonly closed: boolean;
  readonly "anonymous-role": string | null;
  readonly "anonymous-workspace": string | null;
  readonly "allowed-origins": string | null;
  readonly "allowed-hosts": string | null;
}

/** The variables of the worker that options set; the environment sets them where no option does. */
const VARIABLES = {
  "anonymous-role": "ANONYMOUS_ROLE",
  "anonymous-workspace": "ANONYMOUS_WORKSPACE",
  "allowed-origins": "ALLOWED_ORIGINS",
  "allowed-hosts": "ALLOWED_HOSTS",
} as const;

/**
 * A server that only this machine reaches is open, and every other one is closed.
 *
 * @param host the address that the server listens on
 * @throws a `UsageError` for options that contradict each other
 */
export function accessMode(host: string, isOpen: boolean, options: AccessOptions): AccessMode {
  if (isOpen && options.closed) throw new UsageError("--open and --closed exclude each other.");
  const openness = opennessOf(host, isOpen, options.closed);
  const given = Object.entries(VARIABLES).flatMap(([option, variable]) => {
    const value = options[option as keyof typeof VARIABLES]; // its own keys
    return value === null ? [] : [[variable, value] as const];
  });
  const ofProvider = Object.entries(process.env).flatMap(([name, value = ""]) =>
    name.startsWith("IDENTITY_") ? [[name, value] as const] : [],
  );
  const vars: Record<string, string> = Object.fromEntries([...ofProvider, ...given]);
  if (openness !== "" && !["", "none"].includes(vars["ANONYMOUS_ROLE"] ?? "")) {
    throw new UsageError(
      "--anonymous-role (ANONYMOUS_ROLE) is for a closed server; this one is open, and everybody is an admin. Add --closed.",
    );
  }
  const workspace = parseWorkspace(vars["ANONYMOUS_WORKSPACE"] ?? DEFAULT_WORKSPACE);
  if (workspace === null) throw new Error("the option was not checked");
  return { openness, workspace, vars: { ...vars, OPEN_ACCESS: openness } };
}

function opennessOf(host: string, isOpen: boolean, isClosed: boolean): Openness {
  if (isOpen) return "anyone";
  return isClosed || !isLoopbackHost(host) ? "" : "loopback";
}

/** The option `--anonymous-role`; null if neither it nor its variable is given. */
export function anonymousRole(): Option<string | null> {
  return orEnvironment((text) =>
    ["none", "viewer", "editor"].includes(text) ? null : `${text}: must be none, viewer or editor.`,
  );
}

/** The option `--anonymous-workspace`. */
export function anonymousWorkspace(): Option<string | null> {
  return orEnvironment((text) => (parseWorkspace(text) === null ? `${text}: ${WORKSPACE_RULE}` : null));
}

/**
 * An option that a variable of the environment sets too: `--allowed-hosts`, ALLOWED_HOSTS. Null if neither is given.
 *
 * @param faultOf what is wrong with a value; null if nothing is
 */
export function orEnvironment(faultOf: (text: string) => string | null): Option<string | null> {
  return {
    type: "string",
    read: (name, given) => {
      const variable = name.replaceAll("-", "_").toUpperCase();
      const isOption = typeof given === "string";
      const text = isOption ? given : (process.env[variable] ?? "");
      if (text === "" && !isOption) return null;
      const fault = faultOf(text);
      if (fault !== null) throw new UsageError(`${isOption ? `--${name}` : variable} ${fault}`);
      return text;
    },
  };
}
