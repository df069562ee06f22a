import type { CatalogueEvent } from "../../protocol/catalogue.ts";

/** Rows that are read from the tables at a time. */
const PAGE = 200;

export type NumberedEvent = Extract<CatalogueEvent, { readonly seq: number }>;
export type EditorsEvent = Extract<CatalogueEvent, { readonly event: "editors" }>;
/** What is only told live: it stands in no table that could be read from a number on. */
export type LiveEvent = Exclude<CatalogueEvent, NumberedEvent>;

/** What there is to tell. It is read when it is told, so that a listener who comes late is told the newest. */
export interface EventTables {
  /** The changes behind a number, in order. */
  changesSince(seq: number, limit: number): readonly NumberedEvent[];
  /** Who has which fragment open, of the ids behind this one, in order. */
  editorsAfter(id: string, limit: number): readonly EditorsEvent[];
}

/** How far a listener has been told. */
export interface Told {
  readonly seq: number;
  /** Of the fragments that were open when it came, those up to this id; null: all. */
  readonly editorsId: string | null;
}

/**
 * What one listener has still to be told: who has which fragment open, first; then the changes behind the last one it
 * knows; then what is told live, of which the newest of each kind and fragment waits here. Nothing else piles up.
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
   * Gives what it has not been told, as long as there is room. `give` may come back here: then it changes nothing.
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
      if (!hasRoom()) return false; // before it is read: whoever has stopped reading costs nothing
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

  /** What was typed is in this change, or gone with the fragment. */
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
