import type { OpenSessions } from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal, refused } from "../../protocol/errors.ts";
import type { PeerPresence } from "../../protocol/json-frames.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { type CommittedView, DurableFragment, type FragmentPorts } from "../fragment/durable-fragment.ts";
import { changeSince } from "../fragment/revision-history.ts";
import type { Write } from "../fragment/write.ts";
import type { LogState } from "../history/update-log.ts";
import { JsonSessions, send } from "./json-sessions.ts";
import { openSessionsOf } from "./open-sessions.ts";
import { Presence, toPeer } from "./presence.ts";
import { isJson, type Session } from "./session.ts";
import { Inbox, type YjsUpdate } from "./update-window.ts";
import { sendNotice, YjsSessions, yjsCloseCode } from "./yjs-sessions.ts";

/**
 * The live side of one fragment: sessions, text, presence, fan-out, commits. Pure: it has no clock and no I/O of
 * its own; time comes with each call, and `dueAt` says when it wants to be called again.
 *
 * Two cadences. Yjs updates are collected in an inbox, which is checked, applied and broadcast as one (at once in
 * a quiet room, once a window in a busy one). What is applied, and the writes of JSON and REST clients, become
 * durable in one commit (at once while the row budget lasts). Order within a turn: broadcast to Yjs peers, then
 * the write, then what the write allows: acknowledgements and JSON frames.
 *
 * A call that throws leaves the room undefined: the caller must drop it and every session, and begin anew from
 * the log.
 */
export class Room {
  readonly fragment: DurableFragment;
  readonly json: JsonSessions;
  readonly yjs = new YjsSessions();
  readonly presence = new Presence();
  readonly #inbox = new Inbox();
  readonly #writes: Write[] = [];
  #authors = new Set<string>();
  /** How many writes came in, and how many of them a round has taken. */
  #submitted = 0;
  #taken = 0;
  readonly #afterCommit: { readonly submitted: number; readonly callback: () => void }[] = [];
  #openSessionsChanges = 0;

  /** @param sessions those whose sockets outlived the last room, by their records */
  constructor(ports: FragmentPorts, sessions: Iterable<Session> = []) {
    this.fragment = new DurableFragment(ports);
    const { fragment } = this;
    this.json = new JsonSessions((revision) =>
      changeSince(fragment.history, revision, fragment.committed.timeMs),
    );
    for (const session of sessions) this.#addSession(session);
  }

  /** Grows whenever somebody came, left or showed something else of themselves. */
  get openSessionsChanges(): number {
    return this.#openSessionsChanges;
  }

  get sessionCount(): number {
    return this.json.size + this.yjs.size;
  }

  /** What the log says of the fragment, deleted or not; null if there never was one. */
  get life(): LogState | null {
    return this.fragment.life;
  }

  /** The committed revision. There must be a fragment. Loads the document. */
  get committed(): CommittedView {
    return this.fragment.committed;
  }

  /** The sessions that have the fragment open. */
  openSessions(): OpenSessions {
    return openSessionsOf([...this.json.values(), ...this.yjs.values()]);
  }

  /** A receiver outside has this revision, with its text. */
  markDelivered(revision: number, nowMs: number): void {
    this.fragment.markDelivered(revision, nowMs);
  }

  /** When something that can wait and costs this many rows may be done: `nowMs` if at once. */
  affordableAt(rows: number, nowMs: number): number {
    return this.fragment.log.affordableAt(rows, nowMs);
  }

  /** Pays for rows that were written for this fragment elsewhere. */
  spend(rows: number, nowMs: number): void {
    this.fragment.log.spend(rows, nowMs);
  }

  /** Everything that came in is durable. */
  get isSettled(): boolean {
    return this.#inbox.isEmpty && this.#writes.length === 0 && !this.fragment.isDirty;
  }

  /**
   * Makes the fragment, with the write as its first revision.
   *
   * @param isNoted the catalogue has a note of the creation, and asks for the fragment if no delivery arrives
   */
  create(write: Write, isNoted: boolean, nowMs: number): void {
    if (!this.fragment.exists) this.fragment.create(write, isNoted, nowMs);
    else {
      const why = refusal("already_exists", "The fragment exists already.");
      write.answer(refused(why));
    }
  }

