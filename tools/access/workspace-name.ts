import { parseWorkspace, WORKSPACE_RULE, type Workspace } from "../../src/protocol/access.ts";
import { UsageError } from "../command-line.ts";
import { type Option, parsed } from "../command-options.ts";

/** As in wrangler.toml. */
export const DEFAULT_WORKSPACE = "default";

/** The option `--workspace`. */
export function workspaceName(): Option<Workspace> {
  return parsed(DEFAULT_WORKSPACE, (name) => {
    const workspace = parseWorkspace(name);
    if (workspace === null) throw new UsageError(`--workspace ${name}: ${WORKSPACE_RULE}`);
    return workspace;
  });
}
