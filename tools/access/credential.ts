/** The key or token with which a command calls a server. */
import { UsageError } from "../command-line.ts";
import type { Option } from "../command-options.ts";
import { describeProblem } from "../problem.ts";

export const KEY_VARIABLE = "PROMPT_MANAGER_KEY";

/** The line of the option in a usage, with its column. */
export function describeKeyOption(column: number, what = "a key or token"): string {
  return `  ${"--key KEY".padEnd(column)}${what}, for a server that is not open; ${KEY_VARIABLE} unless given`;
}

/**
 * The option `--key`, or else the variable of the environment, where other users of this machine do not see it. Null if
 * neither is given.
 */
export function credential(): Option<string | null> {
  return {
    type: "string",
    read: (name, given) => readCredential(name, given) ?? environmentCredential(name),
  };
}

/** The option `--key` alone, for commands that prefer a secret to the variable. */
export function givenCredential(): Option<string | null> {
  return { type: "string", read: readCredential };
}

/** The key in the environment; null if there is none. */
export function environmentCredential(name = "key"): string | null {
  const text = process.env[KEY_VARIABLE] ?? "";
  return text === "" ? null : readCredential(name, text);
}

function readCredential(name: string, given: unknown): string | null {
  if (typeof given !== "string") return null;
  const text = given.trim();
  if (!/^[\w.-]+$/.test(text))
    throw new UsageError(`--${name} must be a key or token, as the server gave it (or ${KEY_VARIABLE}).`);
  return text;
}

/** The message of a command whose request was answered with 401. */
export function describeUnauthorised(origin: string, key: string | null, body: string): string {
  return key === null
    ? `${origin} is closed: give a key with --key, or in ${KEY_VARIABLE}.`
    : `${origin} does not take the key: ${describeProblem(body)}`;
}

/** The headers that show the key; none without a key. */
export function authorization(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}