  /** Takes a session in. It must have the current generation. */
  join(session: Session): void {
    this.#addSession(session);
    this.#openSessionsChanges++;
    session.peer.remember(session.record);
    if (!isJson(session)) return;
    this.json.welcome(session, this.fragment.committed);
    const peers = this.#peers();
    if (peers.length > 0 && !session.record.isOldClient) send(session, { action: "presence", peers });
  }

  /** Whether this session is here: one that was expelled may still send. */
  holds(session: Session): boolean {
    return (isJson(session) ? this.json : this.yjs).get(session.record.id) === session;
  }

  /** The session's socket is gone. */
  leave(session: Session, nowMs: number): void {
    this.#openSessionsChanges++;
    const hadPresence = this.presence.remove(session);
    if (isJson(session)) this.json.remove(session);
    else this.yjs.remove(session);
    if (hadPresence) this.#flushPresence(nowMs);
  }

  /** Ends a session from this side. */
  expel(session: Session, code: number, reason: string, nowMs: number): void {
    this.leave(session, nowMs);
    session.peer.close(code, reason);
  }

  /** Ends the sessions of the last room that had pushes only there: they connect and push anew. */
  expelForgotten(nowMs: number): void {
    for (const session of [...this.yjs.values()].filter(({ record }) => record.isBehind))
      this.expel(session, CLOSE.serverError, "The session is not known any more", nowMs);
  }

  /** Ends a session whose client id a reconnecting peer has taken over. */
  displace(session: Session, nowMs: number): void {
    // The id lives on with the newer session, and so does its cursor.
    session.record.presence = null;
    this.expel(session, CLOSE.forged, "A newer connection has taken over this client id", nowMs);
  }

  /** Queues an update of a Yjs session; `settle` applies it when its window allows. */
  receiveUpdate(update: YjsUpdate): void {
    this.#inbox.push(update);
  }

  /** Queues a write; it is settled by the commit that makes it durable. */
  submit(write: Write): void {
    this.#writes.push(write);
    this.#submitted++;
  }

  /** Calls back when everything that came in so far is durable: at once, or with the running window. */
  whenSettled(callback: () => void): void {
    if (this.isSettled) callback();
    else this.#afterCommit.push({ submitted: this.#submitted, callback });
  }

  /** Deletes the fragment; every session is told and closed. */
  remove(expectedVersions: readonly number[] | null, nowMs: number): Refusal | null {
    while (!this.isSettled) this.#commit(nowMs);
    const { id, alive } = this.fragment;
    if (expectedVersions !== null && !expectedVersions.includes(alive.revision)) {
      return refusal("version_mismatch", `The current version is ${alive.revision}.`);
    }
    this.fragment.remove(nowMs);
    // All leave at once: nobody stays who could be told of the cursors.
    for (const { record } of [...this.json.values(), ...this.yjs.values()]) record.presence = null;
    this.presence.expire([], nowMs);
    const why = refusal("deleted", `Fragment '${id}' was deleted`);
    for (const session of [...this.json.values()]) {
      send(session, { action: "deleted", id, timestamp: timestamp(nowMs) });
      this.expel(session, CLOSE.deleted, why.message, nowMs);
    }
    for (const session of [...this.yjs.values()]) {
      sendNotice(session, why);
      this.expel(session, CLOSE.deleted, why.message, nowMs);
    }
    return null;
  }

