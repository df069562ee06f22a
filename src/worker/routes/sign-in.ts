import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { refusal } from "../../protocol/errors.ts";
import { MAX_SIGN_IN_BYTES } from "../../protocol/limits.ts";
import { finishAmbientAnswer } from "../access/caller/ambient-caller.ts";
import { callerOf } from "../access/caller/caller.ts";
import { countStranger } from "../access/caller/request-limit.ts";
import { isFromOwnPage } from "../access/caller/same-origin.ts";
import { NOTHING_SHOWN } from "../access/credentials.ts";
import type { Caller } from "../access/proof.ts";
import { signIn, signOut } from "../access/sign-in/sign-in.ts";
import {
  renderFault,
  renderSignIn,
  renderSignOut,
  SIGN_IN,
  SIGN_OUT,
} from "../access/sign-in/sign-in-page.ts";
import type { Html } from "../description/render-description.ts";
import type { AppEnv, ErrorAnswer } from "../http/app-env.ts";
import { refuse } from "../http/problem.ts";

/**
 * `/sign-in` and `/sign-out`: pages for people. A form that signs in or out comes from a page of this server: nobody is
 * signed in as somebody else, or signed out, by a page elsewhere.
 */
export const signInPages: Hono<AppEnv> = new Hono<AppEnv>()
  .on(["GET", "POST"], [SIGN_IN, SIGN_OUT], preparePage())
  .on("POST", [SIGN_IN, SIGN_OUT], bodyLimit({ maxSize: MAX_SIGN_IN_BYTES }), requireOwnPage())
  .get(SIGN_IN, async (c) => {
    const caller = await personOf(c);
    return page(c, (nonce) => renderSignIn(caller?.access ?? null, nonce));
  })
  .post(SIGN_IN, async (c) => {
    const { invitation } = await c.req.parseBody();
    const why = await signIn(c, typeof invitation === "string" ? invitation : "");
    return why === null ? c.redirect(SIGN_IN, 303) : refuse(c, why);
  })
  .get(SIGN_OUT, async (c) => {
    const caller = await personOf(c);
    const isSession = caller?.proof?.kind === "session";
    return page(c, (nonce) => renderSignOut(caller?.access ?? null, isSession, nonce));
  })
  .post(SIGN_OUT, async (c) => {
    const { sessions } = await c.req.parseBody();
    const why = await signOut(c, sessions === "all" ? "all" : "this");
    return why === null ? c.redirect(SIGN_OUT, 303) : refuse(c, why);
  });

/** The one who is signed in; null for a caller without credentials, or with bad ones. */
async function personOf(c: Context<AppEnv>): Promise<Caller | null> {
  const caller = await callerOf(c);
  if (caller.ok) return caller.value.proof === null ? null : caller.value;
  if (caller.refusal !== NOTHING_SHOWN) await countStranger(c, caller.refusal);
  return null;
}

/** Errors are pages, too; no answer is kept, and the cookie changes with it. */
function preparePage(): MiddlewareHandler<AppEnv> {
  const renderError = (c: Context<AppEnv>, { detail, status }: ErrorAnswer) => {
    c.status(status);
    return page(c, (nonce) => renderFault(detail, c.req.path, nonce));
  };
  return async (c, next) => {
    c.set("renderError", renderError);
    await next();
    c.header("Cache-Control", "no-store");
    finishAmbientAnswer(c);
  };
}

function requireOwnPage(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (isFromOwnPage(c.req.raw)) return next();
    return refuse(c, refusal("forbidden", "This form must be sent from a page of this server."));
  };
}

/**
 * Answers with a page, whose nonce allows its style and its script. With `no-referrer`, browsers would send its form with
 * the origin `null`; the address of the page holds no secret that a referrer could give away.
 */
function page(c: Context<AppEnv>, render: (nonce: string) => Html): Response {
  const nonce = crypto.randomUUID();
  c.header(
    "Content-Security-Policy",
    `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  c.header("Cross-Origin-Opener-Policy", "same-origin");
  c.header("Referrer-Policy", "same-origin");
  c.header("X-Content-Type-Options", "nosniff");
  return c.html(String(render(nonce))); // nothing in a page comes later
}
