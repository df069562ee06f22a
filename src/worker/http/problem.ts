import type { Context } from "hono";
import type { HTTPException } from "hono/http-exception";
import { ERROR_STATUS, type ErrorCode, type Refusal } from "../../protocol/errors.ts";
import type { AppEnv, ErrorAnswer } from "./app-env.ts";

/** Answers with an error: problem+json (RFC 9457) with our `code` and the id of the request, unless the address has another form. */
export function problem(c: Context<AppEnv>, code: ErrorCode, detail: string): Response {
  return render(c, { code, status: ERROR_STATUS[code], detail });
}

/** @param members further members of the problem */
export function refuse(c: Context<AppEnv>, why: Refusal, members: object = {}): Response {
  const { code, message, retryAfterS } = why;
  if (retryAfterS !== undefined) c.header("Retry-After", String(retryAfterS));
  return render(c, { code, status: ERROR_STATUS[code], detail: message, members });
}

/** @param allow the methods that the address has */
export function notAllowed(c: Context<AppEnv>, allow: string): Response {
  c.header("Allow", allow);
  return problem(c, "method_not_allowed", `Allowed here: ${allow}.`);
}

/** Answers with an error that a library threw: its status, in our form. */
export function problemOf(c: Context<AppEnv>, error: HTTPException): Response {
  const code: ErrorCode = error.status < 500 ? "invalid_body" : "internal_error";
  const detail = error.message === "" ? "The request was refused." : error.message;
  return render(c, { code, status: error.status, detail });
}

type Told = Pick<ErrorAnswer, "code" | "status" | "detail"> & Partial<Pick<ErrorAnswer, "members">>;

function render(c: Context<AppEnv>, told: Told): Response {
  if (told.code === "unavailable") c.header("Retry-After", "1");
  c.set("refusalCode", told.code);
  const renderError = c.get("renderError") ?? renderProblem;
  return renderError(c, { members: {}, ...told, requestId: c.get("requestId") });
}

function renderProblem(c: Context<AppEnv>, error: ErrorAnswer): Response {
  const { code, status, detail, requestId, members } = error;
  const title = code.replaceAll("_", " ");
  const body = { type: "about:blank", title, status, detail, code, request_id: requestId, ...members };
  return c.body(JSON.stringify(body), status, { "Content-Type": "application/problem+json" });
}
