import type { Context } from "hono";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

export function upgradeRequired(c: Context<AppEnv>): Response {
  c.header("Upgrade", "websocket");
  return problem(c, "upgrade_required", "This address is a WebSocket; connect with `Upgrade: websocket`.");
}
