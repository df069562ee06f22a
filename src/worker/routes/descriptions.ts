import { type Context, Hono } from "hono";
import { isClosed } from "../access/settings.ts";
import { describeSockets } from "../description/asyncapi.ts";
import { renderDocs } from "../description/docs-page.ts";
import { describeServer, renderFrontPage } from "../description/front-page.ts";
import { describeRest } from "../description/openapi.ts";
import type { Html } from "../description/render-description.ts";
import type { AppEnv } from "../http/app-env.ts";
import { preferredType } from "../http/negotiation.ts";
import { publicUrl } from "../http/origins.ts";

/** A page may load nothing, and nobody may frame it. */
const PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Descriptions of the server, for programs and for people. The description of REST is made when it is first asked for.
 */
export function descriptions(app: () => Hono<AppEnv>): Hono<AppEnv> {
  let rest: ReturnType<typeof describeRest> | null = null;
  const describeRestOnce = () => {
    rest ??= describeRest(app());
    return rest;
  };
  return new Hono<AppEnv>()
    .get("/", (c) => {
      const url = publicUrl(c.req.raw);
      c.header("Vary", "Accept");
      return preferredType(c, ["application/json", "text/html"]) === "text/html"
        ? page(c, (nonce) => renderFrontPage(url, isClosed(c.env), nonce))
        : c.json(describeServer(url));
    })
    .get("/openapi.json", async (c) => c.json(await describeRestOnce()))
    .get("/asyncapi.json", (c) => c.json(describeSockets(publicUrl(c.req.raw))))
    .on("GET", ["/docs", "/docs/"], async (c) => {
      const url = publicUrl(c.req.raw);
      const description = await describeRestOnce();
      return page(c, (nonce) => renderDocs(description, describeSockets(url), url.origin, nonce));
    });
}

/** Answers with a page that has one style, which its nonce allows. */
function page(c: Context<AppEnv>, render: (nonce: string) => Html): Response | Promise<Response> {
  const nonce = crypto.randomUUID();
  c.header("Content-Security-Policy", `${PAGE_POLICY}; style-src 'nonce-${nonce}'`);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
  return c.html(render(nonce));
}
