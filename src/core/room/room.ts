import { utf8Length } from "../../language/utf8.ts";
import type { Access, AccessChange } from "../../protocol/access.ts";
import type { OpenSessions } from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { ExpandedText, ExpansionResult } from "../../protocol/expansion.ts";
import type { PeerPresence } from "../../protocol/json-frames.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { type CommittedView, DurableFragment, type FragmentPorts } from "../fragment/durable-fragment.ts";
import { shownAt } from "../fragment/revision-history.ts";
import type { RequestKey, Write } from "../fragment/write.ts";
import type { LogState } from "../history/update-log.ts";
import type { Effect, ExpandRequest, RenewalRequest } from "./effects.ts";
import { FrameLimit } from "./frame-limit.ts";
import { JsonProtocol } from "./json-protocol.ts";
import { send } from "./json-sessions.ts";
import { openSessionsOf } from "./open-sessions.ts";
import { Presence } from "./presence.ts";
import { toPeer } from "./presence-state.ts";
import { isJson, type JsonSession, type Session } from "./session.ts";
import { SessionAccess } from "./session-access.ts";
import { WriteQueue } from "./write-queue.ts";
import { YjsProtocol } from "./yjs-protocol.ts";
import { sendNotice } from "./yjs-sessions.ts";

export interface RoomPorts extends FragmentPorts {
  /** Whether it is limited how much a session may send. */
  readonly isLimited?: boolean;
}

/**
 * The live side of one fragment: sessions, text, presence, fan-out, commits. Pure: it has no clock and no I/O of
 * its own; time comes with each call, and `dueAt` says when it wants to be called again.
 *
 * A message of a session comes in by `receive`, a write of a REST client by `submit`. Their effects leave by the
 * sessions' peers, by the write's own `answer`, and as the value of `receive`.
 *
 * Two cadences. Yjs edits are collected in a window, and checked, applied and broadcast as one (at once in a quiet
 * room). The applied edits, and the writes of JSON and REST clients, become durable in one commit (at once while the row
 * budget lasts). Order within a turn: broadcast to Yjs peers, then the write, then what the write allows:
 * acknowledgements and JSON frames.
 *
 * After a call that threw, the state of the room is undefined. The caller must drop the room and all its sessions, and
 * begin again from the log.
 */
export class Room {
  readonly #fragment: DurableFragment;
  readonly #presence = new Presence();
  readonly #json: JsonProtocol;
  readonly #yjs: YjsProtocol;
  readonly #writes = new WriteQueue();
  /** Null: sessions may send as much as they like. */
  readonly #limit: FrameLimit | null;
  /** The authors of the uncommitted Yjs edits. */
  #authors = new Set<string>();
  readonly #access: SessionAccess;
  #openSessionsChanges = 0;
  /** A long compaction is due, in a turn of its own. */
  #compactsNext = false;

