import { CLOSE, type CloseCode } from "../../protocol/close-codes.ts";
import type { ErrorCode, Refusal } from "../../protocol/errors.ts";
import {
  type AwarenessEntry,
  encodeAccess,
  encodeAwareness,
  encodeNotice,
  encodeSaved,
  encodeSyncStep1,
  encodeUpdate,
} from "../../protocol/yjs-frames.ts";
import { ClientIds } from "./client-ids.ts";
import type { YjsSession } from "./session.ts";

/**
 * The Yjs sessions of a room: which client id each of them owns, what they pushed, and the frames that go to all of
 * them, encoded once.
 */
export class YjsSessions {
  readonly #sessions = new Map<string, YjsSession>();
  readonly ids = new ClientIds();
  /** Sessions with a push that no `saved` has answered. */
  readonly #unsaved = new Set<YjsSession>();
  /** Sessions whose sync step 2 came before what it builds on. */
  readonly #early = new Set<YjsSession>();
  /** Something new came in after one of these had sent its sync step 2. */
  #hasNewsForEarly = false;

  get size(): number {
    return this.#sessions.size;
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.size > 0;
  }

  has(session: YjsSession): boolean {
    return this.#sessions.get(session.record.id) === session;
  }

  values(): Iterable<YjsSession> {
    return this.#sessions.values();
  }

  add(session: YjsSession): void {
    this.#sessions.set(session.record.id, session);
    this.ids.restore(session);
  }

  remove(session: YjsSession, nowMs: number): void {
    this.#sessions.delete(session.record.id);
    this.#unsaved.delete(session);
    this.#early.delete(session);
    this.ids.release(session, nowMs);
  }

  pushed(session: YjsSession, seq: number): void {
    session.pushedSeq = Math.max(session.pushedSeq, seq);
    this.#unsaved.add(session);
  }

  /** Answers the pushes of the sessions that have none waiting. Everything applied must be durable. */
  sendSaved(revision: number): void {
    for (const session of this.#unsaved) {
      if (hasWaiting(session)) continue;
      this.#unsaved.delete(session);
      if (session.pushedSeq <= session.savedSeq) continue;
      session.savedSeq = session.pushedSeq;
      session.peer.send(encodeSaved(session.savedSeq, revision));
    }
  }

  /** Stores in the record whether pushes of the session wait in memory, if that has changed. */
  noteGap(session: YjsSession): void {
    const isBehind = hasWaiting(session);
    if (session.record.isBehind === isBehind) return;
    session.record.isBehind = isBehind;
    session.peer.remember(session.record);
  }

  /** @param except the session that made all of it, and so has it already */
  broadcastUpdate(update: Uint8Array, except: YjsSession | null): void {
    if (this.#sessions.size === 0 || (this.#sessions.size === 1 && except !== null)) return;
    const frame = encodeUpdate(update);
    for (const session of this.#sessions.values()) if (session !== except) session.peer.send(frame);
  }

  /** Sent to all, also to those that the entries are about: a stock provider that hears nothing for 30 s reconnects. */
  broadcastPresence(entries: readonly AwarenessEntry[]): void {
    if (this.#sessions.size === 0 || entries.length === 0) return;
    const frame = encodeAwareness(entries);
    for (const session of this.#sessions.values()) session.peer.send(frame);
  }

  /**
   * This session's step 2 builds on edits that we lack, e.g. of a third peer that has not reconnected after a crash.
   * It is asked again after another session's step 2 has brought something new.
   */
  askLater(session: YjsSession): void {
    session.isAskedForMore = false;
    if (this.has(session)) this.#early.add(session);
  }

  /** The session has sent what it was asked for. */
  answered(session: YjsSession): void {
    session.isAskedForMore = false;
    this.#early.delete(session);
  }

  /** Something new was applied. */
  noteNews(): void {
    this.#hasNewsForEarly = this.#early.size > 0;
  }

  /** A sync step 2 was applied. */
  askAgain(stateVector: () => Uint8Array): void {
    if (!this.#hasNewsForEarly) return;
    this.#hasNewsForEarly = false;
    const early = [...this.#early];
    this.#early.clear();
    const vector = stateVector();
    for (const session of early) this.askForMore(session, vector);
  }

  /** Asks for what the session has and we lack, unless its answer is awaited already. */
  askForMore(session: YjsSession, stateVector: Uint8Array): void {
    // It may have left, or was ended, before its last frames were judged.
    if (!session.isAskedForMore && this.has(session)) this.ask(session, stateVector);
  }

  /** Sends a sync step 1. Returns its number: the session's answers are counted, too. */
  ask(session: YjsSession, stateVector: Uint8Array): number {
    session.isAskedForMore = true;
    session.peer.send(encodeSyncStep1(stateVector));
    return ++session.questions;
  }
}

/** Whether updates of the session are neither applied nor refused. */
export function hasWaiting({ gapped, heldBytes }: YjsSession): boolean {
  return !gapped.isEmpty || heldBytes > 0;
}

/** Tells a client of our subprotocol. A stock client would not understand a notice; it gets the close reason. */
export function sendNotice(session: YjsSession, { code, message }: Refusal): void {
  if (session.record.isOwnClient) session.peer.send(encodeNotice(code, message));
}

/** Tells a client of our subprotocol what it may do, and until when. */
export function sendAccess({ record, peer }: YjsSession): void {
  const { role, expiresAtMs } = record.access;
  if (record.isOwnClient) peer.send(encodeAccess(role, expiresAtMs));
}

/** Which refusals end a Yjs session, and how. */
export function yjsCloseCode(code: ErrorCode): CloseCode {
  switch (code) {
    case "content_too_large":
      return CLOSE.overLimit;
    case "forged_update":
      return CLOSE.forged;
    case "client_id_taken":
      return CLOSE.clientIdTaken;
    case "unavailable":
      return CLOSE.full;
    case "deleted":
      return CLOSE.deleted;
    default:
      return CLOSE.malformed;
  }
}
