import { parseHosts } from "../../src/protocol/hosts.ts";
import { parseOrigins } from "../../src/protocol/origins.ts";
import type { Option } from "../command-options.ts";
import { orEnvironment } from "./access-mode.ts";

/** The option `--allowed-origins`: origins with commas between them. */
export function allowedOrigins(): Option<string | null> {
  return orEnvironment((text) => parseOrigins(text).fault);
}

/** The option `--allowed-hosts`: host names with commas between them. */
export function allowedHosts(): Option<string | null> {
  return orEnvironment((text) => parseHosts(text).fault);
}
