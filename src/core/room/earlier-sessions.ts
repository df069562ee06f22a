import { REBASE_HORIZON_MS } from "../../protocol/limits.ts";

interface EarlierSession {
  /** The revision that was current when it joined. */
  readonly from: number;
  /** Null while its socket is open, as far as we know. */
  leftMs: number | null;
  /** No other session was open while it was, and nobody else has written since it joined. */
  isAlone: boolean;
}

/**
 * The JSON sessions of the last ten minutes. A page that was cut off comes back as a new session, and may still show a
 * text that its old session knew. Nothing says which session that was, and its socket may still count as open.
 *
 * Held in memory only. The sessions before this room are unknown, so any page may have had one.
 */
export class EarlierSessions {
  readonly #isAfterAnotherRoom: boolean;
  readonly #sessions = new Map<object, EarlierSession>();

  /** @param isAfterAnotherRoom the fragment existed when the room was opened */
  constructor(isAfterAnotherRoom: boolean) {
    this.#isAfterAnotherRoom = isAfterAnotherRoom;
  }

  joined(session: object, revision: number): void {
    const open = [...this.#sessions.values()].filter(({ leftMs }) => leftMs === null);
    for (const one of open) one.isAlone = false;
    this.#sessions.set(session, { from: revision, leftMs: null, isAlone: open.length === 0 });
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
    for (const [session, one] of this.#sessions) {
      one.isAlone &&= writers.size === 0 || (writers.size === 1 && writers.has(session));
    }
  }

  /**
   * The oldest revision that this session's page may still show from an earlier session. Null if there was no earlier
   * session, or if the only one made every write since it joined.
   */
  oldestShown(session: object, nowMs: number): number | null {
    if (this.#isAfterAnotherRoom) return 1;
    const others = [...this.#sessions]
      .filter(([one, { leftMs }]) => one !== session && (leftMs ?? nowMs) >= nowMs - REBASE_HORIZON_MS)
      .map(([, one]) => one);
    const [only] = others;
    if (only === undefined || (others.length === 1 && only.leftMs !== null && only.isAlone)) return null;
    return Math.min(...others.map(({ from }) => from));
  }
}
