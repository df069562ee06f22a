import { REBASE_HORIZON_MS } from "../../protocol/limits.ts";

interface EarlierSession {
  /** The revision that was current when it joined. */
  readonly from: number;
  /** Null while its socket is open, as far as we know. */
  leftMs: number | null;
  /** Another session was open at the same time, or somebody without a session has written since it joined. */
  hasCompany: boolean;
}

/**
 * The JSON sessions of the last ten minutes. A page that was cut off comes back as a new session, and may still show a
 * text that its old session knew. Nothing says which session that was, and its socket may still count as open.
 *
 * Held in memory only. The sessions of an earlier room are unknown.
 */
export class EarlierSessions {
  readonly #isAfterAnotherRoom: boolean;
  readonly #sessions = new Map<object, EarlierSession>();

  /** @param isAfterAnotherRoom the fragment existed when the room was opened: sessions of another room may have come before */
  constructor(isAfterAnotherRoom: boolean) {
    this.#isAfterAnotherRoom = isAfterAnotherRoom;
  }

  joined(session: object, revision: number): void {
    const open = [...this.#sessions.values()].filter(({ leftMs }) => leftMs === null);
    for (const one of open) one.hasCompany = true;
    this.#sessions.set(session, { from: revision, leftMs: null, hasCompany: open.length > 0 });
  }

  /** A session of the last room is still open; when it joined is not known any more. */
  restored(session: object): void {
    this.joined(session, 1);
  }

  left(session: object, nowMs: number): void {
    const one = this.#sessions.get(session);
    if (one !== undefined) one.leftMs = nowMs;
    for (const [old, { leftMs }] of this.#sessions) {
      if (leftMs !== null && leftMs < nowMs - REBASE_HORIZON_MS) this.#sessions.delete(old);
    }
  }

  /** @param writers the sessions with a write in a commit; null stands for anybody else */
  committed(writers: ReadonlySet<object | null>): void {
    if (!writers.has(null)) return;
    for (const one of this.#sessions.values()) one.hasCompany = true;
  }

  /**
   * The oldest revision that this session's page may still show from an earlier session, and whether we know of such a
   * session or only of none that rules it out. Null if there was no earlier session, or if they came one after the other
   * and made every write: that is one program, which connects for each write.
   */
  shownTo(session: object, nowMs: number): { readonly oldest: number; readonly isCertain: boolean } | null {
    const others = [...this.#sessions]
      .filter(([one, { leftMs }]) => one !== session && (leftMs ?? nowMs) >= nowMs - REBASE_HORIZON_MS)
      .map(([, one]) => one);
    const isCertain = others.some(({ leftMs, hasCompany }) => leftMs === null || hasCompany);
    if (this.#isAfterAnotherRoom) return { oldest: 1, isCertain };
    return isCertain ? { oldest: Math.min(...others.map(({ from }) => from)), isCertain } : null;
  }
}
