import { DurableObject } from "cloudflare:workers";
import {
  type CatalogueEntry,
  type Editing,
  idOf,
  type KeptParcel,
  NOBODY,
  type Parcel,
  revisionOf,
} from "../../core/feed/parcel.ts";
import type { FragmentId } from "../../language/fragment-id.ts";
import type {
  Dependents,
  FolderCounts,
  FragmentPage,
  ListQuery,
  RebuildStatus,
  TagCounts,
} from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import type { Refusal } from "../../protocol/errors.ts";
import { PLAIN_PING, PLAIN_PONG } from "../../protocol/json-frames.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import { fragmentStub, type Workspace } from "../addresses.ts";
import { closeSocket, upgradeResponse } from "../sockets/socket-peer.ts";
import type { Announced } from "../storage/announced-table.ts";
import { CatalogueEntries, type StoredEntry } from "../storage/catalogue-entries.ts";
import { CatalogueLists, listFields } from "../storage/catalogue-lists.ts";
import { EditingTable } from "../storage/editing-table.ts";
import { knownIds } from "../storage/known-ids.ts";
import { LiveEntries } from "../storage/live-entries.ts";
import { CatalogueInquiry } from "./catalogue-inquiry.ts";
import { EditingCheck } from "./editing-check.ts";
import type { NumberedEvent } from "./event-listener.ts";
import { EventListeners } from "./event-listeners.ts";
import { parseEventsRequest } from "./events-request.ts";
import { SharedTurn } from "./shared-turn.ts";

export type ListAnswer =
  | { readonly kind: "page"; readonly page: FragmentPage }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Ids of one page of `ids`. */
const IDS_PER_PAGE = 1_000;

/**
 * The searchable list of one workspace's fragments, and who includes whom. The fragments tell it of themselves; it
 * asks them only to rebuild itself.
 */
