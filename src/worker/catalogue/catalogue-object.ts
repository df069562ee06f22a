import { DurableObject } from "cloudflare:workers";
import type { CatalogueMessage, FragmentRevision } from "../../core/feed/catalogue-update.ts";
import type { FragmentId } from "../../language/fragment-id.ts";
import type { Workspace } from "../../protocol/access.ts";
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
import { agreedSubprotocol } from "../sockets/subprotocol.ts";
import { CatalogueEntries } from "../storage/catalogue-entries.ts";
import { CatalogueLists } from "../storage/catalogue-lists.ts";
import { FragmentPages } from "../storage/fragment-pages.ts";
import { KnownIds } from "../storage/known-ids.ts";
import { LiveEntries } from "../storage/live-entries.ts";
import { OpenSessionsTable } from "../storage/open-sessions-table.ts";
import { WordIndex } from "../storage/word-index.ts";
import { CatalogueAudit } from "./catalogue-audit.ts";
import { changesSince, knownSeq } from "./changes.ts";
import { EventListeners } from "./event-listeners.ts";
import { parseEventsRequest } from "./events-request.ts";
import { FragmentMessages } from "./fragment-messages.ts";
import { OpenSessionsCheck } from "./open-sessions-check.ts";
import { SharedTurn } from "./shared-turn.ts";

/** Ids on one page of `ids`. */
const IDS_PER_PAGE = 1_000;

/**
 * The searchable list of one workspace's fragments, and who includes whom. The fragments tell it of their commits. It
 * asks them in a rebuild, and when a message that it awaits does not come.
 */
export class CatalogueObject extends DurableObject<Env> {
  readonly #workspace: Workspace;
  readonly #entries: CatalogueEntries;
  readonly #lists: CatalogueLists;
  readonly #pages: FragmentPages;
  readonly #openSessions: OpenSessionsTable;
  readonly #openSessionsCheck: OpenSessionsCheck;
  readonly #audit: CatalogueAudit;
  readonly #listeners: EventListeners;
  readonly #messages: FragmentMessages;
  /** Shared, since a thousand messages may arrive in a second. */
  readonly #turn = new SharedTurn();
  readonly #known: KnownIds;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#workspace = (ctx.id.name ?? "") as Workspace; // catalogueStub names it
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PLAIN_PING, PLAIN_PONG));
    const words = new WordIndex(ctx.storage);
    this.#entries = new CatalogueEntries(ctx.storage, words);
    this.#entries.open();
    const live = new LiveEntries();
    this.#lists = new CatalogueLists(ctx.storage, live);
    this.#pages = new FragmentPages(ctx.storage, { live, words, lists: this.#lists });
    this.#openSessions = new OpenSessionsTable(ctx.storage);
    this.#known = new KnownIds(ctx.storage, (catalogue) =>
      witnessStub(env, this.#workspace).isFirstCatalogue(catalogue),
    );
    this.#audit = new CatalogueAudit(ctx.storage, {
      entries: this.#entries,
      words,
      known: this.#known,
      recordOf: (id) => this.#fragment(id).catalogueRecord(),
      mended: (id) => void this.#messages.entryChanged(id),
      report: reportProblem,
    });
    this.#openSessionsCheck = new OpenSessionsCheck({
      openAfter: (id, limit) => this.#openSessions.after(id, limit).map((one) => one.id),
      ask: (id) => this.#fragment(id).openSessions(),
      answered: (id, openSessions) => void this.deliver({ id, update: null, openSessions }),
      report: reportProblem,
    });
    this.#listeners = new EventListeners(ctx, {
      changesSince: (seq, limit) => changesSince(this.#lists, seq, limit),
      editorsAfter: (id, limit) =>
        this.#openSessions.after(id, limit).map((one) => ({ event: "editors", ...one })),
    });
    this.#messages = new FragmentMessages({
      entries: this.#entries,
      live,
      openSessions: this.#openSessions,
      known: this.#known,
      audit: this.#audit,
      listeners: this.#listeners,
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
      return await this.#turn.run(() => this.#audit.noteCreation(creation, Date.now()));
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

  list(query: ListQuery): Result<FragmentPage> {
    return this.#pages.list(query);
  }

  /**
   * The ids among these that may have a fragment, in any order; the others have none. Null if the catalogue cannot tell
   * (known-ids.ts): then only the fragments themselves know. Stores nothing. Takes at most 1,000 ids at a time.
   */
  async known(ids: readonly string[]): Promise<string[] | null> {
    await this.#known.introduce();
    return this.#known.among(ids);
  }

  /** A page of ids after this one, in order; none when there are no more. */
  ids(afterId: string): string[] {
    return this.#lists.ids(afterId, IDS_PER_PAGE);
  }

  tags(): TagCounts {
    return this.#lists.tags();
  }

  folders(prefix: string): FolderCounts {
    return this.#lists.folders(prefix);
  }

  dependents(id: string): Dependents {
    return this.#lists.dependents(id);
  }

  suggestions(text: string, exclude: readonly string[]): string[] {
    return this.#lists.suggestions(text, exclude);
  }

  /** Notes that a deleted fragment lives on under another id. False if its deletion is not known. */
  renamed(from: string, to: string): boolean {
    const isKnown = this.#entries.rename(from, to);
    if (isKnown) this.#listeners.changed();
    return isKnown;
  }

  /**
   * Begins to mend the catalogue from the fragments, unless a rebuild runs. `ids` are asked in addition to those that
   * it knows.
   *
   * @param isComplete there are no other fragments: an id that is still unknown at the end has none
   */
  async rebuild(ids: readonly string[], isComplete = false): Promise<RebuildStatus> {
    await this.#known.introduce();
    this.#audit.rebuild(ids, isComplete, Date.now());
    return this.#audit.rebuildStatus;
  }

  async rebuildStatus(): Promise<RebuildStatus> {
    await this.#known.introduce();
    return this.#audit.rebuildStatus;
  }

  /** `/v1/events`: a WebSocket or a stream of server-sent events (events-request.ts). */
  override fetch(request: Request): Response {
    const asked = parseEventsRequest(request);
    if (asked === null) return new Response(null, { status: 400 });
    const { isSocket, lastSeq } = asked;
    this.ctx.waitUntil(this.#openSessionsCheck.run());
    const afterSeq = knownSeq(lastSeq, this.#entries.seq);
    if (!isSocket) return this.#listeners.openStream(afterSeq);
    return upgradeResponse(agreedSubprotocol(request), this.#listeners.openSocket(afterSeq));
  }

  override webSocketMessage(socket: WebSocket): void {
    closeSocket(socket, CLOSE.malformed, "Nothing is expected here");
  }

  override webSocketClose(socket: WebSocket): void {
    closeSocket(socket, 1000, "");
  }

  override alarm(): Promise<void> {
    return this.#audit.ring(Date.now());
  }

  #fragment(id: string) {
    return fragmentStub(this.env, this.#workspace, id as FragmentId); // a fragment gave it
  }
}

function reportProblem(problem: string, error: unknown): void {
  console.error(`catalogue: ${problem}`, error);
}
