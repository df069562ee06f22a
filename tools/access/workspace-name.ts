import { parseWorkspace, WORKSPACE_RULE, type Workspace } from "../../src/protocol/access.ts";
import { UsageError } from "../command-line.ts";
import type { Option } from "../command-options.ts";

/** As in wrangler.toml. */
export const DEFAULT_WORKSPACE = "default" as Workspace; // follows the rule

/** The option `--workspace`; null if it is not given. */
export function workspaceName(): Option<Workspace | null> {
  return {
    type: "string",
    read: (name, given) => {
      if (typeof given !== "string") return null;
      const workspace = parseWorkspace(given);
      if (workspace === null) throw new UsageError(`--${name} ${given}: ${WORKSPACE_RULE}`);
      return workspace;
    },
  };
}
