import type { LogState } from "../history/update-log.ts";
import type { FeedSource } from "./feed-source.ts";
import { type CatalogueEntry, type Editing, type KeptParcel, type Parcel, revisionOf } from "./parcel.ts";

/** Between two deliveries: list fields show within a second. */
const TELL_MS = 500;
/** Nobody has committed anything for so long: the text goes too. */
const QUIET_MS = 2_000;
/** What is due waits for its rows to be paid for, but no longer than this. */
const MAX_UNPAID_MS = 2_000;
/** A text that costs as many rows as `MANY_ROWS` waits, besides, until no more are owed than a minute gives. */
const MANY_ROWS = 40;
const MAX_OWED_ROWS = 300;
/** While it is being edited the text is due so often: with that wait and its way, it is there ten seconds after a change. */
const TEXT_MS = 7_500;
/** After a failure; doubled with each that follows. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** Rows that a delivery with text costs in the catalogue, until the first has told. */
const USUAL_ROWS = 5;

/** What is to be sent, at least one of the two. */
export interface Delivery {
  readonly id: string;
  readonly parcel: Parcel | null;
  readonly editing: Editing | null;
}

/**
 * Keeps the workspace's catalogue informed of one fragment: after each commit of what lists show, of the text once
 * the fragment is quiet and within ten seconds, and of who is here. Pure, like the room: it says what is due and is told
 * how that ended; one delivery at a time, so that they arrive in order.
 *
 * What is not delivered is known from storage (`deliveredRevision` behind the revision), so no delivery is lost with
 * the process.
 */
export class CatalogueFeed {
  readonly #source: FeedSource;
  readonly #id: string;
  #underWay: Delivery | null = null;
  /** The last revisions that the catalogue was told of: at all, and with the text. */
  #toldRevision: number;
  #deliveredRevision: number;
  #toldMs = Number.NEGATIVE_INFINITY;
  #textMs = Number.NEGATIVE_INFINITY;
  #textRows = USUAL_ROWS;
  #failures = 0;
  #retryMs = Number.NEGATIVE_INFINITY;
  /** As the catalogue knows it; null: not told by this object. */
  #toldEditing: string | null = null;
  /** Of the room's changes of that kind, up to which it was looked. */
  #seenEditingChanges: number;

  constructor(source: FeedSource, id: string) {
    this.#source = source;
    this.#id = id;
    this.#seenEditingChanges = source.editingChanges;
    this.#toldRevision = this.#deliveredRevision = source.life?.deliveredRevision ?? 0;
  }

  /** Storage does not know that the catalogue has the last revision, or will ask for it: an alarm must be set. */
  get isUnconfirmed(): boolean {
    const { life } = this.#source;
    return life !== null && life.deliveredRevision < life.revision;
  }

