import { Hono } from "hono";
import { describeSockets } from "../description/asyncapi.ts";
import { renderDocs } from "../description/docs-page.ts";
import { describeRest } from "../description/openapi.ts";
import type { AppEnv } from "../http/app-env.ts";
import { publicUrl } from "../http/origins.ts";

/** The page may load nothing, and nobody may frame it. */
const DOCS_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What there is, for programs and for people. The description of REST is made when it is first asked for. */
export function descriptions(app: () => Hono<AppEnv>): Hono<AppEnv> {
  let rest: ReturnType<typeof describeRest> | null = null;
  const describeRestOnce = () => {
    rest ??= describeRest(app());
    return rest;
  };
  return new Hono<AppEnv>()
    .get("/openapi.json", async (c) => c.json(await describeRestOnce()))
    .get("/asyncapi.json", (c) => c.json(describeSockets(publicUrl(c.req.raw))))
    .get("/docs", async (c) => {
      const url = publicUrl(c.req.raw);
      const nonce = crypto.randomUUID();
      c.header("Content-Security-Policy", `${DOCS_POLICY}; style-src 'nonce-${nonce}'`);
      c.header("X-Content-Type-Options", "nosniff");
      c.header("Referrer-Policy", "no-referrer");
      return c.html(renderDocs(await describeRestOnce(), describeSockets(url), url.origin, nonce));
    });
}
