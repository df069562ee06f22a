import { DurableObject } from "cloudflare:workers";
import type { CatalogueMessage, FragmentRevision } from "../../core/feed/catalogue-update.ts";
import type { FragmentId } from "../../language/fragment-id.ts";
import type { Access, AccessChange, Workspace } from "../../protocol/access.ts";
import type {
  Dependents,
  FolderCounts,
  FragmentPage,
  ListQuery,
  RebuildStatus,
  TagCounts,
} from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import type { Result } from "../../protocol/errors.ts";
import { PLAIN_PING, PLAIN_PONG } from "../../protocol/json-frames.ts";
import { fragmentStub, witnessStub } from "../addresses.ts";
import { closeSocket, upgradeResponse } from "../sockets/socket-peer.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { CatalogueEntries } from "../storage/catalogue-entries.ts";
import { CatalogueLists } from "../storage/catalogue-lists.ts";
import { FragmentPages } from "../storage/fragment-pages.ts";
import { KnownIds } from "../storage/known-ids.ts";
import { LiveEntries } from "../storage/live-entries.ts";
import { OpenSessionsTable } from "../storage/open-sessions-table.ts";
import { FULL_VIEW } from "../storage/visible-ids.ts";
import { WordIndex } from "../storage/word-index.ts";
import { CatalogueCalls } from "./catalogue-calls.ts";
import { CatalogueComparison, type ComparisonKind } from "./catalogue-comparison.ts";
import { changesSince, knownSeq } from "./changes.ts";
import { EventListeners } from "./event-listeners.ts";
import { decodeEventsRequest } from "./events-request.ts";
import { FragmentMessages } from "./fragment-messages.ts";
import { OpenSessionsCheck } from "./open-sessions-check.ts";
import { SharedTurn } from "./shared-turn.ts";

/** Work of an alarm that has not ended after this long is begun again: it failed, or the process died meanwhile. */
const AGAIN_MS = 30_000;

/**
 * The searchable list of one workspace's fragments, and who includes whom. The fragments tell it of their commits. It
 * asks them in a rebuild, and when a message that it awaits does not come.
 */
