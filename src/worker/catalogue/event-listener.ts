import * as v from "valibot";
import { type Access, holdsFor } from "../../protocol/access.ts";
import type { CatalogueEvent } from "../../protocol/catalogue.ts";
import type { View } from "../storage/visible-ids.ts";

/** Rows that are read from the tables at a time. */
const PAGE = 200;

export type NumberedEvent = Extract<CatalogueEvent, { readonly seq: number }>;
export type EditorsEvent = Extract<CatalogueEvent, { readonly event: "editors" }>;
/** An event that is only told live: no table holds it, so it cannot be read later. */
export type LiveEvent = Exclude<CatalogueEvent, NumberedEvent>;

/**
 * The tables that events are made of. They are read when a listener is told, so a late one is told the newest state.
 */
export interface EventTables {
  /** The number of the last change of any fragment. */
  newestSeq(): number;
  /** The changes after a number that are in view, in order. */
  changesSince(view: View, seq: number, limit: number): readonly NumberedEvent[];
  /** The open sessions of the fragments in view after this id, in order. */
  editorsAfter(view: View, id: string, limit: number): readonly EditorsEvent[];
}

/** How far a listener has been told, and what it may be told. */
export const ListenerSchema = v.object({
  /** It knows everything that it may know up to this change. */
  seq: v.number(),
  /** The listener was told the open sessions of the fragments up to this id; null if it was told all. */
  editorsId: v.nullable(v.string()),
  /** Replaced whole when a right is taken away. */
  access: v.custom<Access>((value) => typeof value === "object" && value !== null), // this file's own records
  /** When it ends, in milliseconds since 1970; null if its access has no end. */
  endsAtMs: v.nullable(v.number()),
});
export type ListenerRecord = Readonly<v.InferOutput<typeof ListenerSchema>>;

/**
 * Everything that one listener still has to be told: first the open sessions of each fragment, then the changes after
 * the last one that it knows, then live events. The newest live event of each kind and fragment waits here; nothing
 * else piles up.
 */
export class EventListener {
  #record: ListenerRecord;
  readonly #waiting = new Map<string, LiveEvent>();
  #isTelling = false;

  constructor(record: ListenerRecord) {
    this.#record = record;
  }

  /** For the socket's attachment. */
  get record(): ListenerRecord {
    return this.#record;
  }

  /** From now on it is told no more than this access may know. */
  narrow(access: Access): void {
    this.#record = { ...this.#record, access };
    for (const [key, { id }] of this.#waiting) if (!holdsFor(access, id)) this.#waiting.delete(key);
  }

  note(event: LiveEvent): void {
    if (holdsFor(this.#record.access, event.id)) this.#waiting.set(keyOf(event.event, event.id), event);
  }

  /**
   * Gives the events that the listener has not been told, while there is room. A call from within `give` does nothing.
   *
   * @returns whether nothing is left
   */
  tell(tables: EventTables, hasRoom: () => boolean, give: (event: CatalogueEvent) => void): boolean {
    if (this.#isTelling) return false;
    this.#isTelling = true;
    try {
      return (
        this.#tellEditors(tables, hasRoom, give) &&
        this.#tellChanges(tables, hasRoom, give) &&
        this.#tellWaiting(hasRoom, give)
      );
    } finally {
      this.#isTelling = false;
    }
  }

  #tellEditors(tables: EventTables, hasRoom: () => boolean, give: (event: EditorsEvent) => void): boolean {
    for (;;) {
      const { editorsId, access } = this.#record;
      if (editorsId === null) return true;
      if (!hasRoom()) return false; // before the tables are read: a listener that has stopped reading costs nothing
      const page = tables.editorsAfter(access, editorsId, PAGE);
      for (const event of page) {
        if (!hasRoom()) return false;
        this.#record = { ...this.#record, editorsId: event.id };
        give(event);
      }
      if (page.length < PAGE) this.#record = { ...this.#record, editorsId: null };
    }
  }

  #tellChanges(tables: EventTables, hasRoom: () => boolean, give: (event: NumberedEvent) => void): boolean {
    for (;;) {
      if (!hasRoom()) return false;
      const page = tables.changesSince(this.#record.access, this.#record.seq, PAGE);
      for (const event of page) {
        if (!hasRoom()) return false;
        this.#record = { ...this.#record, seq: event.seq };
        this.#forgetTyping(event);
        give(event);
      }
      if (page.length < PAGE) {
        // Otherwise changes that it may not know of would be read again and again.
        this.#record = { ...this.#record, seq: tables.newestSeq() };
        return true;
      }
    }
  }

  #tellWaiting(hasRoom: () => boolean, give: (event: LiveEvent) => void): boolean {
    for (const [key, event] of this.#waiting) {
      if (!hasRoom()) return false;
      this.#waiting.delete(key);
      give(event);
    }
    return true;
  }

  /** Drops a waiting `typing` event that this change includes, or that is gone with the fragment. */
  #forgetTyping(change: NumberedEvent): void {
    const id = "fragment" in change ? change.fragment.id : "id" in change ? change.id : change.from;
    const key = keyOf("typing", id);
    const typing = this.#waiting.get(key);
    if (typing?.event !== "typing") return;
    const isNewer = "fragment" in change && typing.version > change.fragment.version;
    if (!isNewer) this.#waiting.delete(key);
  }
}

function keyOf(kind: LiveEvent["event"], id: string): string {
  return `${kind} ${id}`;
}
