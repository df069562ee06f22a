import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import {
  type AwarenessEntry,
  decodeYjsFrame,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
} from "../../protocol/yjs-frames.ts";
import type { DurableFragment } from "../fragment/durable-fragment.ts";
import type { Presence } from "./presence.ts";
import type { Session, YjsSession } from "./session.ts";
import { UpdateWindow } from "./update-window.ts";
import { sendNotice, YjsSessions, yjsCloseCode } from "./yjs-sessions.ts";

/** What the Yjs protocol needs of its room. */
export interface YjsPorts {
  readonly fragment: DurableFragment;
  readonly presence: Presence;
  /** All sessions, of both protocols. */
  sessions(): Iterable<Session>;
  /** A JSON session shows its cursor under this client id. */
  isJsonClient(clientId: number): boolean;
  /** Ends a session from this side. */
  expel(session: Session, code: number, reason: string, nowMs: number): void;
}

const FOREIGN = refusal(
  "malformed_update",
  "This address speaks the protocol of y-websocket, and your first frame is none of it",
);

/** The Yjs side of a room: its sessions, what their frames do, and the window in which their edits are collected. */
export class YjsProtocol {
  readonly sessions = new YjsSessions();
  readonly #ports: YjsPorts;
  readonly #window = new UpdateWindow();

  constructor(ports: YjsPorts) {
    this.#ports = ports;
  }

  /** Edits wait for the window to close. */
  get hasPending(): boolean {
    return !this.#window.isEmpty;
  }

  /** When to call `deliver`; null if no edit waits. */
  dueAt(nowMs: number): number | null {
    return this.#window.isEmpty ? null : this.#window.dueAt(this.sessions.size, nowMs);
  }

  /** Takes a session in. */
  join(session: YjsSession): void {
    session.isUnderstood = false;
    this.sessions.add(session);
  }

  /** Does what one frame asks for. A malformed frame ends the session, after a notice. */
  receive(session: YjsSession, message: string | Uint8Array, nowMs: number): void {
    if (typeof message === "string") {
      this.#ports.expel(session, CLOSE.malformed, "A frame is binary", nowMs);
      return;
    }
    const frame = decodeYjsFrame(message);
    if (frame === null) {
      this.#endMalformed(session, "The frame cannot be decoded.", nowMs);
      return;
    }
    if (frame.kind !== "foreign") session.isUnderstood = true;
    switch (frame.kind) {
      case "step1":
        this.#answerStep1(session, frame.stateVector, nowMs);
        break;
      case "push":
        this.#receivePush(session, frame.seq, frame.update);
        break;
      case "step2":
      case "update":
        this.#window.push({ session, kind: frame.kind, update: frame.update });
        break;
      case "awareness":
        for (const entry of frame.entries) this.#receiveAwareness(session, entry, nowMs);
        break;
      case "queryAwareness":
        this.#sendAllPresence(session);
        break;
      case "foreign":
        // y-protocols has peers ignore messages that they do not know. But its providers begin with one that we know.
        if (!session.isUnderstood) this.end(session, FOREIGN, nowMs);
        break;
      default:
        frame satisfies never;
    }
  }

  /**
   * Closes the window: checks and applies the edits in it, and sends them on as one update.
   *
   * @returns the authors of what was new
   */
  deliver(nowMs: number): Iterable<string> {
    const { fragment } = this.#ports;
    const { serverClientId } = fragment.alive;
    const result = this.#window.close(fragment.text, this.sessions, serverClientId, nowMs);
    if (result.update !== null) this.sessions.broadcastUpdate(result.update, result.onlyAuthor);
    if (result.isServerIdBehind) fragment.renewServerClientId();
    for (const [session, why] of result.refused) this.end(session, why, nowMs);
    for (const session of result.displaced) this.#displace(session, nowMs);
    return new Set([...result.authors].map(({ record }) => record.principal.kind));
  }

  /** Ends a session, and tells it why. */
  end(session: YjsSession, why: Refusal, nowMs: number): void {
    sendNotice(session, why);
    this.#ports.expel(session, yjsCloseCode(why.code), why.message, nowMs);
  }

  /** Ends the sessions of the last room that had pushes only there: they connect and push anew. */
  expelForgotten(nowMs: number): void {
    for (const session of [...this.sessions.values()].filter(({ record }) => record.isBehind))
      this.#ports.expel(session, CLOSE.serverError, "The session is not known any more", nowMs);
  }

  /** A session without our subprotocol gets no `saved`: its push is treated as an update. */
  #receivePush(session: YjsSession, seq: number, update: Uint8Array): void {
    const { isOwnClient } = session.record;
    if (isOwnClient) this.sessions.pushed(session, seq);
    this.#window.push({ session, kind: isOwnClient ? "push" : "update", update });
  }

  /** Sends what the peer lacks, asks for what we lack, and shows the peer everybody's presence. */
  #answerStep1(session: YjsSession, stateVector: Uint8Array, nowMs: number): void {
    const { text } = this.#ports.fragment;
    const missing = text.missingFor(stateVector);
    if (missing === null) {
      this.#endMalformed(session, "The state vector cannot be decoded.", nowMs);
      return;
    }
    session.peer.send(encodeSyncStep2(missing));
    session.peer.send(encodeSyncStep1(text.stateVector()));
    session.isAskedForMore = true;
    this.#sendAllPresence(session);
  }

  #sendAllPresence(session: YjsSession): void {
    const entries = this.#ports.presence.all(this.#ports.sessions());
    if (entries.length > 0) session.peer.send(encodeAwareness(entries));
  }

  /**
   * Takes a session's own entry. Stock providers send everybody's state back, which is dropped without a word. An
   * entry that a live session owns is a claim only if it is newer than what is known; otherwise it is such an echo. An
   * entry that says a client left does not come from that client.
   */
  #receiveAwareness(session: YjsSession, entry: AwarenessEntry, nowMs: number): void {
    const { record } = session;
    if (record.clientId === null) {
      const owner = this.sessions.ownerOf(entry.client);
      const isEcho = owner !== undefined && entry.clock <= owner.record.presenceClock;
      if (isEcho || entry.state === "null" || this.#ports.isJsonClient(entry.client)) return;
      const { serverClientId } = this.#ports.fragment.alive;
      const claimed = this.sessions.claim(session, [entry.client], serverClientId);
      if (!claimed.ok) return;
      if (claimed.value !== null) this.#displace(claimed.value, nowMs);
    }
    if (entry.client !== record.clientId) return;
    const refused = this.#ports.presence.set(session, entry, nowMs, !record.isOwnClient);
    if (refused !== null) sendNotice(session, refused);
  }

  /** Ends a session whose client id a reconnecting peer has taken over. */
  #displace(session: YjsSession, nowMs: number): void {
    // The id lives on with the newer session, and so does its cursor.
    session.record.presence = null;
    this.#ports.expel(session, CLOSE.forged, "A newer connection has taken over this client id", nowMs);
  }

  #endMalformed(session: YjsSession, message: string, nowMs: number): void {
    this.end(session, refusal("malformed_update", message), nowMs);
  }
}
