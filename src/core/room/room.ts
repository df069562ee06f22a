import { utf8Length } from "../../language/utf8.ts";
import type { Access, AccessChange } from "../../protocol/access.ts";
import type { OpenSessions } from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import type { ExpandedText, ExpansionResult } from "../../protocol/expansion.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { type CommittedView, DurableFragment, type FragmentPorts } from "../fragment/durable-fragment.ts";
import { shownAt } from "../fragment/revision-history.ts";
import type { RequestKey, Write } from "../fragment/write.ts";
import type { LogState } from "../history/update-log.ts";
import { earlier } from "./cadence.ts";
import { Commits } from "./commits.ts";
import type { Effect, ExpandRequest, RenewalRequest } from "./effects.ts";
import { FrameLimit } from "./frame-limit.ts";
import { openSessionsOf } from "./open-sessions.ts";
import { RoomSessions } from "./room-sessions.ts";
import { isJson, type Session } from "./session.ts";
import { SessionAccess } from "./session-access.ts";

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
 * `RoomSessions` has the sessions and speaks to them, `Commits` makes durable what they and REST clients send, and
 * `SessionAccess` says what each of them may do.
 *
 * After a call that threw, the state of the room is undefined. The caller must drop the room and all its sessions, and
 * begin again from the log.
 */
export class Room {
  readonly #fragment: DurableFragment;
  readonly #sessions: RoomSessions;
  readonly #commits: Commits;
  readonly #access: SessionAccess;
  /** Null: sessions may send as much as they like. */
  readonly #limit: FrameLimit | null;

  /** @param sessions those whose sockets outlived the last room */
  constructor(ports: RoomPorts, sessions: Iterable<Session> = []) {
    this.#fragment = new DurableFragment(ports);
    this.#sessions = new RoomSessions(this.#fragment, (write) => this.#commits.submit(write));
    this.#commits = new Commits(this.#fragment, this.#sessions);
    this.#access = new SessionAccess(ports.id, this.#sessions);
    this.#limit = ports.isLimited === true ? new FrameLimit(this.#sessions) : null;
    for (const session of sessions) {
      this.#access.watch(session);
      this.#sessions.restore(session);
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
    return this.#sessions.size;
  }

  /** A counter that grows whenever a session joins, leaves or changes its presence. */
  get openSessionsChanges(): number {
    return this.#sessions.changes;
  }

  /** When to call `expirePresence`, at the latest; null if no session has to renew its presence. */
  get presenceExpiryAtMs(): number | null {
    return this.#sessions.presence.expiryAtMs;
  }

  /** When to call `run` for the sessions whose access ends, at the latest; null if none does. */
  get accessDueAtMs(): number | null {
    return this.#access.dueAtMs;
  }

  /** Whether everything that came in is durable. */
  get isDurable(): boolean {
    return this.#commits.isDurable;
  }

  /** The sessions that have the fragment open. */
  openSessions(): OpenSessions {
    return openSessionsOf(this.#sessions.all());
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
    this.#sessions.join(session);
    this.#access.joined(session);
    this.#sessions.showPeers(session);
  }

  /**
   * Takes one message of a session, in the protocol that the session speaks. Messages of an expelled session are ignored.
   *
   * @returns work that the room cannot do
   */
  receive(session: Session, message: string | Uint8Array, nowMs: number): Effect | null {
    if (!this.#sessions.has(session) || this.#access.endIfExpired(session, nowMs)) return null;
    const bytes = typeof message === "string" ? utf8Length(message) : message.length;
    if (bytes > MAX_FRAME_BYTES) {
      const code = isJson(session) ? CLOSE.tooLarge : CLOSE.overLimit;
      this.#sessions.expel(session, code, "The frame is too large", nowMs);
      return null;
    }
    if (this.#limit?.allows(session, bytes, nowMs) === false)
      return { kind: "refused", session, code: "rate_limited" };
    const { json, yjs } = this.#sessions;
    return isJson(session) ? json.receive(session, message, nowMs) : yjs.receive(session, message, nowMs);
  }

  /** @param content the text that was expanded */
  answerExpand(request: ExpandRequest, content: string, answer: ExpansionResult<ExpandedText>): void {
    this.#sessions.json.answerExpand(request, content, answer);
  }

  /** Takes the access that a session's new token gives. A session that has left meanwhile gets nothing. */
  answerRenewal(request: RenewalRequest, checked: Result<Access>, nowMs: number): void {
    if (this.#sessions.has(request.session)) this.#access.renew(request, checked, nowMs);
  }

  /** Applies a change of a grant to the sessions that stand on it, and to those that join in the next minute. */
  changeAccess(change: AccessChange, nowMs: number): void {
    this.#access.change(change, nowMs);
  }

  /** The session's socket is gone. */
  leave(session: Session, nowMs: number): void {
    this.#sessions.leave(session, nowMs);
  }

  /** Ends the sessions whose gapped pushes were lost with the last room: they reconnect and push again. */
  expelForgotten(nowMs: number): void {
    this.#sessions.yjs.expelForgotten(nowMs);
  }

  /** Notes that the page of an old REST client is given the committed revision, and may save an edit of it later. */
  showToPage(): void {
    this.#fragment.pages.read(this.#fragment.committed.revision);
  }

  /** Queues a write. It is answered once it is durable or refused. */
  submit(write: Write): void {
    this.#commits.submit(write);
  }

  /** Calls back when everything that came in so far is durable: at once, or at the end of the running window. */
  whenDurable(callback: () => void): void {
    this.#commits.whenDurable(callback);
  }

  /**
   * Deletes the fragment; every session is told and closed.
   *
   * @param author the id of the principal that deletes it
   */
  remove(expectedVersions: readonly number[] | null, author: string, nowMs: number): Refusal | null {
    this.#commits.commitAll(nowMs);
    const { alive } = this.#fragment;
    if (expectedVersions !== null && !expectedVersions.includes(alive.revision)) {
      return refusal("version_mismatch", `The current version is ${alive.revision}.`);
    }
    this.#fragment.remove(author, nowMs);
    this.#commits.forgetCompaction();
    this.#sessions.endAll(nowMs);
    return null;
  }

  /** Does what is due. Call it after each event, and at `dueAt`. */
  run(nowMs: number): void {
    this.#access.run(nowMs);
    this.#commits.run(nowMs);
    this.#sessions.run(nowMs);
  }

  /** When to call `run` again; null while nothing is pending, so that the object can hibernate. */
  dueAt(nowMs: number): number | null {
    return earlier(this.#commits.dueAt(nowMs), this.#sessions.dueAt(nowMs));
  }

  /** Forgets cursors whose renewals stopped. */
  expirePresence(nowMs: number): void {
    this.#sessions.expirePresence(nowMs);
  }
}
