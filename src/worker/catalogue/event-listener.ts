import * as v from "valibot";
import type { CatalogueEvent } from "../../protocol/catalogue.ts";

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
  /** The changes after a number, in order. */
  changesSince(seq: number, limit: number): readonly NumberedEvent[];
  /** The open sessions of the fragments after this id, in order. */
  editorsAfter(id: string, limit: number): readonly EditorsEvent[];
}

/** How far a listener has been told. */
export const ToldSchema = v.object({
  seq: v.number(),
  /** The listener was told the open sessions of the fragments up to this id; null if it was told all. */
  editorsId: v.nullable(v.string()),
});
export type Told = Readonly<v.InferOutput<typeof ToldSchema>>;

/**
 * Everything that one listener still has to be told: first the open sessions of each fragment, then the changes after
 * the last one that it knows, then live events. The newest live event of each kind and fragment waits here; nothing
 * else piles up.
 */
export class EventListener {
  #told: Told;
  readonly #waiting = new Map<string, LiveEvent>();
  #isTelling = false;

  constructor(told: Told) {
    this.#told = told;
  }

  /** For the socket's attachment. */
  get told(): Told {
    return this.#told;
  }

  note(event: LiveEvent): void {
    this.#waiting.set(keyOf(event.event, event.id), event);
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
      const { editorsId } = this.#told;
      if (editorsId === null) return true;
      if (!hasRoom()) return false; // before the tables are read: a listener that has stopped reading costs nothing
      const page = tables.editorsAfter(editorsId, PAGE);
      for (const event of page) {
        if (!hasRoom()) return false;
        this.#told = { ...this.#told, editorsId: event.id };
        give(event);
      }
      if (page.length < PAGE) this.#told = { ...this.#told, editorsId: null };
    }
  }

  #tellChanges(tables: EventTables, hasRoom: () => boolean, give: (event: NumberedEvent) => void): boolean {
    for (;;) {
      if (!hasRoom()) return false;
      const page = tables.changesSince(this.#told.seq, PAGE);
      for (const event of page) {
        if (!hasRoom()) return false;
        this.#told = { ...this.#told, seq: event.seq };
        this.#forgetTyping(event);
        give(event);
      }
      if (page.length < PAGE) return true;
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
