import { utf8Length } from "../../language/utf8.ts";
import type { Eol, Metadata } from "../../protocol/fragment.ts";
import type { CompactionPolicy } from "../history/compaction-policy.ts";
import { Past } from "../history/past.ts";
import type { Commit, LogState, UpdateLog } from "../history/update-log.ts";
import { FragmentText } from "../text/fragment-text.ts";
import { fromSharedText, toSharedText } from "../text/line-ends.ts";
import { invertChange, isEmpty } from "../text/text-change.ts";
import { ComparedAhead } from "./compared-ahead.ts";
import { PacedLog } from "./paced-log.ts";
import { PageReads } from "./page-reads.ts";
import type { RevisionHistory } from "./revision-history.ts";
import type { RequestKey, Write } from "./write.ts";
import { WriteRound } from "./write-round.ts";

export interface FragmentPorts {
  readonly id: string;
  readonly log: UpdateLog;
  /** 32 random bits. */
  random32(): number;
  readonly compaction?: CompactionPolicy;
}

/** A committed revision, as JSON and REST clients are told of it. */
export interface CommittedView {
  readonly id: string;
  readonly revision: number;
  readonly timeMs: number;
  /** As it is shown: with the line ends that it came with. */
  readonly content: string;
  /** Bytes of `content` in UTF-8. */
  readonly size: number;
  readonly metadata: Metadata;
  /** The line ends of `content`. */
  readonly eol: Eol;
  /** The last revisions that changed the content, and the metadata. */
  readonly contentRevision: number;
  readonly metadataRevision: number;
}

/** What a commit is made of. */
interface CommitSource {
  readonly text: FragmentText;
  /** The writes in it; null if it holds Yjs edits only. */
  readonly round: WriteRound | null;
  /** May name an author more than once. */
  readonly authors: Iterable<string>;
  readonly timeMs: number;
}

/**
 * One fragment as its log has it, and its document, which may be ahead of the log. Each commit makes a revision of what
 * is in the document. The fragment knows no sessions: the room decides when to commit, and whom to tell.
 *
 * The document and the past are read from the log when they are first asked for.
 */
export class DurableFragment {
  readonly #ports: FragmentPorts;
  /** The log, and the budget of rows that the fragment has with everything written for it elsewhere. */
  readonly log: PacedLog;
  /** The revisions that the pages of old REST clients may show. */
  readonly pages: PageReads;
  readonly #compared = new ComparedAhead();
  #past: Past;
  #life: LogState | null;
  #text: FragmentText | null = null;
  #view: CommittedView | null = null;
  #isServerIdBehind = false;
  #contentRevision: number;
  #metadataRevision: number;

