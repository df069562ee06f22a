import { type Refusal, refusal } from "../../protocol/errors.ts";
import { CLIENT_ID_REST_MS, MAX_RESERVED_CLIENT_IDS } from "../../protocol/limits.ts";
import type { YjsSession } from "./session.ts";

export const FORGED = refusal("forged_update", "The client id belongs to another session.");
export const CLIENT_ID_TAKEN = refusal(
  "client_id_taken",
  "Somebody else uses this client id: take a new one.",
);

/**
 * Which session owns each client id. A Yjs session owns the id of its first awareness entry, else of its first own struct,
 * while it is live. JSON sessions own the ids of their cursors, under which nobody writes.
 */
export class ClientIds {
  readonly #owners = new Map<number, YjsSession>();
  readonly #json = new Set<number>();
  /**
   * The principals whose ids these were, in the order in which their sessions left. Nobody else may claim such an id. In
   * memory only: after a sleep of the room, the first session that claims it has it.
   */
  readonly #reserved = new Map<number, string>();
  /** Ids whose sessions have left a moment ago, and the end of their rest. */
  readonly #resting = new Map<number, { readonly session: YjsSession; readonly untilMs: number }>();

  ownerOf(clientId: number): YjsSession | undefined {
    return this.#owners.get(clientId);
  }

  isJson(clientId: number): boolean {
    return this.#json.has(clientId);
  }

  addJson(clientId: number): void {
    this.#json.add(clientId);
  }

  removeJson(clientId: number): void {
    this.#json.delete(clientId);
  }

  /**
   * The session whose word counts for new structs under this id. "resting": it has just left, and may come back. Null if
   * the given session may bring them itself.
   */
  authorityOver(clientId: number, session: YjsSession, nowMs: number): YjsSession | "resting" | null {
    const owner = this.#owners.get(clientId);
    if (owner !== undefined) return owner === session || isSameUser(owner, session) ? null : owner;
    if (this.#resting.size === 0 || this.restEndsMs(clientId, nowMs) === null) return null;
    // Its last frames may be judged after it has left.
    if (this.#resting.get(clientId)?.session === session) return null;
    if (session.record.clientId === null && this.#mayClaim(session, clientId, nowMs)) return null;
    return isUser(session) && this.#reserved.get(clientId) === principalOf(session) ? null : "resting";
  }

  /** When the rest of an id ends; null if it does not rest. */
  restEndsMs(clientId: number, nowMs: number): number | null {
    const rest = this.#resting.get(clientId);
    if (rest === undefined) return null;
    if (nowMs < rest.untilMs) return rest.untilMs;
    this.#resting.delete(clientId);
    return null;
  }

  /** Why nobody may write under the id; null if somebody may. */
  fault(clientId: number, serverClientId: number): Refusal | null {
    if (clientId === serverClientId) return refusal("forged_update", "The client id is the server's own.");
    return this.isJson(clientId) ? FORGED : null;
  }

  /** Makes the session the owner of an id that nobody owns. False if it is kept for another one. */
  claim(session: YjsSession, clientId: number, nowMs: number): boolean {
    if (!this.#mayClaim(session, clientId, nowMs)) return false;
    this.#take(session, clientId);
    return true;
  }

  /** A session goes on with the id of another one, which loses its cursor. */
  handOver(owner: YjsSession, session: YjsSession): void {
    const { record, peer } = owner;
    if (record.clientId === null) return;
    this.#take(session, record.clientId);
    record.clientId = null;
    record.presence = null;
    record.presenceClock = -1;
    peer.remember(record);
  }

  /** A session has outlived the last room. */
  restore(session: YjsSession): void {
    const { clientId } = session.record;
    if (clientId !== null) this.#owners.set(clientId, session);
  }

  /** The session owns its id no longer: it has left, or was silent. Its page may come back for the id. */
  release(session: YjsSession, nowMs: number): void {
    const { clientId } = session.record;
    if (clientId === null || this.#owners.get(clientId) !== session) return;
    this.#owners.delete(clientId);
    // The first are the oldest.
    for (const [id] of this.#resting) if (this.restEndsMs(id, nowMs) !== null) break;
    this.#resting.set(clientId, { session, untilMs: nowMs + CLIENT_ID_REST_MS });
    if (isAnonymous(session)) return;
    this.#reserved.set(clientId, principalOf(session));
    const [oldest] = this.#reserved.keys();
    if (this.#reserved.size > MAX_RESERVED_CLIENT_IDS && oldest !== undefined) this.#reserved.delete(oldest);
  }

  #take(session: YjsSession, clientId: number): void {
    this.#reserved.delete(clientId);
    this.#resting.delete(clientId);
    this.#owners.set(clientId, session);
    session.record.clientId = clientId;
    session.peer.remember(session.record);
  }

  /** A page that comes back has joined after the last frame of its old session. */
  #mayClaim(session: YjsSession, clientId: number, nowMs: number): boolean {
    const principal = this.#reserved.get(clientId);
    if (principal !== undefined && principal !== principalOf(session)) return false;
    if (this.restEndsMs(clientId, nowMs) === null) return true;
    const last = this.#resting.get(clientId)?.session;
    return last === undefined || session.joinedMs >= last.heardMs;
  }
}

/**
 * Why structs are refused that the owner of their client id lacks. A session without an id of its own may be their author,
 * which came back and found that somebody else has its id: it needs a new one, and is no forger for good.
 */
export function refusalOfForeign({ record }: YjsSession): Refusal {
  return record.clientId === null ? CLIENT_ID_TAKEN : FORGED;
}

/** Whether both sessions are of one user, whose name was verified: it does not write in its own name by mistake. */
export function isSameUser(one: YjsSession, other: YjsSession): boolean {
  return isUser(one) && principalOf(one) === principalOf(other);
}

/** Whether one session may be the reconnection of the other. Anonymous callers cannot be told apart. */
export function mayReplace(one: YjsSession, other: YjsSession): boolean {
  return principalOf(one) === principalOf(other) || (isAnonymous(one) && isAnonymous(other));
}

function isUser(session: YjsSession): boolean {
  return principalOf(session).startsWith("user:");
}

function isAnonymous(session: YjsSession): boolean {
  return /^anonymous(:|$)/.test(principalOf(session));
}

function principalOf({ record }: YjsSession): string {
  return record.access.principal.id;
}
