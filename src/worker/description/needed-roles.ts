import type { Role } from "../../protocol/access.ts";
import type { OperationId } from "./operations.ts";

/**
 * The least role that each operation needs; null for an operation that is for everybody. `operation` refuses callers with
 * a lower one, and the description names it. This only comes first: what a caller may do with a certain fragment, key or
 * user is checked by the object that is asked.
 */
export const NEEDED_ROLES: Readonly<Record<OperationId, Role | null>> = {
  listFragments: "viewer",
  createFragment: "editor",
  getFragment: "viewer",
  putFragment: "editor",
  patchFragment: "editor",
  deleteFragment: "editor",
  renameFragment: "editor",
  listTags: "viewer",
  listFolders: "viewer",
  listDependents: "viewer",
  getCatalogueRebuild: "admin",
  startCatalogueRebuild: "admin",
  streamEvents: "viewer",
  listKeys: "admin",
  makeKey: "admin",
  changeKey: "admin",
  revokeKey: "admin",
  makeToken: "viewer",
  endToken: "viewer",
  listUsers: "admin",
  putUser: "admin",
  blockUser: "admin",
  readAuditLog: "admin",
  getMe: "viewer",
  listInvitations: "admin",
  makeInvitation: "admin",
  withdrawInvitation: "admin",
  listSessions: "viewer",
  endSessions: "viewer",
  endSession: "viewer",
  expandText: "viewer",
  getExpansion: "viewer",
  getHealth: null,
};
