import { parseOrigins } from "../../src/protocol/origins.ts";
import { UsageError } from "../command-line.ts";

/** A scheme and a host, and perhaps a port: the form in which browsers send the origin of a page. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#,@]+$/;

/** The value of the worker's variable ALLOWED_ORIGINS: origins with commas between them; empty for all. Throws a
 * `UsageError`. */
export function parseAllowedOrigins(text: string): string {
  const origins = parseOrigins(text);
  const wrong = origins.find((one) => !ORIGIN.test(one));
  if (wrong !== undefined)
    throw new UsageError(`--allowed-origins ${wrong}: must be origins such as https://prompts.example.com.`);
  return origins.join(",");
}
