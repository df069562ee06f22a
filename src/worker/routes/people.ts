import { type Context, Hono } from "hono";
import {
  type BrowserSession,
  type Invitation,
  InvitationCreateSchema,
  type Me,
  SessionsQuerySchema,
} from "../../protocol/people.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { actingOf } from "../access/audit/audit.ts";
import { makeSecret, randomId } from "../access/secret-text.ts";
import { SIGN_IN } from "../access/sign-in/sign-in-page.ts";
import { operation } from "../description/operation.ts";
import type { AppEnv } from "../http/app-env.ts";
import { ID_PARAMETER, otherIdBehind } from "../http/fragment-id.ts";
import { accessObjectOf, announceWorkspace } from "../http/objects.ts";
import { publicUrl } from "../http/origins.ts";
import { refuse } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import { readBody } from "../http/request-body.ts";
import type { StoredInvitation } from "../storage/access-invitations.ts";
import type { StoredSession } from "../storage/access-sessions.ts";

const INVITATIONS = "/v1/invitations";
const SESSIONS = "/v1/sessions";

/** `/v1/invitations`, `/v1/sessions` and `/v1/me`: how people come in, and who the caller is. */
export const people: Hono<AppEnv> = new Hono<AppEnv>()
  .get("/v1/me", operation("getMe"), (c) => c.json(describeCaller(c)))
  .get(INVITATIONS, operation("listInvitations"), async (c) => {
    const open = await accessObjectOf(c).listInvitations(c.get("access"));
    return open.ok ? c.json({ invitations: open.value.map(showInvitation) }) : refuse(c, open.refusal);
  })
  .post(INVITATIONS, operation("makeInvitation"), async (c) => {
    const body = await readBody(c, InvitationCreateSchema);
    if (!body.ok) return refuse(c, body.refusal);
    const access = c.get("access");
    const { user, role, prefixes = access.prefixes, expires_in_seconds } = body.value;
    const { id, text, hash } = await makeSecret("pmi", access.workspace);
    const planned = {
      ...{ id, hash, role, prefixes },
      user: { id: user.id ?? randomId(), name: user.name },
      expiresInMs: expires_in_seconds * 1_000,
    };
    await announceWorkspace(c);
    const made = await accessObjectOf(c).invite(actingOf(c), planned);
    if (!made.ok) return refuse(c, made.refusal);
    // Behind the `#` it is sent to no server, and stands in no server's log.
    const link = `${publicUrl(c.req.raw).origin}${SIGN_IN}#${text}`;
    return c.json({ link, ...showInvitation(made.value) }, 201);
  })
  .delete(`${INVITATIONS}/${ID_PARAMETER}`, operation("withdrawInvitation"), async (c) => {
    const fault = await accessObjectOf(c).withdrawInvitation(
      actingOf(c),
      otherIdBehind(c, `${INVITATIONS}/`),
    );
    return fault === null ? c.body(null, 204) : refuse(c, fault);
  })
  .get(SESSIONS, operation("listSessions"), async (c) => {
    const query = readQuery(c, SessionsQuerySchema);
    if (!query.ok) return refuse(c, query.refusal);
    const sessions = await accessObjectOf(c).listSessions(c.get("access"), query.value.user ?? null);
    if (!sessions.ok) return refuse(c, sessions.refusal);
    return c.json({ sessions: sessions.value.map((session) => showSession(c, session)) });
  })
  .delete(SESSIONS, operation("endSessions"), async (c) => {
    const query = readQuery(c, SessionsQuerySchema);
    if (!query.ok) return refuse(c, query.refusal);
    const fault = await accessObjectOf(c).endSessions(actingOf(c), query.value.user ?? null);
    return fault === null ? c.body(null, 204) : refuse(c, fault);
  })
  .delete(`${SESSIONS}/${ID_PARAMETER}`, operation("endSession"), async (c) => {
    const fault = await accessObjectOf(c).endSession(actingOf(c), otherIdBehind(c, `${SESSIONS}/`));
    return fault === null ? c.body(null, 204) : refuse(c, fault);
  });

function sessionIdOf(c: Context<AppEnv>): string | null {
  const proof = c.get("proof");
  return proof?.kind === "session" ? proof.id : null;
}

function describeCaller(c: Context<AppEnv>): Me {
  const { workspace, principal, role, prefixes, expiresAtMs } = c.get("access");
  const { id, name, color } = principal;
  const expires_at = expiresAtMs === null ? null : timestamp(expiresAtMs);
  return { workspace, principal: { id, name, color }, role, prefixes, expires_at, session: sessionIdOf(c) };
}

function showInvitation(invitation: StoredInvitation): Invitation {
  const { id, user, role, prefixes, createdAtMs, createdBy, expiresAtMs } = invitation;
  const [created_at, expires_at] = [timestamp(createdAtMs), timestamp(expiresAtMs)];
  return { id, user, role, prefixes, created_at, created_by: createdBy, expires_at };
}

function showSession(c: Context<AppEnv>, session: StoredSession): BrowserSession {
  const { id, browser, createdAtMs, seenAtMs, expiresAtMs } = session;
  return {
    ...{ id, browser },
    created_at: timestamp(createdAtMs),
    last_seen_at: timestamp(seenAtMs),
    expires_at: timestamp(expiresAtMs),
    current: id === sessionIdOf(c),
  };
}
