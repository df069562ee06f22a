import type { CatalogueEntry } from "../../core/feed/catalogue-update.ts";
import type { StoredEntry } from "./catalogue-entries.ts";

interface LiveEntry {
  /** The number of its row. */
  readonly number: number;
  readonly entry: CatalogueEntry;
}

/**
 * The newest entries of fragments whose text is still to come, so they are not in the tables yet. Only a cache: each is
 * followed by the record that is stored.
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

  /** @returns whether the entry is newer than the stored one */
  show(stored: StoredEntry | null, entry: CatalogueEntry): boolean {
    if (stored === null || stored.isDeleted || stored.revision >= entry.revision) return false;
    this.#byId.set(entry.id, { number: stored.number, entry });
    return true;
  }

  /** Forgets the live entry if the stored one is as new. */
  forget(stored: StoredEntry): void {
    const { id, isDeleted, revision } = stored;
    if (isDeleted || revision >= (this.get(id)?.revision ?? 0)) this.#byId.delete(id);
  }
}
