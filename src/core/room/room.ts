import { utf8Length } from "../../language/utf8.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import type { PeerPresence } from "../../protocol/json-frames.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { CompactionPolicy } from "../history/compaction-policy.ts";
import { Past } from "../history/past.ts";
import type { LogState, UpdateLog } from "../history/update-log.ts";
import { FragmentText } from "../text/fragment-text.ts";
import { fromSharedText } from "../text/line-ends.ts";
import { isEmpty } from "../text/text-change.ts";
import { makeCommit } from "./commit.ts";
import { Inbox, type YjsUpdate } from "./inbox.ts";
import { type CommittedView, JsonSessions, send } from "./json-sessions.ts";
import { PacedLog } from "./paced-log.ts";
import { Presence, toPeer } from "./presence.ts";
import { isJson, type Session } from "./session.ts";
import { changeSince, type PastOf } from "./shown-past.ts";
import type { RequestKey, Write } from "./write.ts";
import { WriteRound } from "./write-round.ts";
import { sendNotice, YjsSessions, yjsCloseCode } from "./yjs-sessions.ts";

export interface RoomPorts {
  readonly id: string;
  readonly log: UpdateLog;
  /** 32 random bits. */
  random32(): number;
  readonly compaction?: CompactionPolicy;
}

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
  readonly #ports: RoomPorts;
  #past: Past;
  /** The log, and the budget of rows that the fragment has with everything written for it elsewhere. */
  readonly log: PacedLog;
  readonly json: JsonSessions;
  readonly yjs = new YjsSessions();
  readonly presence = new Presence();
  #state: LogState | null;
  #text: FragmentText | null = null;
  #view: CommittedView | null = null;
  #contentRevision: number;
  #metadataRevision: number;

  readonly #inbox = new Inbox();
  #writes: Write[] = [];
  #authors = new Set<string>();
  #afterCommit: (() => void)[] = [];
  #editingChanges = 0;

  /** @param sessions those whose sockets outlived the last room, by their records */
  constructor(ports: RoomPorts, sessions: Iterable<Session> = []) {
    this.#ports = ports;
    this.log = new PacedLog(ports.log, ports.compaction);
    this.#state = ports.log.load();
    this.#past = this.#makePast();
    this.json = new JsonSessions((then) => changeSince(this.pastOf, then, this.committed.timeMs));
    this.#contentRevision = this.#metadataRevision = this.#state?.revision ?? 0;
    for (const session of sessions) this.#addSession(session);
  }

  get exists(): boolean {
    return this.#state !== null && !this.#state.isDeleted;
  }

  /** Grows whenever somebody came, left or showed something else of themselves. */
  get editingChanges(): number {
    return this.#editingChanges;
  }

  /** What the log says of the fragment, deleted or not; null if there never was one. */
  get life(): LogState | null {
    return this.#state;
  }

  get sessionCount(): number {
    return this.json.size + this.yjs.size;
  }

  get generation(): number {
    return this.#state?.generation ?? 0;
  }

  get serverClientId(): number {
    return this.#life.serverClientId;
  }

  get createdAtMs(): number {
    return this.#life.createdAtMs;
  }

  /** The current text, uncommitted Yjs edits included. Loads the document. */
  get text(): FragmentText {
    if (this.#text === null) {
      const { log } = this.#ports;
      const { oldClients } = this.#life;
      this.#text = new FragmentText(() => log.updates(), oldClients);
      if (log.hasFoundDamage) this.#recover();
    }
    return this.#text;
  }

  /** The committed revision. Loads the document. */
  get committed(): CommittedView {
    if (this.#view === null) {
      const { committedContent, committedMetadata } = this.text;
      const { eol, ...metadata } = committedMetadata;
      const content = fromSharedText(committedContent, eol);
      this.#view = {
        id: this.#ports.id,
        revision: this.#life.revision,
        timeMs: this.#life.updatedAtMs,
        content,
        size: utf8Length(content),
        metadata,
        contentRevision: this.#contentRevision,
        metadataRevision: this.#metadataRevision,
      };
    }
    return this.#view;
  }

  /** What is known of past revisions. Loads the document. */
  get pastOf(): PastOf {
    return { past: this.#past, text: this.text, revision: this.#life.revision };
  }

  /** Whether a request of this id is committed and still remembered. */
  hasAnswered({ client, requestId }: RequestKey, nowMs: number): boolean {
    return this.#past.answerTo(client, requestId, nowMs) !== null;
  }

  /** Everything that came in is durable. */
  get isSettled(): boolean {
    return this.#inbox.isEmpty && this.#writes.length === 0 && this.#text?.isDirty !== true;
  }

  /**
   * Makes the fragment, with the write as its first revision.
   *
   * @param isAnnounced the catalogue will ask for it, should it not be told
   */
  create(write: Write, isAnnounced: boolean, nowMs: number): void {
    if (this.exists) {
      write.settle({ kind: "refused", refusal: refusal("already_exists", "The fragment exists already.") });
      return;
    }
    const revision = this.#state?.revision ?? 0;
    const oldClients = this.#state?.oldClients ?? new Set<number>();
    const serverClientId = this.#newServerClientId(oldClients);
    const text = new FragmentText(() => (this.exists ? this.#ports.log.updates() : []), oldClients);
    const round = new WriteRound(text, this.#past, revision, nowMs);
    round.run([{ ...write, base: { kind: "current" }, expectedVersions: null }], serverClientId);
    if (round.hasWritten) {
      const { commit, uncommitted } = makeCommit(text, round, revision + 1, [write.author], nowMs);
      const deliveredRevision = isAnnounced ? commit.revision : (this.#state?.deliveredRevision ?? 0);
      const life = { generation: this.generation + 1, serverClientId, deliveredRevision };
      this.log.create(commit, life, nowMs);
      const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
      this.#state = { ...life, ...times, revision: commit.revision, isDeleted: false, oldClients };
      text.commit(uncommitted);
      this.#text = text;
      this.#view = null;
      this.#contentRevision = this.#metadataRevision = commit.revision;
      this.#past.add(commit);
    }
    round.settle(round.hasWritten ? this.committed : { revision, timeMs: nowMs, content: "" });
  }

  /** Takes a session in. It must have the current generation. */
  join(session: Session): void {
    this.#addSession(session);
    this.#editingChanges++;
    session.peer.remember(session.record);
    if (!isJson(session)) return;
    this.json.welcome(session, this.committed);
    const peers = this.#peers();
    if (peers.length > 0 && !session.record.isOldClient) send(session, { action: "presence", peers });
  }

  /** Whether this session is here: one that was expelled may still send. */
  holds(session: Session): boolean {
    return (isJson(session) ? this.json : this.yjs).get(session.record.id) === session;
  }

  /** The session's socket is gone. */
  leave(session: Session, nowMs: number): void {
    this.#editingChanges++;
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
  }

  /** Calls back when everything that came in so far is durable: at once, or with the running window. */
  whenSettled(callback: () => void): void {
    if (this.isSettled) callback();
    else this.#afterCommit.push(callback);
  }

  /** Deletes the fragment; every session is told and closed. */
  remove(expectedVersions: readonly number[] | null, nowMs: number): Refusal | null {
    if (!this.isSettled) this.#commit(nowMs);
    if (expectedVersions !== null && !expectedVersions.includes(this.#life.revision)) {
      return refusal("version_mismatch", `The current version is ${this.#life.revision}.`);
    }
    const clients = new Set([...this.#life.oldClients, ...this.text.clients, this.#life.serverClientId]);
    this.#ports.log.remove(this.#life.revision + 1, nowMs, clients);
    this.#state = this.#ports.log.load();
    this.#text = null;
    this.#view = null;
    // The next life answers no request of this one, and rebases nothing on its texts.
    this.#past = this.#makePast();
    // All leave at once: nobody stays who could be told of the cursors.
    for (const { record } of [...this.json.values(), ...this.yjs.values()]) record.presence = null;
    this.presence.expire([], nowMs);
    const why = refusal("deleted", `Fragment '${this.#ports.id}' was deleted`);
    for (const session of [...this.json.values()]) {
      send(session, { action: "deleted", id: this.#ports.id, timestamp: timestamp(nowMs) });
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
    if (this.#writes.length > 0 || this.#text?.isDirty === true) {
      if (nowMs >= this.log.dueAt(nowMs)) this.#commit(nowMs);
    } else if (this.#inbox.isEmpty) this.#settled();
    const presenceDue = this.presence.dueAt(this.sessionCount, nowMs);
    if (presenceDue !== null && nowMs >= presenceDue) this.#flushPresence(nowMs);
    const jsonDue = this.#view === null ? null : this.json.dueAt(this.#view.size, nowMs);
    if (jsonDue !== null && nowMs >= jsonDue) this.json.flush(this.committed, nowMs);
    this.json.remember();
  }

  /** When `settle` is to be called again; null while nothing is pending, so that the object can hibernate. */
  dueAt(nowMs: number): number | null {
    let due = Number.POSITIVE_INFINITY;
    if (!this.#inbox.isEmpty) due = this.#inbox.dueAt(this.yjs.size, nowMs);
    if (this.#writes.length > 0 || this.#text?.isDirty === true) due = Math.min(due, this.log.dueAt(nowMs));
    due = Math.min(due, this.presence.dueAt(this.sessionCount, nowMs) ?? due);
    if (this.#view !== null) due = Math.min(due, this.json.dueAt(this.#view.size, nowMs) ?? due);
    return due === Number.POSITIVE_INFINITY ? null : due;
  }

  /** The catalogue has this revision, with its text. */
  markDelivered(revision: number, nowMs: number): void {
    if (this.#state === null) throw new Error("There is nothing to deliver.");
    this.log.markDelivered(revision, nowMs);
    this.#state = { ...this.#state, deliveredRevision: revision };
  }

  /** Forgets cursors whose renewals stopped. */
  expirePresence(nowMs: number): void {
    this.presence.expire(this.yjs.values(), nowMs);
    this.#flushPresence(nowMs);
  }

  get #life(): LogState {
    if (this.#state === null || this.#state.isDeleted) throw new Error("There is no fragment in this room.");
    return this.#state;
  }

  #addSession(session: Session): void {
    if (isJson(session)) this.json.add(session);
    else this.yjs.add(session);
  }

  /** Checks and applies all that came in, and sends it on as one update. */
  #deliver(nowMs: number): void {
    const delivery = this.#inbox.deliver(this.text, this.yjs, this.#life.serverClientId, nowMs);
    if (delivery.update !== null) {
      for (const { record } of delivery.authors) this.#authors.add(record.principal.kind);
      this.yjs.broadcastUpdate(delivery.update, delivery.onlyAuthor);
    }
    // The stored state has gone back behind what was once sent out, and the id's clock with it.
    if (delivery.isServerIdBehind) this.#renewServerClientId();
    for (const { session, refusal: why } of delivery.refused) {
      sendNotice(session, why);
      this.expel(session, yjsCloseCode(why.code), why.message, nowMs);
    }
    for (const session of delivery.displaced) this.displace(session, nowMs);
  }

  /** Makes everything that came in durable, as one revision, and tells those whom it concerns. */
  #commit(nowMs: number): void {
    if (!this.#inbox.isEmpty) this.#deliver(nowMs);
    const { text } = this;
    const { revision, serverClientId } = this.#life;
    const writes = this.#writes;
    this.#writes = [];
    const round = writes.length === 0 ? null : new WriteRound(text, this.#past, revision, nowMs);
    round?.run(writes, serverClientId);
    // A request that changed nothing is remembered too: the next one may name it as its base.
    const isNew = text.isDirty || (round !== null && round.answers().length > 0);
    if (isNew) this.#makeDurable(text, round, nowMs);
    for (const update of round?.updates ?? []) this.yjs.broadcastUpdate(update, null);
    round?.settle(this.committed);
    this.#settled();
    if (isNew && this.json.size > 0) this.json.committed(this.committed, nowMs);
    if (this.isSettled) this.log.compactIfDue(() => text.snapshot(), nowMs);
  }

  #makeDurable(text: FragmentText, round: WriteRound | null, nowMs: number): void {
    const authors = new Set([...this.#authors, ...(round?.authors ?? [])]);
    const { commit, uncommitted } = makeCommit(text, round, this.#life.revision + 1, [...authors], nowMs);
    this.log.append(commit, nowMs);
    // With other line ends the same text is shown as another one.
    const hasNewEol = uncommitted.metadata.eol !== text.committedMetadata.eol;
    if (!isEmpty(uncommitted.change) || hasNewEol) this.#contentRevision = commit.revision;
    if (commit.metadataBefore !== null) this.#metadataRevision = commit.revision;
    text.commit(uncommitted);
    this.#past.add(commit);
    this.#authors.clear();
    this.#state = { ...this.#life, revision: commit.revision, updatedAtMs: nowMs };
    this.#view = null;
  }

  #settled(): void {
    if (this.yjs.hasUnsaved) this.yjs.sendSaved(this.#life.revision);
    const callbacks = this.#afterCommit;
    if (callbacks.length === 0) return;
    this.#afterCommit = [];
    for (const callback of callbacks) callback();
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
    this.#editingChanges++;
    if (this.json.size > 0) this.json.broadcastPresence(this.#peers(), onlyTeller);
  }

  /** Everybody who shows something, as JSON clients see them. */
  #peers(): PeerPresence[] {
    const sessions: Session[] = [...this.json.values(), ...this.yjs.values()];
    return sessions.flatMap((session) => toPeer(session, this.text) ?? []);
  }

  #makePast(): Past {
    return new Past(() => (this.exists ? this.#ports.log.past() : []));
  }

  /**
   * Some of what was committed is lost: the text is another one, so it gets another revision. What was lost may
   * have been written by the server, and peers may hold it: its client id would be in two minds.
   */
  #recover(): void {
    this.#state = this.#ports.log.load();
    this.#contentRevision = this.#metadataRevision = this.#life.revision;
    this.#renewServerClientId();
  }

  #renewServerClientId(): void {
    const serverClientId = this.#newServerClientId(new Set(this.text.clients));
    this.#ports.log.renewServerClientId(serverClientId);
    this.#state = { ...this.#life, serverClientId };
  }

  #newServerClientId(taken: ReadonlySet<number>): number {
    let id = this.#ports.random32();
    while (taken.has(id)) id = this.#ports.random32();
    return id;
  }
}
