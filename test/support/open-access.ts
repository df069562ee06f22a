import { type Access, ANONYMOUS, type Workspace } from "../../src/protocol/access.ts";

/** The access of a caller of an open server: everything in the workspace `default`. */
export const OPEN_ACCESS: Access = {
  workspace: "default" as Workspace, // follows the rule of workspaces
  principal: ANONYMOUS,
  role: "admin",
  prefixes: null,
  expiresAtMs: null,
  grants: [],
};
