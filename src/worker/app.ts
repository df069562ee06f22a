import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { recordRefusals } from "./access/audit/audit-refusals.ts";
import { makeCaller, requireSettings } from "./access/caller/caller.ts";
import { limitRequests } from "./access/caller/request-limit.ts";
import { allowedMethods } from "./http/allowed-methods.ts";
import type { AppEnv } from "./http/app-env.ts";
import { refuseForeignHosts } from "./http/hosts.ts";
import { refuseForeignOrigins, shareAnswers } from "./http/origins.ts";
import { notAllowed, problem, problemOf } from "./http/problem.ts";
import { pathOf, refuseAmbiguousPaths } from "./http/request-path.ts";
import { oldPrompts } from "./legacy/prompts.ts";
import { legacySockets } from "./legacy/sockets.ts";
import { auditLog } from "./routes/audit.ts";
import { catalogue } from "./routes/catalogue.ts";
import { descriptions } from "./routes/descriptions.ts";
import { events } from "./routes/events.ts";
import { expansions } from "./routes/expansions.ts";
import { fragments } from "./routes/fragments.ts";
import { health } from "./routes/health.ts";
import { keys } from "./routes/keys.ts";
import { people } from "./routes/people.ts";
import { signInPages } from "./routes/sign-in.ts";
import { sockets } from "./routes/sockets.ts";
import { tokens } from "./routes/tokens.ts";
import { users } from "./routes/users.ts";

/**
 * The routes. No middleware may change the answer to an upgrade: the headers of a 101 are fixed, and an attempt to change
 * them becomes a 500.
 */
export const app: Hono<AppEnv> = new Hono<AppEnv>({ getPath: pathOf })
  .use(async (c, next) => {
    c.set("requestId", c.req.header("cf-ray") ?? crypto.randomUUID());
    if (!URL.canParse(c.req.url)) return problem(c, "invalid_header", "Host: must be the name of a host.");
    await next();
    return undefined;
  })
  .use(refuseAmbiguousPaths)
  .use(refuseForeignHosts)
  .use(refuseForeignOrigins)
  .use("/openapi.json", shareAnswers)
  .use("/asyncapi.json", shareAnswers)
  .use("/v1/*", shareAnswers)
  .use("/api/prompts/*", shareAnswers)
  .use(recordRefusals)
  .route("/", health)
  .use(requireSettings)
  .route(
    "/",
    descriptions(() => app),
  )
  .route("/", signInPages)
  .use(makeCaller) // everything above is for everybody
  .use(limitRequests)
  .route("/", sockets)
  .route("/", legacySockets)
  .route("/", events)
  .route("/", keys)
  .route("/", tokens)
  .route("/", users)
  .route("/", catalogue)
  .route("/", auditLog)
  .route("/", people)
  .route("/", fragments)
  .route("/", expansions)
  .route("/", oldPrompts)
  .notFound((c) => {
    const allowed = allowedMethods(app, c.req.path);
    const isThere = allowed.includes(c.req.method === "HEAD" ? "GET" : c.req.method);
    if (allowed.length > 0 && !isThere) return notAllowed(c, allowed.join(", "));
    return problem(c, "not_found", "There is nothing at this address.");
  })
  .onError((error, c) => {
    if (error instanceof HTTPException) return problemOf(c, error);
    console.error(`request ${c.get("requestId")} failed`, error);
    const isOverloaded = (error as { overloaded?: unknown }).overloaded === true;
    if (isOverloaded) return problem(c, "unavailable", "The fragment is overloaded; try again later.");
    return problem(c, "internal_error", "The request failed on our side; it can be tried again.");
  });
