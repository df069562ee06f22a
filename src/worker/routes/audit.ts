import { Hono } from "hono";
import { AuditQuerySchema } from "../../protocol/audit.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { accessObjectOf } from "../http/objects.ts";
import { refuse } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";

/** `/v1/audit`: what was done in the workspace. */
export const auditLog: Hono<AppEnv> = new Hono<AppEnv>().get(
  "/v1/audit",
  operation("readAuditLog"),
  async (c) => {
    const query = readQuery(c, AuditQuerySchema);
    if (!query.ok) return refuse(c, query.refusal);
    const page = await accessObjectOf(c).auditLog(c.get("access"), query.value);
    return page.ok ? c.json(page.value) : refuse(c, page.refusal);
  },
);
