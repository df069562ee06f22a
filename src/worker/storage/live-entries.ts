import type { CatalogueEntry } from "../../core/feed/parcel.ts";
import type { StoredEntry } from "./catalogue-entries.ts";

interface LiveEntry {
  /** Of its row. */
  readonly number: number;
  readonly entry: CatalogueEntry;
}

/**
 * What is not in the tables yet: the newest entries of fragments whose text is still to come. A cache, since each is
 * followed by a parcel that is kept.
 */
export class LiveEntries {
  readonly #byId = new Map<string, LiveEntry>();

  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  get(id: string): CatalogueEntry | undefined {
    return this.#byId.get(id)?.entry;
  }

  all(): readonly LiveEntry[] {
    return [...this.#byId.values()];
  }

  /** @returns whether it is newer than what is stored */
  show(stored: StoredEntry | null, entry: CatalogueEntry): boolean {
    if (stored === null || stored.isDeleted || stored.revision >= entry.revision) return false;
    this.#byId.set(entry.id, { number: stored.number, entry });
    return true;
  }

  /** This is stored now. */
  settle(stored: StoredEntry): void {
    const { id, isDeleted, revision } = stored;
    if (isDeleted || revision >= (this.get(id)?.revision ?? 0)) this.#byId.delete(id);
  }
}
