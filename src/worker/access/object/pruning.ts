import type { EndedTokenTable } from "../../storage/access-ended-tokens.ts";
import type { KeyTable } from "../../storage/access-keys.ts";
import type { SocketNotes } from "../../storage/access-notes.ts";
import type { UserTable } from "../../storage/access-users.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import { DAY_MS, dayOf } from "./days.ts";
import type { Invitations } from "./invitations.ts";

/** A session lives at most a day, and the note of a grant may be an hour older than the session. */
const NOTES_MS = 26 * 60 * 60 * 1000;

/** An expired key stays in the list for this long, so that its owner sees why it is refused. */
const EXPIRED_KEYS_MS = 30 * DAY_MS;

/** A user that nobody has given a cap is forgotten after it was not seen for this long. */
const UNSEEN_USERS_DAYS = 90;

export interface PruningPorts {
  readonly keys: KeyTable;
  readonly users: UserTable;
  readonly endedTokens: EndedTokenTable;
  readonly notes: SocketNotes;
  readonly invitations: Invitations;
  readonly sessions: BrowserSessions;
}

/** Removes, once a day, what means nothing any more. */
export class Pruning {
  readonly #ports: PruningPorts;

  constructor(ports: PruningPorts) {
    this.#ports = ports;
  }

  run(nowMs: number): void {
    const { keys, users, endedTokens, notes, invitations, sessions } = this.#ports;
    invitations.prune(nowMs);
    sessions.prune(nowMs);
    notes.removeBefore(nowMs - NOTES_MS);
    endedTokens.removeUntil(nowMs);
    keys.removeExpired(nowMs - EXPIRED_KEYS_MS);
    users.removeUnseen(dayOf(nowMs) - UNSEEN_USERS_DAYS);
  }
}
