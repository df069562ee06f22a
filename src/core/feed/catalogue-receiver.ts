import type { OpenSessions } from "../../protocol/catalogue.ts";
import type { LogState } from "../history/update-log.ts";
import {
  type CatalogueEntry,
  type CatalogueMessage,
  type CatalogueRecord,
  type CatalogueUpdate,
  type FragmentRevision,
  revisionOf,
} from "./catalogue-update.ts";
import type { FeedSource } from "./feed-source.ts";
import type { Receiver } from "./receiver.ts";

/** Time between two messages, so that list fields show within a second. */
const MESSAGE_MS = 500;
/**
 * The text is due `QUIET_MS` after the last commit, or `TEXT_MS` after it was last told. It then waits for rows to pay
 * for it, at most `MAX_UNPAID_MS`. So it is told at the latest 7.5 + 2 = 9.5 s after the last time. Of the ten seconds
 * that CAT-2 promises, half a second is left for the message before it to arrive.
 */
const QUIET_MS = 2_000;
const TEXT_MS = 7_500;
const MAX_UNPAID_MS = 2_000;
/**
 * A text may cost this many rows, because of the fragments that it includes. Then it may come later than that: it also
 * waits until the fragment owes no more rows than about a minute's refill.
 */
const MANY_ROWS = 40;
const MAX_OWED_ROWS = 300;
/** The rows that a text is expected to cost in the catalogue before the first one has arrived. */
const USUAL_ROWS = 5;

/**
 * The workspace's catalogue as a receiver: it is told list fields after each commit, the text once the fragment is quiet
 * or within ten seconds, and the open sessions when they change.
 *
 * `deliveredRevision` in storage says what the catalogue is known to have, so no news is lost with the process.
 */
export class CatalogueReceiver implements Receiver<CatalogueMessage> {
  readonly #source: FeedSource;
  readonly #id: string;
  /** The last revisions that the catalogue was told of: at all, and with the text. */
  #toldRevision: number;
  #textRevision: number;
  #messageMs = Number.NEGATIVE_INFINITY;
  #textMs = Number.NEGATIVE_INFINITY;
  #textRows = USUAL_ROWS;
  /** JSON of the open sessions as last told; null if this object has not told them. */
  #toldSessions: string | null = null;
  /** The source's `openSessionsChanges` when they were last read; -1 if they must be read again. */
  #seenSessionsChanges: number;

  constructor(source: FeedSource, id: string) {
    this.#source = source;
    this.#id = id;
    this.#seenSessionsChanges = source.openSessionsChanges;
    this.#toldRevision = this.#textRevision = source.life?.deliveredRevision ?? 0;
  }

  get isUnconfirmed(): boolean {
    const { life } = this.#source;
    return life !== null && life.deliveredRevision < life.revision;
  }

  /** The revision that the catalogue makes a note of before the fragment is created. */
  nextCreation(): FragmentRevision {
    return { id: this.#id, revision: (this.#source.life?.revision ?? 0) + 1 };
  }

  /**
   * Confirming costs a row. So it waits until everything is delivered or, in a room that is never quiet, for the alarm.
   */
  confirm(hasRung: boolean, nowMs: number): void {
    const { life } = this.#source;
    if (life === null || this.#textRevision <= life.deliveredRevision) return;
    if (hasRung || this.#textRevision === life.revision)
      this.#source.markDelivered(this.#textRevision, nowMs);
  }

  dueAt(nowMs: number): number {
    return Math.min(this.#textDueAt(nowMs), this.#messageDueAt());
  }

  next(nowMs: number): CatalogueMessage | null {
    const openSessions = this.#newSessions();
    const update = this.#textDueAt(nowMs) <= nowMs ? this.record() : this.#newEntry();
    if (update === null && openSessions === null) return null;
    this.#messageMs = nowMs;
    return { id: this.#id, update, openSessions };
  }

  arrived({ update, openSessions }: CatalogueMessage, rowsWritten: number, nowMs: number): void {
    if (openSessions !== null) this.#toldSessions = JSON.stringify(openSessions);
    if (update === null) return;
    const { revision } = revisionOf(update);
    this.#toldRevision = revision;
    if (update.kind === "entry") return;
    if (update.kind === "text" && rowsWritten > 0) this.#textRows = rowsWritten;
    // The first text of the next life is due at once.
    this.#textMs = update.kind === "deleted" ? Number.NEGATIVE_INFINITY : nowMs;
    this.#textRevision = revision;
  }

  failed({ openSessions }: CatalogueMessage): void {
    if (openSessions !== null) this.#seenSessionsChanges = -1;
  }

  /** All that the catalogue stores of the fragment; null if there never was one. */
  record(): CatalogueRecord | null {
    const { life } = this.#source;
    if (life === null) return null;
    if (life.isDeleted)
      return { kind: "deleted", id: this.#id, revision: life.revision, atMs: life.updatedAtMs };
    return { kind: "text", entry: this.#entry(life), text: this.#source.committed.content };
  }

  /** The entry as it is now; null if the catalogue knows it. */
  #newEntry(): CatalogueUpdate | null {
    const { life } = this.#source;
    const isNews = life !== null && !life.isDeleted && life.revision > this.#toldRevision;
    return isNews ? { kind: "entry", entry: this.#entry(life) } : null;
  }

  #entry({ createdAtMs }: LogState): CatalogueEntry {
    const { id, revision, timeMs: updatedAtMs, size, metadata } = this.#source.committed;
    return { id, revision, createdAtMs, updatedAtMs, size, ...metadata };
  }

  /** The open sessions; null if the catalogue knows them. */
  #newSessions(): OpenSessions | null {
    if (!this.#haveSessionsChanged) return null;
    this.#seenSessionsChanges = this.#source.openSessionsChanges;
    const openSessions = this.#source.openSessions();
    return JSON.stringify(openSessions) === this.#toldSessions ? null : openSessions;
  }

  get #haveSessionsChanged(): boolean {
    return this.#seenSessionsChanges !== this.#source.openSessionsChanges;
  }

  #textDueAt(nowMs: number): number {
    const { life } = this.#source;
    if (life === null || this.#textRevision >= life.revision) return Number.POSITIVE_INFINITY;
    if (life.isDeleted) return Number.NEGATIVE_INFINITY;
    // The first edit after a pause is told at once.
    const wanted = Math.min(life.updatedAtMs + QUIET_MS, this.#textMs + TEXT_MS);
    const affordable = this.#source.affordableAt(this.#textRows, nowMs);
    const due = Math.max(wanted, Math.min(affordable, wanted + MAX_UNPAID_MS));
    return this.#textRows < MANY_ROWS ? due : Math.max(due, this.#source.affordableAt(-MAX_OWED_ROWS, nowMs));
  }

  #messageDueAt(): number {
    const { life } = this.#source;
    const hasNews = life !== null && !life.isDeleted && life.revision > this.#toldRevision;
    return hasNews || this.#haveSessionsChanged ? this.#messageMs + MESSAGE_MS : Number.POSITIVE_INFINITY;
  }
}
