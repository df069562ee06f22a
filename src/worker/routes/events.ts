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
    const isHead = c.req.method === "HEAD";
    // A stream under HEAD never ends and is never given up: a listener is taken in and sent away again.
    const asked = isHead ? new Request(c.req.url) : c.req.raw;
    const answer = await catalogueStub(c.env, DEFAULT_WORKSPACE).fetch(asked);
    // A 101 passes as it is: its headers cannot be changed.
    if (answer.status === 101) return answer;
    if (isHead) await answer.body?.cancel();
    const stream = new Response(isHead ? null : answer.body, answer);
    stream.headers.set("Access-Control-Allow-Origin", "*");
    return stream;
  },
);
