import { Hono } from "hono";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";

/** Says that the worker runs and routes. No fragment is asked: the failure of one says nothing about the others. */
export const health: Hono<AppEnv> = new Hono<AppEnv>().get("/healthz", operation("getHealth"), (c) =>
  c.json({ status: "ok" }),
);
