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

/** The access of a user, who stands on a key, on itself and on its token. */
export function userAccess(name: string, rights: Partial<Access> = {}): Access {
  return {
    ...OPEN_ACCESS,
    principal: { id: `user:${name}`, name, color: null },
    role: "editor",
    grants: ["key:backend", `user:${name}`, `token:of-${name}`],
    ...rights,
  };
}
