import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Access } from "../../protocol/access.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { Proof } from "../access/proof.ts";
import type { CookieChange } from "../access/sign-in/session-cookie-value.ts";

/** The context of every handler and middleware of the app. */
export type AppEnv = {
  Bindings: Env;
  Variables: {
    requestId: string;
    access: Access;
    /** Set where the credential was added by the browser or a proxy. */
    isAmbient?: boolean;
    cookieChange?: CookieChange;
    renderError?: ErrorRenderer;
    /** Set where the answer is an error. */
    refusalCode?: ErrorCode;
    /** What the access was made from; null for callers without credentials. */
    proof: Proof | null;
  };
};

/** An error, before it is rendered in the form that its address uses. */
export interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly status: ContentfulStatusCode;
  readonly detail: string;
  readonly requestId: string;
  /** Further members of a problem. */
  readonly members: object;
}

/** Renders errors in another form. A router sets it as `renderError` for its addresses. */
export type ErrorRenderer = (c: Context<AppEnv>, error: ErrorAnswer) => Response;
