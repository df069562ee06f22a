import type { Access } from "../../protocol/access.ts";
import { GappedPushes } from "./gapped-pushes.ts";
import { type KnowledgeRecord, SessionKnowledge } from "./session-knowledge.ts";

/**
 * The room's end of a session's socket: a WebSocket in production, a queue in tests. Its methods never throw; the room
 * learns by `leave` that a socket is dead.
 */
export interface Peer {
  send(frame: string | Uint8Array): void;
  /** Ends the connection; the room has already forgotten the session. */
  close(code: number, reason: string): void;
  /** Keeps the record where it survives hibernation: the socket's attachment. */
  remember(record: SessionRecord): void;
}

/** A session's awareness, as stock peers encode it; `state` is JSON. */
export interface PresenceEntry {
  readonly clock: number;
  readonly state: string;
  /** When it was last renewed; null if it holds as long as the socket is open, and need not be renewed. */
  readonly renewedAtMs: number | null;
}

interface CommonRecord {
  readonly id: string;
  /** Replaced whole, when a token is renewed or a right is taken away. */
  access: Access;
  /** It was told that its access ends soon. */
  isToldOfEnd: boolean;
  /** The awareness client id. A JSON session is given one, a Yjs session claims its own. */
  clientId: number | null;
  presence: PresenceEntry | null;
  /**
   * The clock of its last entry, also of one that said it left: peers accept only higher clocks. Before the first entry
   * it is 0 for a JSON session, since stock peers ignore a 0 from a client that they do not know (y-protocols 1.0.7),
   * and -1 for a Yjs session, which counts for itself.
   */
  presenceClock: number;
}

export interface JsonRecord extends CommonRecord {
  readonly protocol: "json";
  /** It joined on an old path: unknown actions get no answer, and merged texts are sent as `update`. */
  readonly isOldClient: boolean;
  /** `?changes=1`: gets changes instead of whole texts. */
  readonly wantsChanges: boolean;
  /** `?client=`: the name under which its requests are remembered. */
  readonly clientName: string | null;
  readonly knowledge: KnowledgeRecord;
}

export interface YjsRecord extends CommonRecord {
  readonly protocol: "yjs";
  /** The subprotocol was agreed: it pushes, and understands `saved` and `notice`. */
  readonly isOwnClient: boolean;
  /**
   * It has gapped pushes, or updates that wait for the owners of client ids. They are in memory only: if the room is lost,
   * the session must reconnect and send them again.
   */
  isBehind: boolean;
}

export type SessionRecord = JsonRecord | YjsRecord;

export interface JsonSession {
  readonly record: JsonRecord;
  readonly peer: Peer;
  readonly knowledge: SessionKnowledge;
}

export interface YjsSession {
  readonly record: YjsRecord;
  readonly peer: Peer;
  /** The session has sent a frame that we know. */
  isUnderstood: boolean;
  /** A sync step 1 of ours is not answered yet. Only one at a time asks for what is missing. */
  isAskedForMore: boolean;
  /** How often it was sent a sync step 1, and how often it has answered with a step 2. No answer is taken without a question. */
  questions: number;
  answers: number;
  /** When its first frame came, if it has joined in the life of this room, and its last one. */
  joinedMs: number;
  heardMs: number;
  /** When it was last asked as the owner of its client id. */
  askedMs: number;
  readonly gapped: GappedPushes;
  /** The memory of its updates in `HeldUpdates`. */
  heldBytes: number;
  /** Its claim of a client id waits for the owner. */
  isClaiming: boolean;
  /** When it may claim a client id again that a live session owns. */
  claimsAtMs: number;
  /**
   * The highest `push` received, the highest that was judged while no other waited and not refused, and the highest answered
   * by `saved`; -1: none. After a reconnect, one push may hold all that came before it under other numbers.
   */
  pushedSeq: number;
  acceptedSeq: number;
  savedSeq: number;
}

export type Session = JsonSession | YjsSession;

/** The session that a record describes: a new one, or one whose socket has outlived the last room. */
export function openSession(record: JsonRecord, peer: Peer): JsonSession;
export function openSession(record: YjsRecord, peer: Peer): YjsSession;
export function openSession(record: SessionRecord, peer: Peer): Session;
export function openSession(record: SessionRecord, peer: Peer): Session {
  if (record.protocol === "json") return { record, peer, knowledge: new SessionKnowledge(record.knowledge) };
  return {
    record,
    peer,
    isUnderstood: true,
    isAskedForMore: false,
    questions: 0,
    answers: 0,
    joinedMs: Number.NEGATIVE_INFINITY,
    heardMs: Number.NEGATIVE_INFINITY,
    askedMs: Number.NEGATIVE_INFINITY,
    gapped: new GappedPushes(),
    heldBytes: 0,
    isClaiming: false,
    claimsAtMs: Number.NEGATIVE_INFINITY,
    pushedSeq: -1,
    acceptedSeq: -1,
    savedSeq: -1,
  };
}

export function isJson(session: Session): session is JsonSession {
  return session.record.protocol === "json";
}