  /** Does what is due. Call it after each event, and at `dueAt`. */
  settle(nowMs: number): void {
    if (!this.#inbox.isEmpty && nowMs >= this.#inbox.dueAt(this.yjs.size, nowMs)) this.#deliver(nowMs);
    if (this.#writes.length > 0 || this.fragment.isDirty) {
      if (nowMs >= this.fragment.log.dueAt(nowMs)) this.#commit(nowMs);
    } else if (this.#inbox.isEmpty) this.#settled();
    const presenceDue = this.presence.dueAt(this.sessionCount, nowMs);
    if (presenceDue !== null && nowMs >= presenceDue) this.#flushPresence(nowMs);
    const known = this.fragment.committedIfKnown;
    const jsonDue = known === null ? null : this.json.dueAt(known.size, nowMs);
    if (jsonDue !== null && nowMs >= jsonDue) this.json.flush(this.fragment.committed, nowMs);
    this.json.remember();
  }

  /** When `settle` is to be called again; null while nothing is pending, so that the object can hibernate. */
  dueAt(nowMs: number): number | null {
    let due = Number.POSITIVE_INFINITY;
    if (!this.#inbox.isEmpty) due = this.#inbox.dueAt(this.yjs.size, nowMs);
    if (this.#writes.length > 0 || this.fragment.isDirty) due = Math.min(due, this.fragment.log.dueAt(nowMs));
    due = Math.min(due, this.presence.dueAt(this.sessionCount, nowMs) ?? due);
    const known = this.fragment.committedIfKnown;
    if (known !== null) due = Math.min(due, this.json.dueAt(known.size, nowMs) ?? due);
    return due === Number.POSITIVE_INFINITY ? null : due;
  }

  /** Forgets cursors whose renewals stopped. */
  expirePresence(nowMs: number): void {
    this.presence.expire(this.yjs.values(), nowMs);
    this.#flushPresence(nowMs);
  }

  #addSession(session: Session): void {
    if (isJson(session)) this.json.add(session);
    else this.yjs.add(session);
  }

  /** Checks and applies all that came in, and sends it on as one update. */
  #deliver(nowMs: number): void {
    const delivery = this.#inbox.deliver(
      this.fragment.text,
      this.yjs,
      this.fragment.alive.serverClientId,
      nowMs,
    );
    if (delivery.update !== null) {
      for (const { record } of delivery.authors) this.#authors.add(record.principal.kind);
      this.yjs.broadcastUpdate(delivery.update, delivery.onlyAuthor);
    }
    if (delivery.isServerIdBehind) this.fragment.renewServerClientId();
    for (const [session, why] of delivery.refused) {
      sendNotice(session, why);
      this.expel(session, yjsCloseCode(why.code), why.message, nowMs);
    }
    for (const session of delivery.displaced) this.displace(session, nowMs);
  }

  /** Makes what came in durable, as one revision, and tells those whom it concerns. Of very many writes, the first. */
  #commit(nowMs: number): void {
    if (!this.#inbox.isEmpty) this.#deliver(nowMs);
    const { fragment } = this;
    const { round, taken } =
      this.#writes.length === 0 ? { round: null, taken: 0 } : fragment.write(this.#writes, nowMs);
    this.#writes.splice(0, taken);
    this.#taken += taken;
    const isNew = fragment.commit(round, this.#authors, nowMs);
    if (isNew) this.#authors.clear();
    for (const update of round?.updates ?? []) this.yjs.broadcastUpdate(update, null);
    round?.answer(fragment.committed);
    this.json.tellMerged();
    this.#settled();
    if (isNew && this.json.size > 0) this.json.committed(fragment.committed, nowMs);
    if (!fragment.isDirty) fragment.compactIfDue(nowMs);
  }

  #settled(): void {
    if (this.yjs.hasUnsaved) this.yjs.sendSaved(this.fragment.alive.revision);
    while ((this.#afterCommit[0]?.submitted ?? Number.POSITIVE_INFINITY) <= this.#taken)
      this.#afterCommit.shift()?.callback();
  }

  #flushPresence(nowMs: number): void {
    for (const session of this.presence.renewSilent(this.json.values(), nowMs))
      this.json.markChanged(session);
    const { entries, onlyTeller, hasNews } = this.presence.take(nowMs);
    this.yjs.broadcastPresence(entries);
    for (const { client } of entries) {
      const owner = this.yjs.ownerOf(client);
      if (owner !== undefined) owner.peer.remember(owner.record);
    }
    if (!hasNews) return;
    this.#openSessionsChanges++;
    if (this.json.size > 0) this.json.broadcastPresence(this.#peers(), onlyTeller);
  }

  /** Everybody who shows something, as JSON clients see them. */
  #peers(): PeerPresence[] {
    const sessions: Session[] = [...this.json.values(), ...this.yjs.values()];
    return sessions.flatMap((session) => toPeer(session, this.fragment.text) ?? []);
  }
}