  constructor(ports: FragmentPorts) {
    this.#ports = ports;
    this.log = new PacedLog(ports.log, ports.compaction);
    this.#life = ports.log.load();
    this.pages = new PageReads(this.#life?.revision ?? 0);
    this.#past = this.#makePast();
    this.#contentRevision = this.#metadataRevision = this.#life?.revision ?? 0;
  }

  get id(): string {
    return this.#ports.id;
  }

  get exists(): boolean {
    return this.#life !== null && !this.#life.isDeleted;
  }

  /** Its state in the log, deleted or not; null if there never was one. */
  get life(): LogState | null {
    return this.#life;
  }

  /** Its state in the log. There must be a fragment. */
  get alive(): LogState {
    if (this.#life === null || this.#life.isDeleted) throw new Error("There is no fragment in this room.");
    return this.#life;
  }

  get generation(): number {
    return this.#life?.generation ?? 0;
  }

  /** The current text, uncommitted Yjs edits included. Loads the document. */
  get text(): FragmentText {
    if (this.#text === null) {
      this.#text = this.#openText(this.alive.oldClients);
      if (this.#ports.log.hasFoundDamage) this.#recover();
    }
    return this.#text;
  }

  /** Whether the document holds uncommitted edits. */
  get isDirty(): boolean {
    return this.#text?.isDirty === true;
  }

  /** Whether line ends that peers have written must be mended before the next commit. */
  get isMending(): boolean {
    return this.#text?.isMending === true;
  }

  /** The committed revision. Loads the document. */
  get committed(): CommittedView {
    if (this.#view === null) {
      const { committedContent, committedBytes, committedMetadata } = this.text;
      const { eol, ...metadata } = committedMetadata;
      const content = fromSharedText(committedContent, eol);
      this.#view = {
        id: this.id,
        revision: this.alive.revision,
        timeMs: this.alive.updatedAtMs,
        content,
        size: eol === "lf" ? committedBytes : utf8Length(content),
        metadata,
        eol,
        contentRevision: this.#contentRevision,
        metadataRevision: this.#metadataRevision,
      };
    }
    return this.#view;
  }

  /** The committed revision if it has been asked for before: for a caller that must not load the document. */
  get committedIfKnown(): CommittedView | null {
    return this.#view;
  }

  /** The past revisions that are known. Loads the document. */
  get history(): RevisionHistory {
    return { past: this.#past, text: this.text, current: this.alive.revision, pages: this.pages };
  }

  /** Whether a request of this id is committed and still remembered. */
  hasAnswered({ client, requestId }: RequestKey, nowMs: number): boolean {
    return this.#past.answerTo(client, requestId, nowMs) !== null;
  }

  /**
   * Begins the first or the next life, with the write as its first revision, and answers it. There must be no fragment.
   *
   * @param isNoted the catalogue has a note of the creation, and asks for the fragment if no delivery arrives
   */
  create(write: Write, isNoted: boolean, nowMs: number): void {
    const current = this.#life?.revision ?? 0;
    const oldClients = this.#life?.oldClients ?? new Set<number>();
    const serverClientId = this.#newServerClientId(oldClients);
    const text = this.#openText(oldClients);
    const round = new WriteRound({ text, past: this.#past, current, pages: this.pages }, nowMs);
    round.run([{ ...write, base: { kind: "current" }, expectedVersions: null }], serverClientId);
    if (!round.hasWritten) {
      round.answer({ revision: current, timeMs: nowMs, content: "", eol: "lf" });
      return;
    }
    const deliveredRevision = isNoted ? current + 1 : (this.#life?.deliveredRevision ?? 0);
    const createdAtMs = write.moved?.createdAtMs ?? nowMs;
    const life = { generation: this.generation + 1, serverClientId, deliveredRevision, createdAtMs };
    const { authors } = round;
    this.#commit({ text, round, authors, timeMs: nowMs }, (commit) => {
      this.log.create(commit, life, nowMs);
      this.#life = { ...life, updatedAtMs: nowMs, revision: commit.revision, isDeleted: false, oldClients };
      this.#text = text;
      this.#contentRevision = this.#metadataRevision = commit.revision;
    });
    round.answer(this.committed);
  }

  /** Compares the text of the next write with the committed one, where that takes long. Returns whether it has done so now. */
  compareAhead({ content }: Write): boolean {
    if (content?.kind !== "text" || this.text.isDirty) return false;
    return this.#compared.compare(this.text.committedContent, toSharedText(content.text));
  }

  /**
   * Writes as many of these writes into the document as one round takes. The caller answers the round once `commit` has
   * made it durable.
   */
  write(writes: readonly Write[], nowMs: number): { readonly round: WriteRound; readonly taken: number } {
    this.#renewIfBehind(nowMs);
    const round = new WriteRound(this.history, nowMs, this.#compared);
    const taken = round.run(writes, this.alive.serverClientId);
    this.#compared.forget();
    return { round, taken };
  }

  /**
   * Makes everything in the document durable, as one revision. No line ends may be left to mend.
   *
   * @param authors the authors of the Yjs edits in it
   * @returns false if there was nothing new
   */
  commit(round: WriteRound | null, authors: Iterable<string>, nowMs: number): boolean {
    const { text } = this;
    // A request that changed nothing is remembered too: the next one may name it as its base.
    if (!text.isDirty && round?.hasRequests !== true) return false;
    this.#renewIfBehind(nowMs);
    const all = [...authors, ...(round?.authors ?? [])];
    this.#commit({ text, round, authors: all, timeMs: nowMs }, (commit) => {
      this.log.append(commit, nowMs);
      this.#life = { ...this.alive, revision: commit.revision, updatedAtMs: nowMs };
    });
    return true;
  }

  /** Replaces the log by a snapshot. Everything must be committed. */
  compact(nowMs: number): void {
    this.log.compact(this.text.snapshot(), nowMs);
  }

  /**
   * Ends this life. Everything must be committed.
   *
   * @param author the id of the principal that deletes it
   */
  remove(author: string, nowMs: number): void {
    const { oldClients, revision, serverClientId } = this.alive;
    const clients = new Set([...oldClients, ...this.text.clients, serverClientId]);
    this.#ports.log.remove({ revision: revision + 1, timeMs: nowMs, authors: [author] }, clients);
    this.#life = this.#ports.log.load();
    this.#text = null;
    this.#view = null;
    // The next life answers no request of this one, and rebases nothing on its texts.
    this.#past = this.#makePast();
  }

  /** Stores that the catalogue has this revision, with its text. */
  markDelivered(revision: number, nowMs: number): void {
    if (this.#life === null) throw new Error("There is nothing to deliver.");
    this.log.markDelivered(revision, nowMs);
    this.#life = { ...this.#life, deliveredRevision: revision };
  }

  /**
   * The stored state is older than what was once sent out, so the clock of the server's client id may be too low. The server
   * gets a new one before it writes again, and with the next commit at the latest: that is paced, whatever peers send.
   */
  noteServerIdBehind(): void {
    this.#isServerIdBehind = true;
  }

  /** Commits everything in the text. `store` makes the commit durable and updates `#life`. */
  #commit({ text, round, authors, timeMs }: CommitSource, store: (commit: Commit) => void): void {
    const uncommitted = text.uncommitted(round?.text);
    const { committedContent, committedMetadata } = text;
    const { change, update, metadata } = uncommitted;
    const commit: Commit = {
      revision: (this.#life?.revision ?? 0) + 1,
      timeMs,
      authors: [...new Set(authors)],
      update,
      undo: invertChange(change, committedContent),
      metadataBefore: metadata === committedMetadata ? null : committedMetadata,
      answers: round?.answers() ?? [],
    };
    store(commit);
    // With other line ends, clients are shown another text.
    if (!isEmpty(change) || metadata.eol !== committedMetadata.eol) this.#contentRevision = commit.revision;
    if (commit.metadataBefore !== null) this.#metadataRevision = commit.revision;
    text.commit(uncommitted);
    this.#past.add(commit);
    this.#view = null;
  }

  #openText(oldClients: ReadonlySet<number>): FragmentText {
    return new FragmentText(() => (this.exists ? this.#ports.log.updates() : []), oldClients);
  }

  #makePast(): Past {
    return new Past(() => (this.exists ? this.#ports.log.past() : []));
  }

  /**
   * Some committed edits are lost: the text has changed, so it gets another revision. The server may have made the lost
   * edits, and peers may hold them. With a new client id no two structs carry the same (client, clock).
   */
  #recover(): void {
    this.#life = this.#ports.log.load();
    this.#contentRevision = this.#metadataRevision = this.alive.revision;
    this.#takeServerClientId((id) => this.#ports.log.renewServerClientId(id));
  }

  #renewIfBehind(nowMs: number): void {
    if (!this.#isServerIdBehind) return;
    this.#isServerIdBehind = false;
    this.#takeServerClientId((id) => this.log.renewServerClientId(id, nowMs));
  }

  /** @param store makes the new client id durable */
  #takeServerClientId(store: (serverClientId: number) => void): void {
    const serverClientId = this.#newServerClientId(new Set(this.text.clients));
    store(serverClientId);
    this.#life = { ...this.alive, serverClientId };
  }

  #newServerClientId(taken: ReadonlySet<number>): number {
    let id = this.#ports.random32();
    while (taken.has(id)) id = this.#ports.random32();
    return id;
  }
}