export class CatalogueObject extends DurableObject<Env> {
  readonly #workspace: Workspace;
  readonly #entries: CatalogueEntries;
  readonly #openSessions: OpenSessionsTable;
  readonly #openSessionsCheck: OpenSessionsCheck;
  readonly #alarms: AlarmTable<ComparisonKind | "listeners">;
  readonly #listeners: EventListeners;
  readonly #messages: FragmentMessages;
  /** Shared, since a thousand messages may arrive in a second. */
  readonly #turn = new SharedTurn();
  readonly #known: KnownIds;
  readonly #comparison: CatalogueComparison;
  readonly #calls: CatalogueCalls;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#workspace = (ctx.id.name ?? "") as Workspace; // catalogueStub names it
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PLAIN_PING, PLAIN_PONG));
    const words = new WordIndex(ctx.storage);
    this.#entries = new CatalogueEntries(ctx.storage, words);
    this.#entries.open();
    const live = new LiveEntries();
    const lists = new CatalogueLists(ctx.storage, live);
    const pages = new FragmentPages(ctx.storage, { live, words, lists });
    this.#openSessions = new OpenSessionsTable(ctx.storage);
    this.#known = new KnownIds(ctx.storage, (catalogue) =>
      witnessStub(env, this.#workspace).isFirstCatalogue(catalogue),
    );
    this.#alarms = new AlarmTable(ctx.storage);
    this.#comparison = new CatalogueComparison(ctx.storage, {
      alarms: this.#alarms,
      entries: this.#entries,
      words,
      known: this.#known,
      recordOf: (id) => this.#fragment(id).catalogueRecord(),
      mended: (id) => void this.#messages.entryChanged(id),
      report: reportProblem,
    });
    this.#openSessionsCheck = new OpenSessionsCheck({
      openAfter: (id, limit) => this.#openSessions.after(FULL_VIEW, id, limit).map((one) => one.id),
      ask: (id) => this.#fragment(id).openSessions(),
      answered: (id, openSessions) => void this.deliver({ id, update: null, openSessions }),
      report: reportProblem,
    });
    this.#listeners = new EventListeners(ctx, {
      newestSeq: () => this.#entries.seq,
      changesSince: (view, seq, limit) => changesSince(lists, view, seq, limit),
      editorsAfter: (view, id, limit) =>
        this.#openSessions.after(view, id, limit).map((one) => ({ event: "editors", ...one })),
      wake: (atMs) => this.#alarms.ensure("listeners", atMs),
      sleep: () => this.#alarms.end("listeners"),
    });
    this.#messages = new FragmentMessages({
      entries: this.#entries,
      live,
      openSessions: this.#openSessions,
      known: this.#known,
      comparison: this.#comparison,
      listeners: this.#listeners,
    });
    this.#calls = new CatalogueCalls(this.#workspace, {
      entries: this.#entries,
      lists,
      pages,
      known: this.#known,
      comparison: this.#comparison,
      changed: () => this.#listeners.changed(),
    });
  }

  /**
   * Makes a note of a creation before it happens. The fragment then needs no alarm of its own: if the process dies
   * before the fragment is heard of, this object asks it.
   *
   * @returns the rows written, for the fragment's budget
   */
  async noteCreation(creation: FragmentRevision): Promise<number> {
    this.#known.noting(creation.id);
    try {
      await this.#known.introduce();
      return await this.#turn.run(() => this.#comparison.noteCreation(creation, Date.now()));
    } finally {
      this.#known.noted(creation.id);
    }
  }

  /**
   * Receives a message of a fragment.
   *
   * @returns the rows written, for the fragment's budget
   */
  deliver(message: CatalogueMessage): Promise<number> {
    return this.#turn.run(() => this.#messages.receive(message));
  }

  /**
   * The ids among these that may have a fragment, in any order; the others have none. Null if the catalogue cannot tell
   * (known-ids.ts): then only the fragments themselves know. Stores nothing. Takes at most 1,000 ids at a time.
   */
  async known(ids: readonly string[]): Promise<string[] | null> {
    await this.#known.introduce();
    return this.#known.among(ids);
  }

  /** A grant was lowered or revoked: listeners that stand on it are told less from now on, or end. */
  accessChanged(change: AccessChange): void {
    this.#listeners.accessChanged(change);
  }

  // The rest is for callers: their access comes first, and is checked in `CatalogueCalls`.

  list(access: Access, query: ListQuery): Result<FragmentPage> {
    return this.#calls.list(access, query);
  }

  /** A page of ids after this one, in order; none when there are no more. */
  ids(access: Access, afterId: string): string[] {
    return this.#calls.ids(access, afterId);
  }

  tags(access: Access): TagCounts {
    return this.#calls.tags(access);
  }

  folders(access: Access, prefix: string): FolderCounts {
    return this.#calls.folders(access, prefix);
  }

  dependents(access: Access, id: string): Dependents {
    return this.#calls.dependents(access, id);
  }

  suggestions(access: Access, text: string, exclude: readonly string[]): string[] {
    return this.#calls.suggestions(access, text, exclude);
  }

  /** Notes that a deleted fragment lives on under another id. False if its deletion is not known. */
  renamed(access: Access, from: string, to: string): Result<boolean> {
    return this.#calls.renamed(access, from, to);
  }

  /**
   * Begins to mend the catalogue from the fragments, unless a rebuild runs. `ids` are asked in addition to those that
   * it knows.
   *
   * @param isComplete there are no other fragments: an id that is still unknown at the end has none
   */
  rebuild(access: Access, ids: readonly string[], isComplete = false): Promise<Result<RebuildStatus>> {
    return this.#calls.rebuild(access, ids, isComplete);
  }

  rebuildStatus(access: Access): Promise<Result<RebuildStatus>> {
    return this.#calls.rebuildStatus(access);
  }

  /** `/v1/events`: a WebSocket or a stream of server-sent events (events-request.ts). */
  override fetch(request: Request): Response {
    const { access, isSocket, lastSeq, subprotocol } = decodeEventsRequest(request);
    const start = { access: this.#calls.admit(access), seq: knownSeq(lastSeq, this.#entries.seq) };
    this.ctx.waitUntil(this.#openSessionsCheck.run());
    if (!isSocket) return this.#listeners.openStream(start);
    return upgradeResponse(subprotocol, this.#listeners.openSocket(start));
  }

  override webSocketMessage(socket: WebSocket): void {
    closeSocket(socket, CLOSE.malformed, "Nothing is expected here");
  }

  override webSocketClose(socket: WebSocket): void {
    closeSocket(socket, 1000, "");
  }

  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    const due = this.#alarms.begin(nowMs, nowMs + AGAIN_MS);
    if (due.includes("listeners")) this.#listeners.endDue(nowMs);
    await this.#comparison.ring(
      due.filter((kind) => kind !== "listeners"),
      nowMs,
    );
  }

  #fragment(id: string) {
    return fragmentStub(this.env, this.#workspace, id as FragmentId); // a fragment gave it
  }
}

function reportProblem(problem: string, error: unknown): void {
  console.error(`catalogue: ${problem}`, error);
}