  /** What the catalogue is told before the fragment is created. */
  announcement(): { readonly id: string; readonly revision: number } {
    return { id: this.#id, revision: (this.#source.life?.revision ?? 0) + 1 };
  }

  /** @param rowsWritten what that has cost in the catalogue */
  announced(rowsWritten: number, nowMs: number): void {
    this.#source.spend(rowsWritten, nowMs);
  }

  /**
   * Remembers what was delivered: once everything is, and in a room that is never at rest when the alarm rings.
   * Not each time, since it costs a row.
   */
  confirm(hasRung: boolean, nowMs: number): void {
    const { life } = this.#source;
    if (life === null || this.#deliveredRevision <= life.deliveredRevision) return;
    if (hasRung || this.#deliveredRevision === life.revision)
      this.#source.markDelivered(this.#deliveredRevision, nowMs);
  }

  /** When to call `take`; null while nothing is pending, or something is under way. */
  dueAt(nowMs: number): number | null {
    if (this.#underWay !== null) return null;
    const due = Math.min(this.#textDueAt(nowMs), this.#tellDueAt());
    return due === Number.POSITIVE_INFINITY ? null : Math.max(due, this.#retryMs);
  }

  /** What is due; the caller sends it and tells how that ended. Null if nothing is. */
  take(nowMs: number): Delivery | null {
    const due = this.dueAt(nowMs);
    if (due === null || due > nowMs) return null;
    const editing = this.#takeEditing();
    const isTextDue = this.#textDueAt(nowMs) <= nowMs;
    const parcel = isTextDue ? this.parcel() : this.#entryIfNews();
    if (parcel === null && editing === null) return null;
    this.#toldMs = nowMs;
    this.#underWay = { id: this.#id, parcel, editing };
    return this.#underWay;
  }

  /** @param rowsWritten what it has cost in the catalogue */
  arrived(rowsWritten: number, nowMs: number): void {
    const delivery = this.#end();
    this.#failures = 0;
    this.#source.spend(rowsWritten, nowMs);
    const { parcel, editing } = delivery;
    if (editing !== null) this.#toldEditing = JSON.stringify(editing);
    if (parcel === null) return;
    const revision = revisionOf(parcel);
    this.#toldRevision = revision;
    if (parcel.kind === "entry") return;
    if (parcel.kind === "text" && rowsWritten > 0) this.#textRows = rowsWritten;
    // The next life begins with a delivery at once.
    this.#textMs = parcel.kind === "deleted" ? Number.NEGATIVE_INFINITY : nowMs;
    this.#deliveredRevision = revision;
  }

  failed(nowMs: number): void {
    const { editing } = this.#end();
    if (editing !== null) this.#seenEditingChanges = -1;
    this.#retryMs = nowMs + Math.min(RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS);
    this.#failures++;
  }

  /** All that the catalogue keeps of the fragment; null if there never was one. */
  parcel(): KeptParcel | null {
    const { life } = this.#source;
    if (life === null) return null;
    if (life.isDeleted)
      return { kind: "deleted", id: this.#id, revision: life.revision, atMs: life.updatedAtMs };
    return { kind: "text", entry: this.#entry(life), text: this.#source.committed.content };
  }

  editing(): Editing {
    return this.#source.editing();
  }

  #entryIfNews(): Parcel | null {
    const { life } = this.#source;
    return life === null || life.isDeleted || life.revision <= this.#toldRevision
      ? null
      : { kind: "entry", entry: this.#entry(life) };
  }

  #entry({ createdAtMs }: LogState): CatalogueEntry {
    const { id, revision, timeMs: updatedAtMs, size, metadata } = this.#source.committed;
    return {
      id,
      revision,
      createdAtMs,
      updatedAtMs,
      size,
      ...metadata,
    };
  }

  /** Null if it is as the catalogue knows it. */
  #takeEditing(): Editing | null {
    if (!this.#hasEditingNews) return null;
    this.#seenEditingChanges = this.#source.editingChanges;
    const editing = this.#source.editing();
    return JSON.stringify(editing) === this.#toldEditing ? null : editing;
  }

  get #hasEditingNews(): boolean {
    return this.#seenEditingChanges !== this.#source.editingChanges;
  }

  #textDueAt(nowMs: number): number {
    const { life } = this.#source;
    if (life === null || this.#deliveredRevision >= life.revision) return Number.POSITIVE_INFINITY;
    if (life.isDeleted) return Number.NEGATIVE_INFINITY;
    // The first edit after a pause goes at once.
    const wanted = Math.min(life.updatedAtMs + QUIET_MS, this.#textMs + TEXT_MS);
    const source = this.#source;
    const unpaid = Math.max(
      wanted,
      Math.min(source.affordableAt(this.#textRows, nowMs), wanted + MAX_UNPAID_MS),
    );
    return this.#textRows < MANY_ROWS ? unpaid : Math.max(unpaid, source.affordableAt(-MAX_OWED_ROWS, nowMs));
  }

  #tellDueAt(): number {
    const { life } = this.#source;
    const hasNews = life !== null && !life.isDeleted && life.revision > this.#toldRevision;
    return hasNews || this.#hasEditingNews ? this.#toldMs + TELL_MS : Number.POSITIVE_INFINITY;
  }

  #end(): Delivery {
    if (this.#underWay === null) throw new Error("No delivery is under way.");
    const delivery = this.#underWay;
    this.#underWay = null;
    return delivery;
  }
}
