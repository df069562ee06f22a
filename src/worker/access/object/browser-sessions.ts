import type { Cap } from "../../../protocol/access.ts";
import {
  SESSION_IDLE_MS,
  SESSION_MAX_MS,
  SESSION_OVERLAP_MS,
  SESSION_ROTATION_MS,
  SESSION_SEEN_EVERY_MS,
} from "../../../protocol/limits.ts";
import type { SessionTable, StoredSession } from "../../storage/access-sessions.ts";

/** A session that begins. The worker has made the id and the secret, and keeps the secret from the object. */
export interface NewSession {
  readonly id: string;
  readonly hash: string;
  readonly browser: string;
}

export interface SessionPorts {
  /** Tells everybody of a session that ends before its time. */
  hasEnded(id: string): Promise<void>;
  /** Records that the session ends because two browsers have its cookie. */
  wasCopied(session: StoredSession): void;
}

/**
 * The browser sessions of a workspace. The secret in the cookie is renewed every day: `renew` replaces it by the next.
 *
 * Requests that are under way, and other tabs, may still bring the secret before. It stays good until the next was
 * shown, because the answer with the next may have been lost, and for a minute after that. Whoever brings it later has a
 * copy of the cookie, or the other one has: the session ends for both.
 */
export class BrowserSessions {
  readonly #table: SessionTable;
  readonly #ports: SessionPorts;

  constructor(table: SessionTable, ports: SessionPorts) {
    this.#table = table;
    this.#ports = ports;
  }

  start({ id, hash, browser }: NewSession, userId: string, cap: Cap, nowMs: number): StoredSession {
    const session: StoredSession = {
      id,
      userId,
      hash,
      previousHash: null,
      renewedAtMs: nowMs,
      confirmedAtMs: nowMs,
      role: cap.role,
      prefixes: cap.prefixes,
      browser,
      createdAtMs: nowMs,
      seenAtMs: nowMs,
      expiresAtMs: nowMs + SESSION_MAX_MS,
    };
    this.#table.put(session);
    return session;
  }

  /**
   * The session whose secret was shown; null if it is not the one of the session, or if the session has ended. Notes that
   * the session was seen.
   */
  show(id: string, hash: string, nowMs: number): StoredSession | null {
    const session = this.get(id, nowMs);
    if (session === null) return null;
    if (hash === session.hash) {
      const isSeen = nowMs - session.seenAtMs < SESSION_SEEN_EVERY_MS;
      const seenAtMs = isSeen ? session.seenAtMs : nowMs;
      const confirmedAtMs = session.confirmedAtMs ?? nowMs;
      if (!isSeen || session.confirmedAtMs === null) this.#table.put({ ...session, seenAtMs, confirmedAtMs });
      return session;
    }
    if (hash !== session.previousHash) return null;
    const { confirmedAtMs } = session;
    if (confirmedAtMs === null || nowMs - confirmedAtMs < SESSION_OVERLAP_MS) return session;
    this.#ports.wasCopied(session);
    void this.end(id); // one of two browsers has a copy of the cookie
    return null;
  }

  /**
   * Replaces the secret that the browser has shown by the next one.
   *
   * @returns the session; null if the secret stays as it is, because it is new enough, or another request has renewed it
   */
  renew(id: string, hash: string, nextHash: string, nowMs: number): StoredSession | null {
    const session = this.get(id, nowMs);
    if (session === null) return null;
    const ageMs = nowMs - session.renewedAtMs;
    const isDue =
      hash === session.hash
        ? ageMs >= SESSION_ROTATION_MS
        : hash === session.previousHash && session.confirmedAtMs === null && ageMs >= SESSION_OVERLAP_MS;
    if (!isDue) return null;
    const renewed = {
      ...session,
      hash: nextHash,
      previousHash: hash,
      renewedAtMs: nowMs,
      confirmedAtMs: null,
    };
    this.#table.put(renewed);
    return renewed;
  }

  /** Null if there is no such session, or if it has ended. */
  get(id: string, nowMs: number): StoredSession | null {
    const session = this.#table.byId(id);
    return session !== null && isOpen(session, nowMs) ? session : null;
  }

  /** The open sessions of a user, the newest first. */
  list(userId: string, nowMs: number): StoredSession[] {
    return this.#table.list(userId).filter((session) => isOpen(session, nowMs));
  }

  /** Forgets those that have ended by themselves. */
  prune(nowMs: number): void {
    this.#table.removeEnded(nowMs - SESSION_IDLE_MS, nowMs);
  }

  /** Ends a session at once. Resolves when its sockets were told, or after a short time. */
  end(id: string): Promise<void> {
    this.#table.remove(id);
    return this.#ports.hasEnded(id);
  }
}

function isOpen({ seenAtMs, expiresAtMs }: StoredSession, nowMs: number): boolean {
  return nowMs < expiresAtMs && nowMs - seenAtMs < SESSION_IDLE_MS;
}
