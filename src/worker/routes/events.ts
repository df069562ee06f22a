import { Hono } from "hono";
import { refreshCaller } from "../access/caller/caller.ts";
import { EVENT_STREAM_HEADERS } from "../catalogue/event-listeners.ts";
import { encodeEventsRequest, readEventsRequest } from "../catalogue/events-request.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { catalogueOf } from "../http/objects.ts";
import { problem } from "../http/problem.ts";

/** `/v1/events`: changes of the fragments, as server-sent events or over a WebSocket. */
export const events: Hono<AppEnv> = new Hono<AppEnv>().get(
  "/v1/events",
  operation("streamEvents"),
  refreshCaller,
  async (c) => {
    const asked = readEventsRequest(c.req.raw, c.get("access"));
    if (asked === null) return problem(c, "invalid_query", "Last-Event-ID: must be the id of an event.");
    // A stream that nobody reads would never end.
    if (c.req.raw.method === "HEAD") return new Response(null, { headers: EVENT_STREAM_HEADERS });
    const answer = await catalogueOf(c).fetch(encodeEventsRequest(asked));
    // A 101 passes as it is: its headers cannot be changed.
    return answer.status === 101 ? answer : new Response(answer.body, answer);
  },
);
