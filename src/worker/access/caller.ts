import type { Context, Next } from "hono";
import { type Access, ANONYMOUS, type Workspace } from "../../protocol/access.ts";
import type { AppEnv } from "../http/app-env.ts";

/** Makes the caller's access, once per request. Everything behind it takes the access from the context. */
export async function makeCaller(c: Context<AppEnv>, next: Next): Promise<void> {
  c.set("access", openAccess());
  await next();
}

/** The access of everybody on an open server. */
function openAccess(): Access {
  return {
    workspace: "default" as Workspace, // follows the rule of workspaces
    principal: ANONYMOUS,
    role: "admin",
    prefixes: null,
    expiresAtMs: null,
    grants: [],
  };
}
