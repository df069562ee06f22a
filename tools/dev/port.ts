import { parseWhole } from "../command-line.ts";

/** The port of a server; 0 asks for a free one. Throws a `UsageError`. */
export function parsePort(text: string): number {
  return parseWhole("port", text, 0, 65_535);
}
