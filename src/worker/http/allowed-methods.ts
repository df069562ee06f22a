import type { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";

/** In the order of an `Allow` header. HEAD is allowed wherever GET is, and is not listed. */
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/**
 * The methods that have a route at this path; empty if the path has none. The router itself is asked, so the result
 * cannot differ from the routes. Handlers for all methods are middleware and do not count.
 */
export function allowedMethods(app: Hono<AppEnv>, path: string): string[] {
  return METHODS.filter((method) => {
    const [handlers] = app.router.match(method, path);
    return handlers.some(([[, route]]) => route.method === method);
  });
}
