import { Hono } from "hono";
import type { AppEnv } from "../app.ts";

/** The worker runs and routes. It asks no fragment: one that fails is that fragment's matter. */
export const health = new Hono<AppEnv>().get("/healthz", (c) => c.json({ status: "ok" }));
