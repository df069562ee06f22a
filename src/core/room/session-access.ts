import {
  type Access,
  type AccessChange,
  holdsFor,
  isWithin,
  lowered,
  reaches,
  sessionEndMs,
} from "../../protocol/access.ts";
import { CLOSE, type CloseCode } from "../../protocol/close-codes.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import { ACCESS_NOTICE_MS, MAX_ACCESS_UNITS } from "../../protocol/limits.ts";
import type { RenewalRequest } from "./effects.ts";
import type { RoomSessions } from "./room-sessions.ts";
import { isJson, type Session } from "./session.ts";
import { sendAccess, sendNotice } from "./yjs-sessions.ts";

/**
 * A change is remembered for this long, for sockets that join meanwhile: one may have been checked before the change, and
 * arrive after it.
 */
const CHANGE_MEMORY_MS = 60_000;

/** Changes remembered at most; the oldest are forgotten first. */
const MAX_REMEMBERED_CHANGES = 1_000;

const REVOKED = refusal("unauthorised", "Your access was revoked.");
const EXPIRED = refusal("expired", "Your access has ended; connect again with a new token.");
const SOMEBODY_ELSE = refusal("forbidden", "The token belongs to somebody else than this session.");
const TOO_LARGE = refusal("unauthorised", "Your names, prefixes and grants are too long for a socket.");
const OUT_OF_REACH = refusal("forbidden", "Your access does not hold for this fragment any more.");

/**
 * What the sessions of a room may do, and for how long. A session's access is replaced whole: by a renewed one, or by
 * what a change of one of its grants leaves. No session outlives its access.
 */
export class SessionAccess {
  readonly #fragmentId: string;
  readonly #sessions: RoomSessions;
  /**
   * The last change of each grant, and when it was told. In memory only: an object that has slept has had no join under
   * way.
   */
  readonly #changes = new Map<string, { readonly change: AccessChange; readonly toldMs: number }>();
  /** The earliest moment at which a session may have to be told of its end, or to end. */
  #dueAtMs: number | null = null;

  constructor(fragmentId: string, sessions: RoomSessions) {
    this.#fragmentId = fragmentId;
    this.#sessions = sessions;
  }

  /** When to call `run`, at the latest; null if no access has an end. */
  get dueAtMs(): number | null {
    return this.#dueAtMs;
  }

