import { Hono } from "hono";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";

/** The worker runs and routes. It asks no fragment: one that fails is that fragment's matter. */
export const health: Hono<AppEnv> = new Hono<AppEnv>().get("/healthz", operation("getHealth"), (c) =>
  c.json({ status: "ok" }),
);
