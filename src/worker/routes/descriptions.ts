import { Hono } from "hono";
import type { AppEnv } from "../app.ts";
import { describeSockets } from "../description/asyncapi.ts";
import { describeRest } from "../description/openapi.ts";

/** What there is, for programs and for people. The description of REST is made when it is first asked for. */
export function descriptions(app: () => Hono<AppEnv>): Hono<AppEnv> {
  let rest: ReturnType<typeof describeRest> | null = null;
  const describeRestOnce = () => {
    rest ??= describeRest(app());
    return rest;
  };
  return new Hono<AppEnv>()
    .get("/openapi.json", async (c) => c.json(await describeRestOnce()))
    .get("/asyncapi.json", (c) => c.json(describeSockets(new URL(c.req.url))));
}
