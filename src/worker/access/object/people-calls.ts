import { type Access, adminOfAllFault, type Cap, narrowed, roleFault } from "../../../protocol/access.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../../protocol/errors.ts";
import type { AuditSource } from "../../storage/access-audit.ts";
import type { StoredInvitation } from "../../storage/access-invitations.ts";
import type { StoredSession } from "../../storage/access-sessions.ts";
import type { UserTable } from "../../storage/access-users.ts";
import { NOT_VALID } from "../credentials.ts";
import type { Admission } from "./admission.ts";
import type { BrowserSessions, NewSession } from "./browser-sessions.ts";
import { DAY_MS, dayOf } from "./days.ts";
import { type Invitations, type PlannedInvitation, WITHDRAWN } from "./invitations.ts";
import type { Recorder } from "./recorder.ts";

export interface PeoplePorts {
  readonly invitations: Invitations;
  readonly sessions: BrowserSessions;
  readonly users: UserTable;
  readonly admission: Admission;
  recorder(source: AuditSource): Recorder;
}

/** A person who has signed in. */
export interface SignedIn {
  readonly userId: string;
  readonly expiresAtMs: number;
}

const BLOCKED = refusal("forbidden", "This user is blocked; `PUT /v1/users/{id}` lets the user in again.");
const NO_SUCH_SESSION = refusal("not_found", "There is no such browser session.");

/**
 * What is done with invitations and with browser sessions. The texts of secrets stay in the worker: the object gets
 * their hashes. What changes something does it in one turn, so two requests at once cannot both use an invitation.
 */
export class PeopleCalls {
  readonly #ports: PeoplePorts;

  constructor(ports: PeoplePorts) {
    this.#ports = ports;
  }

  invite(access: Access, planned: PlannedInvitation, recorder: Recorder): Result<StoredInvitation> {
    const { id, user, role } = planned;
    const { invitations, admission } = this.#ports;
    const nowMs = Date.now();
    const isBlocked = admission.capOf(`user:${user.id}`, nowMs) === null;
    const fault = roleFault(access, "admin") ?? (isBlocked ? BLOCKED : null);
    if (fault !== null) return refused(fault);
    const made = invitations.make(access, planned, nowMs);
    if (made.ok) recorder({ action: "invitation_made", on: id, detail: `user:${user.id}, ${role}` });
    return made;
  }

  /** The open ones, the oldest first. */
  listInvitations(access: Access): Result<StoredInvitation[]> {
    return this.#ports.invitations.open(access, Date.now());
  }

  /** Null on success. */
  withdrawInvitation(access: Access, id: string, recorder: Recorder): Refusal | null {
    const why = this.#ports.invitations.withdraw(access, id, Date.now());
    if (why === null) recorder({ action: "invitation_revoked", on: id });
    return why;
  }

  /**
   * Uses the invitation whose text has this hash, and begins a session. The invitation is worth no more than its maker
   * may do now, and nothing once its user or its maker was removed.
   */
  signIn(hash: string, session: NewSession, address: AuditSource["address"]): Result<SignedIn> {
    const { invitations, sessions, users } = this.#ports;
    const nowMs = Date.now();
    const found = invitations.find(hash, nowMs);
    if (!found.ok) return found;
    const { id, user, createdAtMs } = found.value;
    const cap = this.#capOf(found.value, nowMs);
    if (cap === null) return refused(WITHDRAWN);
    invitations.use(id, nowMs);
    users.noteSeen(user.id, user.name, dayOf(nowMs));
    const { expiresAtMs } = sessions.start(session, user.id, cap, nowMs);
    const record = this.#recorderOf(user.id, address);
    const days = Math.floor((nowMs - createdAtMs) / DAY_MS);
    record({ action: "invitation_used", on: id, detail: `after ${days} days` });
    record({ action: "signed_in", on: session.id, detail: session.browser });
    return done({ userId: user.id, expiresAtMs });
  }

