import { reaches } from "../../protocol/access.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_CREDENTIAL_UNITS } from "../../protocol/limits.ts";
import {
  type AwarenessEntry,
  decodeYjsFrame,
  encodeAwareness,
  encodeDenied,
  encodeSyncStep1,
  encodeSyncStep2,
} from "../../protocol/yjs-frames.ts";
import type { DurableFragment } from "../fragment/durable-fragment.ts";
import type { RenewalRequest } from "./effects.ts";
import type { Presence } from "./presence.ts";
import type { Session, YjsSession } from "./session.ts";
import { UpdateWindow } from "./update-window.ts";
import { sendNotice, YjsSessions, yjsCloseCode } from "./yjs-sessions.ts";

/** The room, as the Yjs protocol needs it. */
export interface YjsPorts {
  readonly fragment: DurableFragment;
  readonly presence: Presence;
  /** All sessions, of both protocols. */
  sessions(): Iterable<Session>;
  /** Whether a JSON session shows its cursor under this client id. */
  isJsonClient(clientId: number): boolean;
  /** Ends a session from this side. */
  expel(session: Session, code: number, reason: string, nowMs: number): void;
}

const READ_ONLY = refusal(
  "forbidden",
  "You may read this fragment, and not write: nobody else gets your edit.",
);

const FOREIGN = refusal(
  "malformed_update",
  "This address speaks the y-websocket protocol, and your first frame is not part of it",
);

/** The Yjs side of a room: its sessions, the effects of their frames, and the window that collects their edits. */
export class YjsProtocol {
  readonly sessions = new YjsSessions();
  readonly #ports: YjsPorts;
  readonly #window = new UpdateWindow();

  constructor(ports: YjsPorts) {
    this.#ports = ports;
  }

  /** Whether edits wait for the window to close. */
  get hasPending(): boolean {
    return !this.#window.isEmpty;
  }

  /** When to call `deliver`; null if no edit waits. */
  dueAt(nowMs: number): number | null {
    return this.#window.isEmpty ? null : this.#window.dueAt(this.sessions.size, nowMs);
  }

  /** Adds a session. */
  join(session: YjsSession): void {
    session.isUnderstood = false;
    this.sessions.add(session);
  }

  /** Does what one frame asks for. A malformed frame ends the session, after a notice. */
  receive(session: YjsSession, message: string | Uint8Array, nowMs: number): RenewalRequest | null {
    if (typeof message === "string") {
      this.#ports.expel(session, CLOSE.malformed, "A frame must be binary", nowMs);
      return null;
    }
    const frame = decodeYjsFrame(message);
    if (frame === null) {
      this.#endMalformed(session, "The frame cannot be decoded.", nowMs);
      return null;
    }
    if (frame.kind !== "foreign") session.isUnderstood = true;
    switch (frame.kind) {
      case "step1":
        this.#answerStep1(session, frame.stateVector, nowMs);
        break;
      case "push":
        if (mayWrite(session)) this.#receivePush(session, frame.seq, frame.update);
        else tellRefusal(session);
        break;
      case "step2":
        if (mayWrite(session)) this.#window.push({ session, kind: "step2", update: frame.update });
        else this.#dropStep2(session, frame.update, nowMs);
        break;
      case "update":
        if (mayWrite(session)) this.#window.push({ session, kind: "update", update: frame.update });
        else tellRefusal(session);
        break;
      case "awareness":
        for (const entry of frame.entries) this.#receiveAwareness(session, entry, nowMs);
        break;
      case "queryAwareness":
        this.#sendAllPresence(session);
        break;
      case "renewal":
        if (session.record.isOwnClient && frame.token.length <= MAX_CREDENTIAL_UNITS)
          return { kind: "renewal", session, token: frame.token, requestId: undefined };
        sendNotice(session, refusal("invalid_frame", "The token is too long."));
        break;
      case "foreign":
        // y-protocols tells peers to ignore unknown messages. But a y-websocket provider begins with one that we know.
        if (!session.isUnderstood) this.end(session, FOREIGN, nowMs);
        break;
      default:
        frame satisfies never;
    }
    return null;
  }

  /**
   * Takes note that the session may write now and might not before, or the other way round. What it pushed meanwhile was
   * dropped. Once it may write, a sync step 2 brings that, and until then no `saved` covers it.
   */
  roleChanged(session: YjsSession): void {
    if (!mayWrite(session)) {
      if (session.gapped.isEmpty) return;
      session.gapped.drop();
      tellRefusal(session);
    } else if (session.record.isOwnClient) {
      session.gapped.drop();
      this.sessions.noteGap(session);
      this.sessions.askForMore(session, this.#ports.fragment.text.stateVector());
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
    return new Set([...result.authors].map(({ record }) => record.access.principal.id));
  }

  /** Ends a session, and tells it why. */
  end(session: YjsSession, why: Refusal, nowMs: number): void {
    sendNotice(session, why);
    this.#ports.expel(session, yjsCloseCode(why.code), why.message, nowMs);
  }

  /** Ends the sessions whose gapped pushes were lost with the last room: they reconnect and push again. */
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

  /**
   * A provider answers our step 1 also if it may only read. It is told of it if it has edits of its own, and stays: it
   * would bring them again after each reconnect.
   */
  #dropStep2(session: YjsSession, update: Uint8Array, nowMs: number): void {
    if (!session.isAskedForMore) return;
    session.isAskedForMore = false;
    const news = this.#ports.fragment.text.hasNews(update);
    if (!news.ok && news.refusal.code === "deleted") this.end(session, news.refusal, nowMs);
    else if (!news.ok || news.value) tellRefusal(session);
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
   * Takes an entry if it is the session's own. Stock providers also send everybody else's states back: such an echo is
   * dropped silently. From a session without a client id, an entry claims its id. If a live session owns the id, the
   * entry must be newer than the known one; otherwise it is an echo. So is an entry that says a client left.
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

function mayWrite({ record }: YjsSession): boolean {
  return reaches(record.access.role, "editor");
}

/** Tells a session that what it wrote was dropped. */
function tellRefusal(session: YjsSession): void {
  if (session.record.isOwnClient) sendNotice(session, READ_ONLY);
  else if (!session.isToldOfRefusal) session.peer.send(encodeDenied(READ_ONLY.message));
  session.isToldOfRefusal = true;
}