export class CatalogueObject extends DurableObject<Env> {
  readonly #workspace: Workspace;
  readonly #entries: CatalogueEntries;
  readonly #lists: CatalogueLists;
  readonly #editing: EditingTable;
  readonly #editingCheck: EditingCheck;
  readonly #inquiry: CatalogueInquiry;
  readonly #listeners: EventListeners;
  /** Of the fragments: a thousand may tell of themselves in a second. */
  readonly #turn = new SharedTurn();
  readonly #live = new LiveEntries();
  /** Fragments whose announcement waits for the shared turn. */
  readonly #noting = new Set<string>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#workspace = (ctx.id.name ?? "") as Workspace; // catalogueStub names it
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PLAIN_PING, PLAIN_PONG));
    this.#entries = new CatalogueEntries(ctx.storage);
    this.#entries.open();
    this.#lists = new CatalogueLists(ctx.storage, this.#live);
    this.#editing = new EditingTable(ctx.storage);
    this.#inquiry = new CatalogueInquiry(ctx.storage, this.#entries, {
      parcelOf: (id) => this.#fragment(id).parcel(),
      mended: (id) => void this.#entryChanged(id),
      report: reportProblem,
    });
    this.#editingCheck = new EditingCheck({
      openAfter: (id, limit) => this.#editing.after(id, limit).map((one) => one.id),
      ask: (id) => this.#fragment(id).editing(),
      answered: (id, editing) => void this.deliver(id, null, editing),
      report: reportProblem,
    });
    this.#listeners = new EventListeners(ctx, {
      changesSince: (seq, limit) => this.#changesSince(seq, limit),
      editorsAfter: (id, limit) =>
        this.#editing.after(id, limit).map((one) => ({ event: "editors", ...one })),
    });
  }

  /**
   * A fragment is about to be created. Once this is noted it sets no alarm of its own: should the process die before
   * it tells of itself, it is asked.
   *
   * @returns how many rows that has cost, for the fragment's budget
   */
  announce(announced: Announced): Promise<number> {
    this.#noting.add(announced.id);
    return this.#turn.run(() => {
      this.#noting.delete(announced.id);
      return this.#inquiry.announce(announced, Date.now());
    });
  }

  /**
   * Takes what a fragment tells of itself.
   *
   * @returns how many rows that has cost, for the fragment's budget
   */
  deliver(id: string, parcel: Parcel | null, editing: Editing | null): Promise<number> {
    return this.#turn.run(() => this.#take(id, parcel, editing));
  }

  list(query: ListQuery): ListAnswer {
    const result = this.#lists.list(query);
    return "code" in result ? { kind: "refused", refusal: result } : { kind: "page", page: result };
  }

  /**
   * Those of the ids that may name a fragment, in any order: one statement for all of them, and nothing is stored. Ask
   * for at most 1,000 at a time.
   *
   * An id in the answer names a fragment, or one that is about to be created, or (for a moment) one that was just
   * deleted: only the fragment knows. An id that is missing names none: a fragment is noted here before it exists, and
   * its row is removed after it. There are two exceptions. While this object could not be reached, a creation went on
   * without a note; it is told here as soon as that succeeds, after half a minute at the latest once the object answers
   * again. And if the catalogue's data were lost or wiped, it has to be rebuilt. If the call fails, nothing is known:
   * ask the fragment.
   */
  known(ids: readonly string[]): string[] {
    return knownIds(this.ctx.storage.sql, ids, this.#noting);
  }

  /** The ids behind one, in their order, a page of them; none when there are no more. */
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

  /** A fragment that was deleted lives on under another id. False where nothing is known of a deletion. */
  renamed(from: string, to: string): boolean {
    const isKnown = this.#entries.rename(from, to);
    if (isKnown) this.#listeners.changed();
    return isKnown;
  }

  /** Begins to mend the catalogue from the fragments, unless it is at it; `ids` are asked besides those it knows. */
  rebuild(ids: readonly string[]): RebuildStatus {
    this.#inquiry.rebuild(ids, Date.now());
    return this.#inquiry.rebuildStatus;
  }

  rebuildStatus(): RebuildStatus {
    return this.#inquiry.rebuildStatus;
  }

  /** `/v1/events`: a WebSocket or a stream of server-sent events (events-request.ts). */
  override fetch(request: Request): Response {
    const asked = parseEventsRequest(request);
    if (asked === null) return new Response(null, { status: 400 });
    const { isSocket, lastSeq } = asked;
    this.ctx.waitUntil(this.#editingCheck.run());
    const afterSeq = this.#knownSeq(lastSeq);
    if (!isSocket) return this.#listeners.openStream(afterSeq);
    return upgradeResponse(request, this.#listeners.openSocket(afterSeq));
  }

  override webSocketMessage(socket: WebSocket): void {
    closeSocket(socket, CLOSE.malformed, "Nothing is expected here");
  }

  override webSocketClose(socket: WebSocket): void {
    closeSocket(socket, 1000, "");
  }

  override alarm(): Promise<void> {
    return this.#inquiry.ring(Date.now());
  }

  #take(id: string, parcel: Parcel | null, editing: Editing | null): number {
    let rowsWritten = 0;
    if (parcel?.kind === "entry") this.#show(parcel.entry);
    else if (parcel !== null) rowsWritten += this.#keep(parcel);
    return editing === null ? rowsWritten : rowsWritten + this.#tellEditing(id, editing);
  }

  #tellEditing(id: string, editing: Editing): number {
    const told = this.#editing.tell(id, editing);
    if (told === null) return 0;
    this.#listeners.tell({ event: "editors", id, ...editing });
    return told.rowsWritten;
  }

  #show(entry: CatalogueEntry): void {
    if (!this.#live.show(this.#entries.get(entry.id), entry)) return;
    const { id, revision: version, updatedAtMs } = entry;
    this.#listeners.tell({ event: "typing", id, version, updated_at: timestamp(updatedAtMs) });
  }

  #keep(parcel: KeptParcel): number {
    let rowsWritten = this.#entries.keep(parcel);
    if (rowsWritten > 0) rowsWritten += this.#entryChanged(idOf(parcel));
    return rowsWritten + this.#inquiry.told({ id: idOf(parcel), revision: revisionOf(parcel) });
  }

  /** @returns the rows written: nobody has a deleted fragment open, whether it lived to say so or not */
  #entryChanged(id: string): number {
    const entry = this.#entries.get(id);
    if (entry !== null) this.#live.settle(entry);
    this.#listeners.changed();
    return entry?.isDeleted === true ? this.#tellEditing(id, NOBODY) : 0;
  }

  #changesSince(seq: number, limit: number): NumberedEvent[] {
    return this.#lists.changedSince(seq, limit).map((entry) => this.#toEvent(entry, seq));
  }

  /** One change, for somebody who knows everything up to `knownSeq`. */
  #toEvent(entry: StoredEntry, knownSeq: number): NumberedEvent {
    const { seq, id, revision: version } = entry;
    if (entry.isDeleted && entry.renamedTo !== null)
      return { event: "renamed", seq, from: id, to: entry.renamedTo };
    if (entry.isDeleted) return { event: "deleted", seq, id, version };
    const event = entry.createdSeq > knownSeq ? "created" : "changed";
    return { event, seq, fragment: listFields(entry, this.#lists.includedBy(id)) };
  }

  /** Where a listener begins. A number ahead of all is of data that were wiped or restored since: it knows nothing. */
  #knownSeq(lastSeq: number | null): number {
    const { seq } = this.#entries;
    if (lastSeq === null) return seq;
    return lastSeq > seq ? 0 : lastSeq;
  }

  #fragment(id: string) {
    return fragmentStub(this.env, this.#workspace, id as FragmentId); // a fragment gave it
  }
}

function reportProblem(problem: string, error: unknown): void {
  console.error(`catalogue: ${problem}`, error);
}
