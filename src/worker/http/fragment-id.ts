import type { Context } from "hono";
import {
  decodeFragmentPath,
  type FragmentId,
  type FragmentIdResult,
  parseFragmentId,
} from "../../language/fragment-id.ts";
import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { AppEnv } from "./app-env.ts";

/**
 * The id at the end of a path, slashes and all, under a name that the description can show. Routes read it with
 * `idBehind`, from the path as it was sent.
 */
export const ID_PARAMETER = ":id{.*}";

/** The id that follows `prefix` in the request's path. It is decoded exactly once (ID-8). */
export function idBehind(c: Context<AppEnv>, prefix: string): Result<FragmentId> {
  return idFromPath(new URL(c.req.url).pathname.slice(prefix.length));
}

/** The id of something else than a fragment that follows `prefix`, decoded once; "", which is nobody's id, if it is no text. */
export function otherIdBehind(c: Context<AppEnv>, prefix: string): string {
  try {
    return decodeURIComponent(new URL(c.req.url).pathname.slice(prefix.length));
  } catch {
    return ""; // a malformed escape
  }
}

/** The id in a part of a path, still percent-encoded. */
export function idFromPath(path: string): Result<FragmentId> {
  return toResult(decodeFragmentPath(path));
}

/** The id in a field of a body; `field` names it in the refusal, for a body with several ids. */
export function idFromBody(raw: string, field?: string): Result<FragmentId> {
  return toResult(parseFragmentId(raw), field);
}

function toResult(parsed: FragmentIdResult, field?: string): Result<FragmentId> {
  if (parsed.ok) return done(parsed.id);
  return refused(refusal("invalid_id", field === undefined ? parsed.reason : `${field}: ${parsed.reason}`));
}
