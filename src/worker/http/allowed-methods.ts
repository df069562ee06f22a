import type { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";

/** In the order of an `Allow` header. HEAD is there wherever GET is, and is not named. */
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/**
 * The methods that have a route of their own at this path; none where nothing is. The router itself is asked, so that
 * no list beside the routes can differ from them; what is there for all methods is middleware.
 */
export function allowedMethods(app: Hono<AppEnv>, path: string): string[] {
  return METHODS.filter((method) => {
    const [handlers] = app.router.match(method, path);
    return handlers.some(([[, route]]) => route.method === method);
  });
}
