import { reaches } from "../../protocol/access.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_CREDENTIAL_UNITS } from "../../protocol/limits.ts";
import {
  type AwarenessEntry,
  decodeYjsFrame,
  encodeAwareness,
  encodeSyncStep2,
} from "../../protocol/yjs-frames.ts";
import type { DurableFragment } from "../fragment/durable-fragment.ts";
import { CLIENT_ID_TAKEN } from "./client-ids.ts";
import type { RefusedFrame, RenewalRequest } from "./effects.ts";
import { IdClaims } from "./id-claims.ts";
import type { Presence } from "./presence.ts";
import type { Session, YjsSession } from "./session.ts";
import { YjsEdits } from "./yjs-edits.ts";
import { sendNotice, YjsSessions, yjsCloseCode } from "./yjs-sessions.ts";
import { received } from "./yjs-update.ts";

/** The room, as the Yjs protocol needs it. */
export interface YjsPorts {
  readonly fragment: DurableFragment;
  readonly presence: Presence;
  /** All sessions, of both protocols. */
  sessions(): Iterable<Session>;
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

/** The Yjs side of a room: its sessions, the effects of their frames, and the sessions that end for what they sent. */
export class YjsProtocol {
  readonly sessions = new YjsSessions();
  readonly edits: YjsEdits;
  readonly #ports: YjsPorts;
  readonly #claims: IdClaims;
  /** Sessions that end once their durable pushes are answered. */
  readonly #ending = new Map<YjsSession, Refusal>();

  constructor(ports: YjsPorts) {
    this.#ports = ports;
    this.edits = new YjsEdits({
      fragment: ports.fragment,
      sessions: this.sessions,
      refuse: (session, why, nowMs) => this.#refuse(session, why, nowMs),
      refuseClaim: (session, nowMs) => this.#refuseClaim(session, nowMs),
      endSilent: (session, nowMs) => this.#endSilent(session, nowMs),
    });
    this.#claims = new IdClaims(this.sessions.ids, this.edits.held);
  }

  /** Whether there is something for `tellDurable` to do. */
  get hasToTell(): boolean {
    return this.sessions.hasUnsaved || this.#ending.size > 0;
  }

  /** Adds a session. */
  join(session: YjsSession): void {
    session.isUnderstood = false;
    this.sessions.add(session);
  }

  /** Does what one frame asks for. A malformed frame ends the session, after a notice. */
  receive(
    session: YjsSession,
    message: string | Uint8Array,
    nowMs: number,
  ): RenewalRequest | RefusedFrame | null {
    if (this.#ending.size > 0 && this.#ending.has(session)) return null;
    session.heardMs = nowMs;
    if (typeof message === "string") {
      this.#ports.expel(session, CLOSE.malformed, "A frame must be binary", nowMs);
      return null;
    }
    const frame = decodeYjsFrame(message);
    if (frame === null) {
      this.#endMalformed(session, "The frame cannot be decoded.", nowMs);
      return null;
    }
    if (!session.isUnderstood && frame.kind !== "foreign") {
      session.isUnderstood = true;
      session.joinedMs = nowMs;
    }
    switch (frame.kind) {
      case "step1":
        this.#answerStep1(session, frame.stateVector, nowMs);
        break;
      case "push":
        if (!mayWrite(session)) return refuseWrite(session);
        this.#receivePush(session, frame.seq, frame.update);
        break;
      case "step2":
        this.#receiveStep2(session, frame.update, nowMs);
        break;
      case "update":
        if (!mayWrite(session)) return refuseWrite(session);
        this.edits.push(received(session, "update", frame.update));
        break;
      case "awareness":
        for (const entry of frame.entries)
          this.#receiveAwareness(session, entry, nowMs, isOpening(session) && frame.entries.length === 1);
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
      if (session.gapped.isEmpty && session.heldBytes === 0) return;
      session.gapped.drop();
      this.edits.held.drop(session);
      tellRefusal(session);
    } else if (session.record.isOwnClient) {
      session.gapped.drop();
      this.sessions.noteGap(session);
      this.sessions.askForMore(session, this.#ports.fragment.text.stateVector());
    }
  }

  /** Answers the pushes that are durable, and ends the sessions that have waited for that. */
  tellDurable(revision: number, nowMs: number): void {
    if (this.sessions.hasUnsaved) this.sessions.sendSaved(revision);
    for (const [session, why] of this.#ending) {
      this.#ending.delete(session);
      this.end(session, why, nowMs);
    }
  }

  /** The session's socket is gone. Its client id goes to the first session that claims it and may have it. */
  leave(session: YjsSession, nowMs: number): void {
    this.sessions.remove(session, nowMs);
    this.#ending.delete(session);
    for (const [claimant, entry] of this.#claims.left(session))
      this.#receiveAwareness(claimant, entry, nowMs);
  }

  /** Ends a session, and tells it why. */
  end(session: YjsSession, why: Refusal, nowMs: number): void {
    this.edits.held.drop(session);
    if (!this.sessions.has(session)) return; // it has left meanwhile
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
    this.edits.push(received(session, isOwnClient ? "push" : "update", update, seq));
  }

  /** A sync step 2 is taken if it answers a step 1 of ours. */
  #receiveStep2(session: YjsSession, update: Uint8Array, nowMs: number): void {
    const isAnswer = session.answers < session.questions;
    if (isAnswer) session.answers++;
    if (!mayWrite(session)) {
      if (isAnswer) this.#readStep2(session, update, nowMs);
    } else this.edits.push(received(session, isAnswer ? "step2" : "offer", update, session.answers));
  }

  /**
   * A provider answers our step 1 also if it may only read. It is told of it if it has edits of its own, and stays: it
   * would bring them again after each reconnect. It is still the authority over its client id.
   */
  #readStep2(session: YjsSession, update: Uint8Array, nowMs: number): void {
    session.isAskedForMore = false;
    const { text } = this.#ports.fragment;
    const news = text.hasNews(update);
    if (!news.ok && news.refusal.code === "deleted") this.end(session, news.refusal, nowMs);
    else if (!news.ok || news.value) tellRefusal(session);
    this.edits.heard(received(session, "step2", update, session.answers), nowMs);
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
    this.sessions.ask(session, text.stateVector());
    this.#sendAllPresence(session);
  }

  #sendAllPresence(session: YjsSession): void {
    const entries = this.#ports.presence.all(this.#ports.sessions());
    if (entries.length > 0) session.peer.send(encodeAwareness(entries));
  }

