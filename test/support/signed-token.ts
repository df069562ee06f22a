import type { Role, Workspace } from "../../src/protocol/access.ts";
import { signToken } from "../../src/protocol/tokens.ts";

export interface TokenRights {
  readonly user?: string;
  readonly role?: Role;
  readonly prefixes?: readonly string[] | null;
  readonly lifeMs?: number;
}

/** A token of a user in the workspace `default`, signed with the server's secret. The user's name is its id and "Æ". */
export function signedToken(secret: string, rights: TokenRights = {}): Promise<string> {
  const { user = "ann", role = "editor", prefixes = null, lifeMs = 600_000 } = rights;
  return signToken(secret, {
    kind: "user",
    id: crypto.randomUUID(),
    workspace: "default" as Workspace, // follows the rule of workspaces
    issuedAtMs: Date.now() - 60_000,
    expiresAtMs: Date.now() + lifeMs,
    user: { id: user, name: `${user} Æ`, color: null },
    role,
    prefixes,
    grants: [],
  });
}
