/** The key or token with which a command calls a server. */
import { UsageError } from "../command-line.ts";
import type { Option } from "../command-options.ts";

export const KEY_VARIABLE = "PROMPT_MANAGER_KEY";

/** The line of the option in a usage, with its column. */
export function describeKeyOption(column: number): string {
  return `  ${"--key KEY".padEnd(column)}a key or token, for a server that is not open; ${KEY_VARIABLE} unless given`;
}

/**
 * The option `--key`, or else the variable of the environment, where other users of this machine do not see it. Null if
 * neither is given.
 */
export function credential(): Option<string | null> {
  return {
    type: "string",
    read: (name, given) => {
      const text = (typeof given === "string" ? given : (process.env[KEY_VARIABLE] ?? "")).trim();
      if (text === "" && given !== undefined) throw new UsageError(`--${name} must not be empty.`);
      if (!/^[\w.-]*$/.test(text))
        throw new UsageError(`--${name} must be a key or token, as the server gave it.`);
      return text === "" ? null : text;
    },
  };
}

/** The headers that show the key; none without a key. */
export function authorization(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}
