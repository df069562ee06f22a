import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorCode } from "../../protocol/errors.ts";

/** What every handler and middleware of the app finds in its context. */
export type AppEnv = { Bindings: Env; Variables: { requestId: string; renderError?: ErrorRenderer } };

/** An error, as it is answered in whichever form the address has. */
export interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly status: ContentfulStatusCode;
  readonly detail: string;
  readonly requestId: string;
  /** Further members of a problem. */
  readonly members: object;
}

/** Another form of error answers, which a router sets for its addresses as `renderError`. */
export type ErrorRenderer = (c: Context<AppEnv>, error: ErrorAnswer) => Response;
