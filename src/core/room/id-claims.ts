import { OWNER_ANSWER_MS } from "../../protocol/limits.ts";
import type { AwarenessEntry } from "../../protocol/yjs-frames.ts";
import { CLIENT_ID_TAKEN, type ClientIds, isSameUser, mayReplace } from "./client-ids.ts";
import type { HeldUpdates } from "./held-updates.ts";
import type { YjsSession } from "./session.ts";
import { sendNotice } from "./yjs-sessions.ts";

/** The claims of sessions without a client id, by their awareness entries. A live owner of the id is asked first. */
export class IdClaims {
  readonly #ids: ClientIds;
  readonly #held: HeldUpdates;
  /** The last entry of each session whose claim waits for an owner. */
  readonly #waiting = new Map<YjsSession, AwarenessEntry>();

  constructor(ids: ClientIds, held: HeldUpdates) {
    this.#ids = ids;
    this.#held = held;
  }

  /**
   * Gives a session the client id of its entry, if nobody else owns it. If a live session owns it, the entry must be newer
   * than the known one: otherwise it is an echo, unless it is the first that its provider sends.
   */
  claim(session: YjsSession, entry: AwarenessEntry, isFirst: boolean, nowMs: number): void {
    const owner = this.#ids.ownerOf(entry.client);
    if (owner === undefined) {
      if (!this.#ids.claim(session, entry.client, nowMs)) this.refuse(session, nowMs);
    } else if (entry.clock >= owner.record.presenceClock + (isFirst ? 0 : 1)) {
      if (isSameUser(owner, session)) this.#takeOver(session, owner, nowMs);
      else if (nowMs >= session.claimsAtMs) {
        this.#waiting.set(session, entry);
        session.isClaiming = true;
        this.#held.claim(session, owner, nowMs);
      }
    }
  }

  /** The owner of the client id has answered. The session goes on without the id, and may ask again later. */
  refuse(session: YjsSession, nowMs: number): void {
    this.#waiting.delete(session);
    session.isClaiming = false;
    session.claimsAtMs = nowMs + OWNER_ANSWER_MS;
    sendNotice(session, CLIENT_ID_TAKEN);
  }

  /** Whether another session waits for the client id of a silent one, and may go on with its cursor. */
  areHeirsOf(silent: YjsSession): boolean {
    const { clientId } = silent.record;
    for (const [session, { client }] of this.#waiting)
      if (client === clientId && mayReplace(session, silent)) return true;
    return false;
  }

  /** A session has left. Returns the claims for its client id, to be tried again in order. */
  left(session: YjsSession): (readonly [YjsSession, AwarenessEntry])[] {
    this.#waiting.delete(session);
    const claims: (readonly [YjsSession, AwarenessEntry])[] = [];
    for (const claimant of this.#held.left(session)) {
      const entry = this.#waiting.get(claimant);
      this.#waiting.delete(claimant);
      claimant.isClaiming = false;
      if (entry !== undefined) claims.push([claimant, entry]);
    }
    return claims;
  }

  /** Another session of the same user goes on with the client id and its cursor. Both may write under it. */
  #takeOver(session: YjsSession, owner: YjsSession, nowMs: number): void {
    this.#ids.handOver(owner, session);
    this.#held.probe(owner, nowMs);
  }
}
