import { parseHosts } from "../../src/protocol/hosts.ts";
import { parseOrigins } from "../../src/protocol/origins.ts";
import { UsageError } from "../command-line.ts";
import type { Option } from "../command-options.ts";

/** The options `--allowed-origins` and `--allowed-hosts`: values of the worker's variables of the same names. */

/** Origins with commas between them; null if the option is not given. */
export function allowedOrigins(): Option<string | null> {
  return list((text) => parseOrigins(text).fault);
}

/** Host names with commas between them; null if the option is not given. */
export function allowedHosts(): Option<string | null> {
  return list((text) => parseHosts(text).fault);
}

function list(faultOf: (text: string) => string | null): Option<string | null> {
  return {
    type: "string",
    read: (name, given) => {
      if (typeof given !== "string") return null;
      const fault = faultOf(given);
      if (fault !== null) throw new UsageError(`--${name} ${fault}`);
      return given;
    },
  };
}
