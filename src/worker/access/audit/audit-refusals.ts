import type { Context, Next } from "hono";
import { decodeFragmentPath } from "../../../language/fragment-id.ts";
import type { Access } from "../../../protocol/access.ts";
import { CLOSE, type CloseCode } from "../../../protocol/close-codes.ts";
import { ERROR_STATUS, type ErrorCode } from "../../../protocol/errors.ts";
import type { AppEnv } from "../../http/app-env.ts";
import { isKnownWorkspace } from "../caller/admit.ts";
import type { Proof } from "../proof.ts";
import { type Actor, auditRepeated } from "./audit.ts";

/** Refusals that are recorded: they are about the sender, not about the request. */
const STATUSES: readonly number[] = [401, 403, 429];

/** The close codes of sockets that may not join for the same reasons, as the codes that requests get. */
const REFUSED_JOINS: Partial<Record<CloseCode, ErrorCode>> = {
  [CLOSE.unauthorised]: "unauthorised",
  [CLOSE.expired]: "expired",
  [CLOSE.forbidden]: "forbidden",
  [CLOSE.rateLimited]: "rate_limited",
};

/** Says that a socket was accepted only to be closed. */
export function noteRefusedJoin(c: Context<AppEnv>, closeCode: CloseCode): void {
  const code = REFUSED_JOINS[closeCode];
  if (code !== undefined) c.set("refusalCode", code);
}

/**
 * Records the request, or the socket, if it is refused for one of these reasons. What belongs to no workspace is recorded
 * nowhere. An unknown key is recorded where its text names a workspace that exists; nothing that it claims is believed.
 */
export async function recordRefusals(c: Context<AppEnv>, next: Next): Promise<void> {
  await next();
  const code = c.get("refusalCode");
  if (code === undefined || !STATUSES.includes(ERROR_STATUS[code])) return;
  const access: Access | undefined = c.get("access"); // not set for a caller that was refused
  const proof: Proof | null | undefined = c.get("proof");
  const actor = access === undefined ? claimedActor(proof ?? null) : undefined;
  if (actor === null) return;
  const { place, on } = placeOf(new URL(c.req.url).pathname);
  auditRepeated(c, { action: "refused", result: code, detail: `${c.req.method} ${place}`, on }, actor);
}

function claimedActor(proof: Proof | null): Actor | null {
  if (proof === null || !isKnownWorkspace(proof.workspace)) return null;
  const isUser = proof.kind === "token" && proof.claims.kind === "user";
  return { workspace: proof.workspace, principal: isUser ? `user:${proof.claims.user.id}` : null };
}

/** The addresses that end with an id. */
const WITH_ID = /^(\/v1\/(?:fragments|ws|sync|expansions|dependents|keys|users|invitations|tokens))\/(.+)$/;

/** The part of a path that names nothing, and the id behind it. An unknown path may hold anything, so it is not kept. */
function placeOf(path: string): { readonly place: string; readonly on: string | null } {
  const [, place, id] = WITH_ID.exec(path) ?? [];
  if (place !== undefined && id !== undefined) {
    const parsed = decodeFragmentPath(id);
    return { place, on: parsed.ok ? parsed.id : null };
  }
  return { place: /^\/(?:v1|api|ws)\/[a-z]{1,20}/.exec(path)?.[0] ?? "", on: null };
}