  /** Replaces the secret of a session. Returns when the session expires; null if the secret stays. */
  renewSession(id: string, hash: string, nextHash: string): number | null {
    return this.#ports.sessions.renew(id, hash, nextHash, Date.now())?.expiresAtMs ?? null;
  }

  /** Ends the session with this secret, or all sessions of its user. Null on success. */
  async signOut(
    id: string,
    hash: string,
    which: "this" | "all",
    address: AuditSource["address"],
  ): Promise<Refusal | null> {
    const { sessions } = this.#ports;
    const nowMs = Date.now();
    const session = sessions.show(id, hash, nowMs);
    if (session === null) return NOT_VALID;
    const ended = which === "this" ? [session] : this.#openSessions(session.userId, nowMs);
    await this.#end(ended, true, this.#recorderOf(session.userId, address));
    return null;
  }

  /** The sessions of the caller; with a user id, those of that user, for an admin. The newest first. */
  listSessions(access: Access, userId: string | null): Result<StoredSession[]> {
    const whose = userId ?? ownUser(access);
    const fault = userId === null ? null : adminOfAllFault(access);
    if (fault !== null) return refused(fault);
    return done(whose === null ? [] : this.#openSessions(whose, Date.now()));
  }

  /** Ends a session of the caller, or, for an admin, of anybody. Null on success. */
  async endSession(access: Access, id: string, recorder: Recorder): Promise<Refusal | null> {
    const session = this.#ports.sessions.get(id, Date.now());
    const isOwn = session !== null && session.userId === ownUser(access);
    if (session === null || !(isOwn || adminOfAllFault(access) === null)) return NO_SUCH_SESSION;
    await this.#end([session], isOwn, recorder);
    return null;
  }

  /** Ends all sessions of the caller; with a user id, those of that user, for an admin. Null on success. */
  async endSessions(access: Access, userId: string | null, recorder: Recorder): Promise<Refusal | null> {
    const open = this.listSessions(access, userId);
    if (!open.ok) return open.refusal;
    await this.#end(open.value, userId === null, recorder);
    return null;
  }

  async #end(sessions: readonly StoredSession[], isOwn: boolean, recorder: Recorder): Promise<void> {
    const action = isOwn ? "signed_out" : "session_ended";
    const told = sessions.map(({ id, userId }) => {
      recorder({ action, on: id, detail: `user:${userId}` });
      return this.#ports.sessions.end(id);
    });
    await Promise.all(told);
  }

  /** Without those that began before their user was removed. */
  #openSessions(userId: string, nowMs: number): StoredSession[] {
    const { sessions, admission } = this.#ports;
    return sessions
      .list(userId, nowMs)
      .filter(({ createdAtMs }) => admission.capOf(`user:${userId}`, nowMs, createdAtMs) !== null);
  }

  /** Records the acts of a person that has no access yet, or no longer. */
  #recorderOf(userId: string, address: AuditSource["address"]): Recorder {
    return this.#ports.recorder({ principal: `user:${userId}`, via: null, address });
  }

  #capOf(invitation: StoredInvitation, nowMs: number): Cap | null {
    const { admission } = this.#ports;
    const { user, role, prefixes, makerGrants, createdAtMs } = invitation;
    const ofUser = admission.capOf(`user:${user.id}`, nowMs, createdAtMs);
    const ofMaker = admission.capOfAll(makerGrants, nowMs, createdAtMs);
    return ofUser === null || ofMaker === null ? null : narrowed({ role, prefixes }, ofMaker);
  }
}

/**
 * The user whose sessions are the caller's own; null for a caller that has not signed in itself: a key can make a token
 * for any user.
 */
function ownUser({ principal, grants }: Access): string | null {
  const standsOn = (kind: string) => grants.some((grant) => grant.startsWith(`${kind}:`));
  return standsOn("session") && !standsOn("token") ? principal.id.slice("user:".length) : null;
}
