import { Hono } from "hono";
import type { AppEnv } from "../app.ts";
import { describe } from "../description/describe.ts";
import { catalogueStub } from "../objects/catalogue-stub.ts";
import { parseEventsRequest } from "../objects/events-request.ts";
import { DEFAULT_WORKSPACE } from "../objects/fragment-stub.ts";
import { problem } from "../problem.ts";

/** `/v1/events`: what happens to the fragments, as server-sent events or over a WebSocket. */
export const events: Hono<AppEnv> = new Hono<AppEnv>().get(
  "/v1/events",
  describe("streamEvents"),
  async (c) => {
    if (parseEventsRequest(c.req.raw) === null) {
      c.header("Access-Control-Allow-Origin", "*");
      return problem(c, "invalid_query", "Last-Event-ID: must be the id of an event.");
    }
    const answer = await catalogueStub(c.env, DEFAULT_WORKSPACE).fetch(c.req.raw);
    // A 101 passes as it is: its headers cannot be changed.
    if (answer.status === 101) return answer;
    const stream = new Response(answer.body, answer);
    stream.headers.set("Access-Control-Allow-Origin", "*");
    return stream;
  },
);
