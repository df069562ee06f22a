import { Hono } from "hono";
import type { AppEnv } from "../app.ts";
import { describe } from "../description/describe.ts";

/** The worker runs and routes. It asks no fragment: one that fails is that fragment's matter. */
export const health: Hono<AppEnv> = new Hono<AppEnv>().get("/healthz", describe("getHealth"), (c) =>
  c.json({ status: "ok" }),
);
