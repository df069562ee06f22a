import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorCode, Refusal } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import type { AppEnv, ErrorAnswer } from "../http/app-env.ts";
import { problem } from "../http/problem.ts";

/** Answers with the field names, texts and statuses of the old system. */

/**
 * A fragment with our fields and those of the old system. The old system kept files in directories; the folder of an id
 * takes their place.
 */
export function oldPrompt(fragment: Fragment) {
  const { id } = fragment;
  const directory = folderOf(id);
  return {
    ...fragment,
    filename: `${baseName(id)}.md`,
    directory,
    directory_name: baseName(directory),
    unique_id: id,
  };
}

/** A fragment that includes another. */
export function oldReference({ id, description }: Fragment) {
  return { id, description, directory: folderOf(id) };
}

/** Without the slash at its end; empty for an id without a folder. */
function folderOf(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf("/")));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function notFound(c: Context<AppEnv>, id: string): Response {
  return problem(c, "not_found", `Prompt '${id}' not found`);
}

/** A refusal of a fragment's object. */
export function refuseOld(c: Context<AppEnv>, id: string, { code, message }: Refusal): Response {
  if (code === "not_found") return notFound(c, id);
  if (code === "already_exists") return problem(c, code, `Prompt with ID '${id}' already exists`);
  return problem(c, code, message);
}

/** Statuses in which the old system differed. */
const OLD_STATUS: { readonly [C in ErrorCode]?: ContentfulStatusCode } = {
  already_exists: 400,
  invalid_body: 422,
};

/** Errors for which the old system had one fixed text. */
const OLD_DETAIL: { readonly [C in ErrorCode]?: string } = { method_not_allowed: "Method Not Allowed" };

/** An error as FastAPI renders it: `detail` is a sentence, and for a body of the wrong shape a list. */
export function renderOldError(c: Context<AppEnv>, error: ErrorAnswer): Response {
  const { code, requestId } = error;
  const detail = OLD_DETAIL[code] ?? error.detail;
  const isShape = code === "invalid_body";
  const body = {
    detail: isShape ? [{ type: "value_error", loc: ["body"], msg: detail }] : detail,
    code,
    request_id: requestId,
  };
  return c.json(body, OLD_STATUS[code] ?? error.status);
}
