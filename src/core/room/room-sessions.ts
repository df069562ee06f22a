import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import type { PeerPresence } from "../../protocol/json-frames.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { DurableFragment } from "../fragment/durable-fragment.ts";
import type { Write } from "../fragment/write.ts";
import { earlier, isDue } from "./cadence.ts";
import { JsonProtocol } from "./json-protocol.ts";
import { send } from "./json-sessions.ts";
import { Presence } from "./presence.ts";
import { toPeer } from "./presence-state.ts";
import { isJson, type JsonSession, type Session } from "./session.ts";
import { YjsProtocol } from "./yjs-protocol.ts";
import { sendNotice } from "./yjs-sessions.ts";

/**
 * All sessions of a room, in the two protocols, and what they show each other of themselves. A session that has left, or
 * was expelled, is in none of them.
 */
export class RoomSessions {
  readonly json: JsonProtocol;
  readonly yjs: YjsProtocol;
  readonly presence = new Presence();
  readonly #fragment: DurableFragment;
  #changes = 0;

  /** @param submit queues a write of a JSON session */
  constructor(fragment: DurableFragment, submit: (write: Write) => void) {
    const { presence } = this;
    this.#fragment = fragment;
    this.json = new JsonProtocol({ fragment, presence, submit });
    this.yjs = new YjsProtocol({
      fragment,
      presence,
      sessions: () => this.all(),
      expel: (session, code, reason, nowMs) => this.expel(session, code, reason, nowMs),
    });
  }

  get size(): number {
    return this.json.sessions.size + this.yjs.sessions.size;
  }

  /** A counter that grows whenever a session joins, leaves or changes its presence. */
  get changes(): number {
    return this.#changes;
  }

  all(): readonly Session[] {
    return [...this.json.sessions.values(), ...this.yjs.sessions.values()];
  }

  has(session: Session): boolean {
    return isJson(session) ? this.json.sessions.has(session) : this.yjs.sessions.has(session);
  }

  /** Takes in a session whose socket outlived the last room. */
  restore(session: Session): void {
    if (isJson(session)) {
      this.json.restore(session);
      this.#noteCursorId(session);
    } else this.yjs.sessions.add(session);
  }

  /** Adds a new session. A JSON session is sent the fragment. */
  join(session: Session): void {
    this.#changes++;
    if (isJson(session)) {
      this.json.join(session);
      this.#noteCursorId(session);
    } else this.yjs.join(session);
    session.peer.remember(session.record);
  }

  /** Shows the others to a new session. A Yjs session is shown them when it has sent its first frame. */
  showPeers(session: Session): void {
    if (!isJson(session) || session.record.isOldClient) return;
    const peers = this.#peers();
    if (peers.length > 0) send(session, { action: "presence", peers });
  }

  /** The session's socket is gone. */
  leave(session: Session, nowMs: number): void {
    this.#changes++;
    const hadPresence = this.presence.remove(session);
    if (isJson(session)) {
      this.json.leave(session, nowMs);
      if (session.record.clientId !== null) this.yjs.sessions.ids.removeJson(session.record.clientId);
    } else this.yjs.leave(session, nowMs);
    if (hadPresence) this.#flushPresence(nowMs);
  }

  /** Ends a session from this side. */
  expel(session: Session, code: number, reason: string, nowMs: number): void {
    this.leave(session, nowMs);
    session.peer.close(code, reason);
  }

  /** Tells a session that something was refused. */
  tell(session: Session, why: Refusal, requestId?: string): void {
    if (isJson(session)) this.json.refuse(session, why, requestId);
    else sendNotice(session, why);
  }

  /** Tells all sessions that the fragment was deleted, and ends them. */
  endAll(nowMs: number): void {
    const { id } = this.#fragment;
    this.yjs.edits.held.clear();
    // All sessions end here, so nobody has to be told that the cursors are gone.
    for (const { record } of this.all()) record.presence = null;
    this.presence.expire([], nowMs);
    const why = refusal("deleted", `Fragment '${id}' was deleted`);
    for (const session of this.all()) {
      if (isJson(session)) {
        send(session, { action: "deleted", id, timestamp: timestamp(nowMs) });
        this.expel(session, CLOSE.deleted, why.message, nowMs);
      } else this.yjs.end(session, why, nowMs);
    }
  }

  /** Sends what can wait for a while: presence, and whole texts to JSON sessions. */
  run(nowMs: number): void {
    if (isDue(this.presence.dueAt(this.size, nowMs), nowMs)) this.#flushPresence(nowMs);
    if (isDue(this.#textDueAt(nowMs), nowMs)) this.json.sessions.flush(this.#fragment.committed, nowMs);
    this.json.sessions.remember();
  }

  /** When to call `run`; null if nothing waits. */
  dueAt(nowMs: number): number | null {
    return earlier(this.presence.dueAt(this.size, nowMs), this.#textDueAt(nowMs));
  }

  /** Forgets cursors whose renewals stopped. */
  expirePresence(nowMs: number): void {
    this.presence.expire(this.yjs.sessions.values(), nowMs);
    this.#flushPresence(nowMs);
  }

  /** No Yjs session may claim the client id of a JSON session's cursor. */
  #noteCursorId({ record }: JsonSession): void {
    if (record.clientId !== null) this.yjs.sessions.ids.addJson(record.clientId);
  }

  /** Does not load the document: while its size is unknown, no session is behind. */
  #textDueAt(nowMs: number): number | null {
    const known = this.#fragment.committedIfKnown;
    return known === null ? null : this.json.sessions.dueAt(known.size, nowMs);
  }

  #flushPresence(nowMs: number): void {
    for (const session of this.presence.renewSilent(this.json.sessions.values(), nowMs))
      this.json.sessions.markChanged(session);
    const { entries, onlyTeller, hasNews } = this.presence.drain(nowMs);
    this.yjs.sessions.broadcastPresence(entries);
    for (const { client } of entries) {
      const owner = this.yjs.sessions.ids.ownerOf(client);
      if (owner !== undefined) owner.peer.remember(owner.record);
    }
    if (!hasNews) return;
    this.#changes++;
    if (this.json.sessions.size > 0) this.json.sessions.broadcastPresence(this.#peers(), onlyTeller);
  }

  /** All sessions that show a presence, as JSON clients see them. */
  #peers(): PeerPresence[] {
    return this.all().flatMap((session) => toPeer(session, this.#fragment.text) ?? []);
  }
}