  /**
   * The access with which a session may begin or go on: what was checked, without what was taken away since, and with an
   * end if it stands on a grant.
   */
  admit(checked: Access, nowMs: number): Result<Access> {
    let access: Access | null = checked;
    for (const { change } of this.#remembered(nowMs)) if (access !== null) access = lowered(access, change);
    if (access === null) return refused(REVOKED);
    if (!holdsFor(access, this.#fragmentId)) return refused(OUT_OF_REACH);
    const expiresAtMs = sessionEndMs(access, nowMs);
    if (expiresAtMs !== null && expiresAtMs <= nowMs) return refused(EXPIRED);
    const admitted = { ...access, expiresAtMs };
    // A session that does not fit into its attachment would take the room with it.
    return JSON.stringify(admitted).length > MAX_ACCESS_UNITS ? refused(TOO_LARGE) : done(admitted);
  }

  /** Takes in a new session, and tells it what it may do if that is limited. */
  joined(session: Session): void {
    this.watch(session);
    const { role, expiresAtMs } = session.record.access;
    if (expiresAtMs !== null || !reaches(role, "editor")) this.#tell(session);
  }

  /** Takes in a session that has joined, or has outlived the last room. */
  watch({ record }: Session): void {
    const dueMs = nextStepMs(record);
    if (dueMs !== null) this.#dueAtMs = Math.min(this.#dueAtMs ?? dueMs, dueMs);
  }

  /** Gives a session the access of its new token. If that is refused, the session is told, and goes on with what it has. */
  renew({ session, requestId }: RenewalRequest, checked: Result<Access>, nowMs: number): void {
    const admitted = checked.ok ? this.#admitAgain(session, checked.value, nowMs) : checked;
    if (admitted.ok) this.#replace(session, admitted.value, requestId);
    else this.#sessions.tell(session, admitted.refusal, requestId);
  }

  /** Applies a change of a grant to all sessions that stand on it. */
  change(change: AccessChange, nowMs: number): void {
    this.#remember(change, nowMs);
    for (const session of this.#sessions.all()) {
      const { access } = session.record;
      const left = lowered(access, change);
      if (left !== null && isWithin(access, left)) continue;
      if (left === null) this.#end(session, REVOKED, CLOSE.unauthorised, nowMs);
      else if (!holdsFor(left, this.#fragmentId)) this.#end(session, OUT_OF_REACH, CLOSE.forbidden, nowMs);
      else this.#replace(session, left);
    }
  }

  /** Ends the session if its access has ended. True if it has. */
  endIfExpired(session: Session, nowMs: number): boolean {
    const { expiresAtMs } = session.record.access;
    if (expiresAtMs === null || nowMs < expiresAtMs) return false;
    this.#end(session, EXPIRED, CLOSE.expired, nowMs);
    return true;
  }

  /** Tells the sessions whose access ends soon, and ends those whose access has ended. */
  run(nowMs: number): void {
    if (this.#dueAtMs === null || nowMs < this.#dueAtMs) return;
    this.#dueAtMs = null;
    for (const session of this.#sessions.all()) {
      if (this.endIfExpired(session, nowMs)) continue;
      const stepMs = nextStepMs(session.record);
      if (stepMs !== null && stepMs <= nowMs) {
        session.record.isToldOfEnd = true;
        session.peer.remember(session.record);
        this.#tell(session);
      }
      this.watch(session);
    }
  }

  #admitAgain(session: Session, checked: Access, nowMs: number): Result<Access> {
    const { access } = session.record;
    const isSame = checked.workspace === access.workspace && checked.principal.id === access.principal.id;
    return isSame ? this.admit(checked, nowMs) : refused(SOMEBODY_ELSE);
  }

  #replace(session: Session, access: Access, requestId?: string): void {
    const { record } = session;
    const before = record.access;
    record.access = access;
    record.isToldOfEnd = false;
    this.#sessions.presence.rename(session);
    session.peer.remember(record);
    this.watch(session);
    this.#tell(session, requestId);
    const couldWrite = reaches(before.role, "editor");
    if (!isJson(session) && couldWrite !== reaches(access.role, "editor"))
      this.#sessions.yjs.roleChanged(session);
  }

  #tell(session: Session, requestId?: string): void {
    if (!isJson(session)) sendAccess(session);
    else if (!session.record.isOldClient) this.#sessions.json.tellAccess(session, requestId);
  }

  #end(session: Session, why: Refusal, code: CloseCode, nowMs: number): void {
    if (!isJson(session)) sendNotice(session, why);
    this.#sessions.expel(session, code, why.message, nowMs);
  }

  #remember(change: AccessChange, nowMs: number): void {
    this.#changes.delete(change.grant); // moves it to the end
    this.#changes.set(change.grant, { change, toldMs: nowMs });
    const [oldest] = this.#changes.keys();
    if (this.#changes.size > MAX_REMEMBERED_CHANGES && oldest !== undefined) this.#changes.delete(oldest);
  }

  #remembered(nowMs: number): Iterable<{ readonly change: AccessChange }> {
    for (const [grant, { toldMs }] of this.#changes)
      if (toldMs < nowMs - CHANGE_MEMORY_MS) this.#changes.delete(grant);
    return this.#changes.values();
  }
}

/** When the session has to be told of its end or, once it was told, to end; null if its access has no end. */
function nextStepMs({ access: { expiresAtMs }, isToldOfEnd }: Session["record"]): number | null {
  return expiresAtMs === null || isToldOfEnd ? expiresAtMs : expiresAtMs - ACCESS_NOTICE_MS;
}
