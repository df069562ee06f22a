import { utf8Length } from "../../language/utf8.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import type { Metadata } from "../../protocol/fragment.ts";
import type { PeerPresence } from "../../protocol/json-frames.ts";
import { REBASE_HORIZON_MS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { COMPACTION_POLICY, type CompactionPolicy, isCompactionDue } from "../history/compaction-policy.ts";
import { Past } from "../history/past.ts";
import type { Commit, LogState, UpdateLog } from "../history/update-log.ts";
import { FragmentText } from "../text/fragment-text.ts";
import { fromSharedText } from "../text/line-ends.ts";
import { applyChange, invertChange, isEmpty, NO_CHANGE, type TextChange } from "../text/text-change.ts";
import { RowBudget } from "./cadence.ts";
import { Inbox, type YjsUpdate } from "./inbox.ts";
import { type CommittedView, JsonSessions, send } from "./json-sessions.ts";
import { Presence, toPeer } from "./presence.ts";
import { isJson, type Session } from "./session.ts";
import { type Write, type WriteResult, WriteRound } from "./writes.ts";
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
  readonly #budget = new RowBudget();
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

  /** @param sessions those whose sockets outlived the last room, by their records */
  constructor(ports: RoomPorts, sessions: Iterable<Session> = []) {
    this.#ports = ports;
    this.#state = ports.log.load();
    this.#past = this.#makePast();
    this.json = new JsonSessions((revision) => this.#changeSince(revision));
    this.#contentRevision = this.#metadataRevision = this.#state?.revision ?? 0;
    for (const session of sessions) this.#addSession(session);
  }

  get exists(): boolean {
    return this.#state !== null && !this.#state.isDeleted;
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

  /** The metadata of a past revision; null if that is not known any more. */
  metadataAt(revision: number, nowMs: number): Metadata | null {
    return this.#past.metadataAt(revision, this.#life.revision, this.text.committedMetadata, nowMs);
  }

  /** Everything that came in is durable. */
  get isSettled(): boolean {
    return this.#inbox.isEmpty && this.#writes.length === 0 && this.#text?.isDirty !== true;
  }

  /** Makes the fragment, with the write as its first revision. */
  create(write: Write, nowMs: number): void {
    if (this.exists) {
      write.settle({ kind: "refused", refusal: refusal("already_exists", "The fragment exists already.") });
      return;
    }
    const revision = this.#state?.revision ?? 0;
    const oldClients = this.#state?.oldClients ?? new Set<number>();
    const serverClientId = this.#newServerClientId(oldClients);
    const text = new FragmentText(() => []); // a draft; from then on the log's own
    const before = { content: "", metadata: text.committedMetadata };
    const round = new WriteRound(this.#past, revision, before, NO_CHANGE, nowMs);
    const plan = round.plan({ ...write, base: { kind: "current" }, expectedVersions: null }, before.metadata);
    if ("code" in plan) {
      write.settle({ kind: "refused", refusal: plan });
      return;
    }
    text.write(serverClientId, plan.change, plan.metadata);
    round.wrote(write, plan);
    const uncommitted = text.uncommitted();
    const [result] = round.results();
    const toSent = result?.toSent ?? NO_CHANGE;
    const commit: Commit = {
      revision: revision + 1,
      timeMs: nowMs,
      authors: [write.author],
      update: uncommitted.update,
      undo: invertChange(uncommitted.change, ""),
      metadataBefore: null,
      answers: write.request === null ? [] : [{ ...write.request, toSent }],
    };
    const rows = this.#ports.log.rowsWritten;
    this.#ports.log.create(commit, this.generation + 1, serverClientId);
    this.#budget.spend(this.#ports.log.rowsWritten - rows, nowMs);
    this.#state = this.#ports.log.load();
    this.#view = null;
    this.#contentRevision = this.#metadataRevision = commit.revision;
    this.#past.add(commit);
    const content = plan.isMended ? this.committed.content : null;
    write.settle({
      kind: "written",
      revision: commit.revision,
      toSent,
      content,
      isRepetition: false,
      timeMs: nowMs,
    });
  }

  /** Takes a session in. It must have the current generation. */
  join(session: Session): void {
    this.#addSession(session);
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
      if (nowMs >= this.#budget.dueAt(nowMs)) this.#commit(nowMs);
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
    if (this.#writes.length > 0 || this.#text?.isDirty === true)
      due = Math.min(due, this.#budget.dueAt(nowMs));
    due = Math.min(due, this.presence.dueAt(this.sessionCount, nowMs) ?? due);
    if (this.#view !== null) due = Math.min(due, this.json.dueAt(this.#view.size, nowMs) ?? due);
    return due === Number.POSITIVE_INFINITY ? null : due;
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
    const before = this.#life.revision;
    const settled: { write: Write; result: WriteResult }[] = [];
    const serverUpdates: Uint8Array[] = [];
    const writes = this.#writes;
    this.#writes = [];
    let round: WriteRound | null = null;
    if (writes.length > 0) {
      const committed = { content: text.committedContent, metadata: text.committedMetadata };
      round = new WriteRound(this.#past, before, committed, text.uncommitted().change, nowMs);
      for (const write of writes) {
        if (round.repeats(write)) continue;
        const plan = this.#answerAgain(write, nowMs) ?? round.plan(write, text.metadata);
        if ("kind" in plan) settled.push({ write, result: plan });
        else if ("code" in plan) settled.push({ write, result: { kind: "refused", refusal: plan } });
        else {
          const update = text.write(this.#life.serverClientId, plan.change, plan.metadata);
          if (update !== null) serverUpdates.push(update);
          round.wrote(write, plan);
          this.#authors.add(write.author);
        }
      }
    }
    const results = [...(round?.results() ?? [])];
    // A request that changed nothing is remembered too: the next one may name it as its base.
    if (text.isDirty || results.some(({ write }) => write.request !== null)) {
      const uncommitted = text.uncommitted();
      const hasNewText = !isEmpty(uncommitted.change);
      const metadataBefore = text.committedMetadata;
      const hasNewMetadata = uncommitted.metadata !== metadataBefore;
      const commit: Commit = {
        revision: before + 1,
        timeMs: nowMs,
        authors: [...this.#authors],
        update: uncommitted.update,
        undo: invertChange(uncommitted.change, text.committedContent),
        metadataBefore: hasNewMetadata ? metadataBefore : null,
        answers: results.flatMap(({ write, toSent }) =>
          write.request === null ? [] : [{ ...write.request, toSent }],
        ),
      };
      this.#append(commit, nowMs);
      text.commit(uncommitted);
      this.#past.add(commit);
      this.#authors.clear();
      if (hasNewText) this.#contentRevision = commit.revision;
      if (hasNewMetadata) this.#metadataRevision = commit.revision;
      this.#state = { ...this.#life, revision: commit.revision, updatedAtMs: nowMs };
      this.#view = null;
    }
    for (const update of serverUpdates) this.yjs.broadcastUpdate(update, null);
    for (const { write, result } of settled) write.settle(result);
    const { revision } = this.#life;
    for (const { write, repetitions, toSent, isMended } of results) {
      const content = isEmpty(toSent) && !isMended ? null : this.committed.content;
      const { timeMs } = this.committed;
      const result: WriteResult = { kind: "written", revision, toSent, content, isRepetition: false, timeMs };
      for (const one of [write, ...repetitions]) one.settle(result);
    }
    this.#settled();
    if (revision > before && this.json.size > 0) this.json.committed(this.committed, nowMs);
    this.#compactIfDue(nowMs);
  }

  #settled(): void {
    if (this.yjs.hasUnsaved) this.yjs.sendSaved(this.#life.revision);
    const callbacks = this.#afterCommit;
    if (callbacks.length === 0) return;
    this.#afterCommit = [];
    for (const callback of callbacks) callback();
  }

  /** The result of a request that was committed before. */
  #answerAgain(write: Write, nowMs: number): WriteResult | null {
    if (write.request === null) return null;
    const { client, requestId } = write.request;
    const past = this.#past.answerTo(client, requestId, nowMs);
    if (past === null) return null;
    const { revision, timeMs, answer } = past;
    const undo = this.#past.undoTo(revision, this.#life.revision, nowMs);
    const { committedContent, committedMetadata } = this.text;
    const isSame = isEmpty(answer.toSent) || undo === null;
    const content = isSame
      ? null
      : fromSharedText(applyChange(undo, committedContent), committedMetadata.eol);
    return { kind: "written", revision, toSent: answer.toSent, content, isRepetition: true, timeMs };
  }

  #append(commit: Commit, nowMs: number): void {
    const { log } = this.#ports;
    const rowsWritten = log.rowsWritten;
    const rows = log.size.rows;
    log.append(commit);
    // A new row is paid for twice: compaction will delete it.
    this.#budget.spend(log.rowsWritten - rowsWritten + (log.size.rows - rows), nowMs);
  }

  #compactIfDue(nowMs: number): void {
    const { log, compaction = COMPACTION_POLICY } = this.#ports;
    if (!this.isSettled || !isCompactionDue(log.size, compaction)) return;
    const rowsWritten = log.rowsWritten;
    const paid = log.size.rows;
    log.compact(this.text.snapshot(), nowMs - REBASE_HORIZON_MS);
    this.#budget.spend(Math.max(0, log.rowsWritten - rowsWritten - paid), nowMs);
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
    if (!hasNews || this.json.size === 0) return;
    this.json.broadcastPresence(this.#peers(), onlyTeller);
  }

  /** Everybody who shows something, as JSON clients see them. */
  #peers(): PeerPresence[] {
    const sessions: Session[] = [...this.json.values(), ...this.yjs.values()];
    return sessions.flatMap((session) => toPeer(session, this.text) ?? []);
  }

  /** The change from a past revision's shown text to the current one; null if it is not known any more. */
  #changeSince(revision: number): TextChange | null {
    const { committedContent, committedMetadata } = this.text;
    if (committedMetadata.eol === "crlf") return null; // positions in the shown text are not those in the shared one
    const { timeMs } = this.committed;
    const undo = this.#past.undoTo(revision, this.#life.revision, timeMs);
    return undo === null ? null : invertChange(undo, committedContent);
  }

  #makePast(): Past {
    return new Past(() => this.#ports.log.past());
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