  /** @param sessions those whose sockets outlived the last room */
  constructor(ports: RoomPorts, sessions: Iterable<Session> = []) {
    const fragment = new DurableFragment(ports);
    const presence = this.#presence;
    this.#fragment = fragment;
    this.#json = new JsonProtocol({ fragment, presence, submit: (write) => this.submit(write) });
    this.#yjs = new YjsProtocol({
      fragment,
      presence,
      sessions: () => this.#sessions(),
      expel: (session, code, reason, nowMs) => this.#expel(session, code, reason, nowMs),
    });
    this.#access = new SessionAccess({
      fragmentId: fragment.id,
      json: this.#json,
      yjs: this.#yjs,
      presence,
      sessions: () => this.#sessions(),
      tell: (session, why, requestId) => this.#tell(session, why, requestId),
      expel: (session, code, reason, nowMs) => this.#expel(session, code, reason, nowMs),
    });
    this.#limit =
      ports.isLimited !== true
        ? null
        : new FrameLimit({
            tell: (session, why) => this.#tell(session, why),
            expel: (session, code, reason, nowMs) => this.#expel(session, code, reason, nowMs),
          });
    for (const session of sessions) {
      this.#access.watch(session);
      if (isJson(session)) {
        this.#json.restore(session);
        this.#noteCursorId(session);
      } else this.#yjs.sessions.add(session);
    }
  }

  get id(): string {
    return this.#fragment.id;
  }

  get exists(): boolean {
    return this.#fragment.exists;
  }

  /** The state of the fragment in the log, deleted or not; null if there never was one. */
  get life(): LogState | null {
    return this.#fragment.life;
  }

  /** The committed revision. There must be a fragment. Loads the document. */
  get committed(): CommittedView {
    return this.#fragment.committed;
  }

  get sessionCount(): number {
    return this.#json.sessions.size + this.#yjs.sessions.size;
  }

  /** A counter that grows whenever a session joins, leaves or changes its presence. */
  get openSessionsChanges(): number {
    return this.#openSessionsChanges;
  }

  /** When to call `expirePresence`, at the latest; null if no session has to renew its presence. */
  get presenceExpiryAtMs(): number | null {
    return this.#presence.expiryAtMs;
  }

  /** When to call `run` for the sessions whose access ends, at the latest; null if none does. */
  get accessDueAtMs(): number | null {
    return this.#access.dueAtMs;
  }

  /** Whether everything that came in is durable. */
  get isDurable(): boolean {
    return !this.#yjs.hasPending && this.#writes.isEmpty && !this.#fragment.isDirty;
  }

  /** The sessions that have the fragment open. */
  openSessions(): OpenSessions {
    return openSessionsOf(this.#sessions());
  }

  /** The text and metadata of a past revision; null if that is not known any more. Loads the document. */
  shownAt(revision: number, nowMs: number): ReturnType<typeof shownAt> {
    return shownAt(this.#fragment.history, revision, nowMs);
  }

  /** The whole document as a Yjs update, uncommitted edits included. */
  snapshot(): Uint8Array {
    return this.#fragment.text.snapshot();
  }

  /** Whether a request of this id is committed and still remembered. */
  hasAnswered(request: RequestKey, nowMs: number): boolean {
    return this.#fragment.hasAnswered(request, nowMs);
  }

  /** Stores that the catalogue has this revision, with its text. */
  markDelivered(revision: number, nowMs: number): void {
    this.#fragment.markDelivered(revision, nowMs);
  }

  /** When work that can wait and costs this many rows may be done: `nowMs` if at once. */
  affordableAt(rows: number, nowMs: number): number {
    return this.#fragment.log.affordableAt(rows, nowMs);
  }

  /** Pays for rows that were written for this fragment elsewhere. */
  spend(rows: number, nowMs: number): void {
    this.#fragment.log.spend(rows, nowMs);
  }

  /**
   * Makes the fragment, with the write as its first revision.
   *
   * @param isNoted the catalogue has a note of the creation, and asks for the fragment if no delivery arrives
   */
  create(write: Write, isNoted: boolean, nowMs: number): void {
    if (!this.exists) this.#fragment.create(write, isNoted, nowMs);
    else {
      const why = refusal("already_exists", "The fragment exists already.");
      write.answer(refused(why));
    }
  }

  /** The access that a new session gets, from one that was checked on its way here. */
  admit(checked: Access, nowMs: number): Result<Access> {
    return this.#access.admit(checked, nowMs);
  }

  /** Adds a new session. There must be a fragment. */
  join(session: Session): void {
    this.#openSessionsChanges++;
    if (!isJson(session)) {
      this.#yjs.join(session);
      session.peer.remember(session.record);
      this.#access.joined(session);
      return;
    }
    this.#json.join(session);
    this.#noteCursorId(session);
    session.peer.remember(session.record);
    this.#access.joined(session);
    const peers = this.#peers();
    if (peers.length > 0 && !session.record.isOldClient) send(session, { action: "presence", peers });
  }

  /**
   * Takes one message of a session, in the protocol that the session speaks. Messages of an expelled session are ignored.
   *
   * @returns work that the room cannot do
   */
  receive(session: Session, message: string | Uint8Array, nowMs: number): Effect | null {
    if (!this.#holds(session) || this.#access.endIfExpired(session, nowMs)) return null;
    const bytes = typeof message === "string" ? utf8Length(message) : message.length;
    if (bytes > MAX_FRAME_BYTES) {
      const code = isJson(session) ? CLOSE.tooLarge : CLOSE.overLimit;
      this.#expel(session, code, "The frame is too large", nowMs);
      return null;
    }
    if (this.#limit?.allows(session, bytes, nowMs) === false)
      return { kind: "refused", session, code: "rate_limited" };
    if (isJson(session)) return this.#json.receive(session, message, nowMs);
    return this.#yjs.receive(session, message, nowMs);
  }

  /** @param content the text that was expanded */
  answerExpand(request: ExpandRequest, content: string, answer: ExpansionResult<ExpandedText>): void {
    this.#json.answerExpand(request, content, answer);
  }

  /** Takes the access that a session's new token gives. A session that has left meanwhile gets nothing. */
  answerRenewal(request: RenewalRequest, checked: Result<Access>, nowMs: number): void {
    if (this.#holds(request.session)) this.#access.renew(request, checked, nowMs);
  }

  /** Applies a change of a grant to the sessions that stand on it, and to those that join in the next minute. */
  changeAccess(change: AccessChange, nowMs: number): void {
    this.#access.change(change, nowMs);
  }

  /** The session's socket is gone. */
  leave(session: Session, nowMs: number): void {
    this.#openSessionsChanges++;
    const hadPresence = this.#presence.remove(session);
    if (isJson(session)) {
      this.#json.leave(session, nowMs);
      if (session.record.clientId !== null) this.#yjs.sessions.ids.removeJson(session.record.clientId);
    } else this.#yjs.leave(session, nowMs);
    if (hadPresence) this.#flushPresence(nowMs);
  }

  /** Ends the sessions whose gapped pushes were lost with the last room: they reconnect and push again. */
  expelForgotten(nowMs: number): void {
    this.#yjs.expelForgotten(nowMs);
  }

  /** Notes that the page of an old REST client is given the committed revision, and may save an edit of it later. */
  showToPage(): void {
    this.#fragment.pages.read(this.#fragment.committed.revision);
  }

  /** Queues a write. It is answered once it is durable or refused. */
  submit(write: Write): void {
    this.#writes.push(write.base.kind === "page" ? this.#fragment.pages.following(write) : write);
  }

  /** Calls back when everything that came in so far is durable: at once, or at the end of the running window. */
  whenDurable(callback: () => void): void {
    if (this.isDurable) callback();
    else this.#writes.whenDurable(callback);
  }

  /**
   * Deletes the fragment; every session is told and closed.
   *
   * @param author the id of the principal that deletes it
   */
  remove(expectedVersions: readonly number[] | null, author: string, nowMs: number): Refusal | null {
    while (!this.isDurable) this.#commit(nowMs);
    const { id, alive } = this.#fragment;
    if (expectedVersions !== null && !expectedVersions.includes(alive.revision)) {
      return refusal("version_mismatch", `The current version is ${alive.revision}.`);
    }
    this.#fragment.remove(author, nowMs);
    this.#yjs.dropHeld();
    this.#compactsNext = false;
    // All sessions end here, so nobody has to be told that the cursors are gone.
    for (const { record } of this.#sessions()) record.presence = null;
    this.#presence.expire([], nowMs);
    const why = refusal("deleted", `Fragment '${id}' was deleted`);
    for (const session of this.#sessions()) {
      if (isJson(session)) {
        send(session, { action: "deleted", id, timestamp: timestamp(nowMs) });
        this.#expel(session, CLOSE.deleted, why.message, nowMs);
      } else this.#yjs.end(session, why, nowMs);
    }
    return null;
  }

  /** Does what is due. Call it after each event, and at `dueAt`. */
  run(nowMs: number): void {
    this.#access.run(nowMs);
    if (this.#canCompact) {
      this.#compactsNext = false;
      this.#fragment.compact(nowMs);
    }
    if (isDue(this.#yjs.settlesAt(nowMs), nowMs)) this.#yjs.settle(nowMs);
    const isMending = this.#fragment.isMending;
    if (isDue(this.#yjs.dueAt(nowMs), nowMs)) this.#deliver(nowMs);
    else if (isMending) this.#mend();
    if (this.#hasUncommitted) {
      // Everybody has waited for the last step of the mending already.
      if (!isMending && !this.#fragment.isMending && nowMs >= this.#fragment.log.dueAt(nowMs)) {
        const [next] = this.#writes.waiting;
        if (next === undefined || !this.#fragment.compareAhead(next)) this.#commit(nowMs);
      }
    } else if (!this.#yjs.hasPending) this.#tellDurable(nowMs);
    if (isDue(this.#presence.dueAt(this.sessionCount, nowMs), nowMs)) this.#flushPresence(nowMs);
    if (isDue(this.#jsonDueAt(nowMs), nowMs)) this.#json.sessions.flush(this.committed, nowMs);
    this.#json.sessions.remember();
  }

  /** When to call `run` again; null while nothing is pending, so that the object can hibernate. */
  dueAt(nowMs: number): number | null {
    if (this.#canCompact || this.#fragment.isMending) return nowMs;
    const due = [
      this.#yjs.dueAt(nowMs),
      this.#yjs.settlesAt(nowMs),
      this.#hasUncommitted ? this.#fragment.log.dueAt(nowMs) : null,
      this.#presence.dueAt(this.sessionCount, nowMs),
      this.#jsonDueAt(nowMs),
    ].filter((atMs) => atMs !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** Forgets cursors whose renewals stopped. */
  expirePresence(nowMs: number): void {
    this.#presence.expire(this.#yjs.sessions.values(), nowMs);
    this.#flushPresence(nowMs);
  }

  get #hasUncommitted(): boolean {
    return !this.#writes.isEmpty || this.#fragment.isDirty;
  }

  get #canCompact(): boolean {
    return this.#compactsNext && this.exists && this.isDurable;
  }

  #sessions(): readonly Session[] {
    return [...this.#json.sessions.values(), ...this.#yjs.sessions.values()];
  }

  #noteCursorId({ record }: JsonSession): void {
    if (record.clientId !== null) this.#yjs.sessions.ids.addJson(record.clientId);
  }

  /** Tells a session that something was refused. */
  #tell(session: Session, why: Refusal, requestId?: string): void {
    if (isJson(session)) this.#json.refuse(session, why, requestId);
    else sendNotice(session, why);
  }

  #holds(session: Session): boolean {
    return isJson(session) ? this.#json.sessions.has(session) : this.#yjs.sessions.has(session);
  }

  /** Ends a session from this side. */
  #expel(session: Session, code: number, reason: string, nowMs: number): void {
    this.leave(session, nowMs);
    session.peer.close(code, reason);
  }

  /** When JSON sessions are due. Does not load the document: while its size is unknown, no session is behind. */
  #jsonDueAt(nowMs: number): number | null {
    const known = this.#fragment.committedIfKnown;
    return known === null ? null : this.#json.sessions.dueAt(known.size, nowMs);
  }

  #deliver(nowMs: number): void {
    for (const author of this.#yjs.deliver(nowMs)) this.#authors.add(author);
  }

  /** Mends some of the line ends that Yjs peers have written. Each step is small enough for a turn. */
  #mend(): void {
    const update = this.#fragment.text.mend();
    if (update !== null) this.#yjs.sessions.broadcastUpdate(update, null);
  }

  /** Makes what came in durable, as one revision, and tells the sessions. Very many writes take more than one commit. */
  #commit(nowMs: number): void {
    if (this.#yjs.hasPending) this.#deliver(nowMs);
    const fragment = this.#fragment;
    while (fragment.isMending) this.#mend();
    const { round, taken } = this.#writes.isEmpty
      ? { round: null, taken: 0 }
      : fragment.write(this.#writes.waiting, nowMs);
    this.#writes.take(taken);
    const isNew = fragment.commit(round, this.#authors, nowMs);
    if (isNew) {
      const others = this.#authors.size > 0 ? [null] : [];
      this.#json.committed(new Set([...(round?.writers ?? []), ...others]));
      this.#authors.clear();
    }
    for (const update of round?.updates ?? []) this.#yjs.sessions.broadcastUpdate(update, null);
    round?.answer(fragment.committed);
    this.#json.sendAnswers();
    this.#tellDurable(nowMs);
    if (isNew && this.#json.sessions.size > 0) this.#json.sessions.committed(fragment.committed, nowMs);
    if (fragment.isDirty || !fragment.log.isCompactionDue(nowMs)) return;
    // Everybody has waited for the commit already.
    if (fragment.log.isCompactionLong) this.#compactsNext = true;
    else fragment.compact(nowMs);
  }

  #tellDurable(nowMs: number): void {
    if (this.#yjs.hasToTell) this.#yjs.tellDurable(this.#fragment.alive.revision, nowMs);
    this.#writes.tellDurable();
  }

  #flushPresence(nowMs: number): void {
    for (const session of this.#presence.renewSilent(this.#json.sessions.values(), nowMs))
      this.#json.sessions.markChanged(session);
    const { entries, onlyTeller, hasNews } = this.#presence.drain(nowMs);
    this.#yjs.sessions.broadcastPresence(entries);
    for (const { client } of entries) {
      const owner = this.#yjs.sessions.ids.ownerOf(client);
      if (owner !== undefined) owner.peer.remember(owner.record);
    }
    if (!hasNews) return;
    this.#openSessionsChanges++;
    if (this.#json.sessions.size > 0) this.#json.sessions.broadcastPresence(this.#peers(), onlyTeller);
  }

  /** All sessions that show a presence, as JSON clients see them. */
  #peers(): PeerPresence[] {
    return this.#sessions().flatMap((session) => toPeer(session, this.#fragment.text) ?? []);
  }
}

function isDue(atMs: number | null, nowMs: number): boolean {
  return atMs !== null && nowMs >= atMs;
}