  /**
   * Takes an entry if it is the session's own. Stock providers also send everybody else's states back: such an echo is
   * dropped silently. From a session without a client id, an entry claims its id, unless it says that a client left.
   */
  #receiveAwareness(session: YjsSession, entry: AwarenessEntry, nowMs: number, isFirst = false): void {
    const { record } = session;
    const { serverClientId } = this.#ports.fragment.alive;
    const mayClaim = record.clientId === null && entry.state !== "null";
    if (mayClaim && this.sessions.ids.fault(entry.client, serverClientId) === null)
      this.#claims.claim(session, entry, isFirst, nowMs);
    if (entry.client !== record.clientId) return;
    const refused = this.#ports.presence.set(session, entry, nowMs, !record.isOwnClient);
    if (refused !== null) sendNotice(session, refused);
  }

  #refuseClaim(session: YjsSession, nowMs: number): void {
    if (this.sessions.has(session)) this.#claims.refuse(session, nowMs);
  }

  /** Ends a session that was asked and is silent. A session that claims its client id goes on with its cursor. */
  #endSilent(session: YjsSession, nowMs: number): void {
    if (this.#claims.areHeirsOf(session)) session.record.presence = null;
    const reason = "There was no answer in time, and another session claims the client id";
    this.#ports.expel(session, CLOSE.silent, reason, nowMs);
  }

  #refuse(session: YjsSession, why: Refusal, nowMs: number): void {
    if (why.code !== CLIENT_ID_TAKEN.code) {
      this.end(session, why, nowMs);
      return;
    }
    // It will make again what is not saved: so what is durable by then must be answered first.
    this.edits.held.drop(session);
    session.pushedSeq = session.acceptedSeq;
    this.#ending.set(session, why);
  }

  #endMalformed(session: YjsSession, message: string, nowMs: number): void {
    this.end(session, refusal("malformed_update", message), nowMs);
  }
}

/**
 * Whether nothing of the session's has come but what a provider sends when it opens its connection. What it hears then
 * begins with a sync step 1, so its echoes come behind the answer to that.
 */
function isOpening({ answers, joinedMs }: YjsSession): boolean {
  return answers === 0 && joinedMs > Number.NEGATIVE_INFINITY;
}

function mayWrite({ record }: YjsSession): boolean {
  return reaches(record.access.role, "editor");
}

/**
 * Tells a client of our subprotocol that what it wrote was dropped. A stock provider is told nothing: all that it takes is the
 * "permission denied" of y-protocols, and then y-websocket writes its address to the console, with the token in it.
 */
function tellRefusal(session: YjsSession): void {
  sendNotice(session, READ_ONLY);
}

function refuseWrite(session: YjsSession): RefusedFrame {
  tellRefusal(session);
  return { kind: "refused", session, code: READ_ONLY.code };
}
