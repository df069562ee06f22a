import type { Context } from "hono";
import type { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ERROR_STATUS, type ErrorCode, type Refusal } from "../../protocol/errors.ts";
import type { AppEnv, ErrorAnswer } from "./app-env.ts";

/** Answers with an error: problem+json (RFC 9457) with our `code` and the id of the request, unless the address has another form. */
export function problem(c: Context<AppEnv>, code: ErrorCode, detail: string): Response {
  return render(c, code, ERROR_STATUS[code], detail);
}

/** @param members further members of the problem */
export function refuse(c: Context<AppEnv>, { code, message }: Refusal, members: object = {}): Response {
  return render(c, code, ERROR_STATUS[code], message, members);
}

/** @param allow the methods that the address has */
export function notAllowed(c: Context<AppEnv>, allow: string): Response {
  c.header("Allow", allow);
  return problem(c, "method_not_allowed", `Allowed here: ${allow}.`);
}

/** Answers with the status of an error that a library threw, in our form. */
export function problemOf(c: Context<AppEnv>, error: HTTPException): Response {
  const code: ErrorCode = error.status < 500 ? "invalid_body" : "internal_error";
  return render(c, code, error.status, error.message === "" ? "The request was refused." : error.message);
}

function render(
  c: Context<AppEnv>,
  code: ErrorCode,
  status: ContentfulStatusCode,
  detail: string,
  members: object = {},
): Response {
  if (code === "unavailable") c.header("Retry-After", "1");
  const renderError = c.get("renderError") ?? renderProblem;
  return renderError(c, { code, status, detail, requestId: c.get("requestId"), members });
}

function renderProblem(c: Context<AppEnv>, error: ErrorAnswer): Response {
  const { code, status, detail, requestId, members } = error;
  const title = code.replaceAll("_", " ");
  const body = { type: "about:blank", title, status, detail, code, request_id: requestId, ...members };
  return c.body(JSON.stringify(body), status, { "Content-Type": "application/problem+json" });
}
