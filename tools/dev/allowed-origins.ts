import { parseOrigins } from "../../src/protocol/origins.ts";
import { UsageError } from "../command-line.ts";
import type { Option } from "../command-options.ts";

/** A scheme, a host and perhaps a port: the form in which browsers send the origin of a page. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#,@]+$/;

/**
 * The option `--allowed-origins`: the value of the worker's variable ALLOWED_ORIGINS, origins with commas between them;
 * empty for all. Null if the option is not given.
 */
export function allowedOrigins(): Option<string | null> {
  return {
    type: "string",
    read: (name, given) => (typeof given === "string" ? parseAllowedOrigins(name, given) : null),
  };
}

function parseAllowedOrigins(option: string, text: string): string {
  const origins = parseOrigins(text);
  const wrong = origins.find((one) => !ORIGIN.test(one));
  if (wrong !== undefined)
    throw new UsageError(`--${option} ${wrong}: must be origins such as https://prompts.example.com.`);
  return origins.join(",");
}
