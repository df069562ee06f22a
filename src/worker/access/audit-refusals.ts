import type { Context, Next } from "hono";
import { decodeFragmentPath } from "../../language/fragment-id.ts";
import type { Workspace } from "../../protocol/access.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { auditRepeated } from "./audit.ts";

/** Which refusals are recorded. A caller that belongs to no workspace has no audit log to be recorded in. */

/** The close codes of sockets that may not join, as the codes that requests get. */
const REFUSED_JOINS: Readonly<Record<number, ErrorCode>> = { [CLOSE.forbidden]: "forbidden" };

const STATUSES: readonly number[] = [401, 403, 429];

/** Records the request if it is refused because of who sends it, or how often. */
export async function recordRefusals(c: Context<AppEnv>, next: Next): Promise<void> {
  await next();
  const code = c.get("refusalCode");
  if (code !== undefined && STATUSES.includes(c.res.status)) record(c, code);
}

/** Records that a socket was accepted only to be closed, if that was because of who opens it. */
export function recordRefusedJoin(c: Context<AppEnv>, closeCode: number): void {
  const code = REFUSED_JOINS[closeCode];
  if (code !== undefined) record(c, code);
}

function record(c: Context<AppEnv>, result: ErrorCode): void {
  const caller: { readonly workspace: Workspace } | undefined = c.get("access");
  if (caller === undefined) return;
  const { place, on } = placeOf(new URL(c.req.url).pathname);
  auditRepeated(c, { action: "refused", result, detail: `${c.req.method} ${place}`, on });
}

/** The part of a path that names no fragment, and the fragment's id. An unknown path may hold anything, so it is not kept. */
function placeOf(path: string): { readonly place: string; readonly on: string | null } {
  const [whole, id] = /^\/(?:v1|api|ws)\/[a-z]{1,20}(?:\/(.+))?$/.exec(path) ?? [];
  if (whole === undefined) return { place: "", on: null };
  const parsed = id === undefined ? null : decodeFragmentPath(id);
  const place = id === undefined ? whole : whole.slice(0, -id.length - 1);
  return { place, on: parsed?.ok === true ? parsed.id : null };
}
