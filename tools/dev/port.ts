import { parseWhole } from "../command-line.ts";

/** Where a server is to listen; 0 asks for a free port. Throws a `UsageError`. */
export function parsePort(text: string): number {
  return parseWhole("port", text, 0, 65_535);
}
