import type { ShownBefore } from "./shown-before.ts";
import type { Write } from "./write.ts";

/** The pages that show one revision. */
interface Shown {
  /** Those that have read it. */
  readers: number;
  /** Those that have saved it, and show it without having read it. */
  savers: number;
  /** It was read after it was saved: by the page that saved it, or by another one. */
  isDoubtful: boolean;
}

/** More revisions than are made in ten minutes, as the rows of a commit are paid for. */
const MAX_FOLLOWED = 5_000;

/**
 * Which revisions stand on the pages of old REST clients, which read a text, show it, and save it later without a word
 * about what they had read. A save takes a page from the revision that it was an edit of to the one that it made. So a
 * program that saves one text after the other, with nobody else there, replaces its own.
 *
 * It is held in memory: nothing is known of pages that read before the fragment was loaded.
 */
export class PageReads {
  readonly #unknownUpTo: number;
  readonly #shown = new Map<number, Shown>();

  /** @param unknownUpTo the revision that was current when the fragment was loaded; 0 if it did not exist */
  constructor(unknownUpTo: number) {
    this.#unknownUpTo = unknownUpTo;
  }

  /** A page was given this revision. */
  read(revision: number): void {
    const shown = this.#at(revision);
    shown.readers++;
    if (shown.savers === 0) return;
    shown.savers--;
    shown.isDoubtful = true;
  }

  /** Whether some page may show this revision. */
  of(revision: number): ReturnType<ShownBefore["of"]> {
    const { readers, savers, isDoubtful } = this.#shown.get(revision) ?? {
      readers: 0,
      savers: 0,
      isDoubtful: false,
    };
    if (readers + savers > 0) return "shown";
    return isDoubtful || revision <= this.#unknownUpTo ? "perhaps" : "no";
  }

  /** The same write, whose page is followed from what it had read to what it makes. */
  following(write: Write): Write {
    return {
      ...write,
      answer: (result) => {
        if (result.ok && write.content !== null) {
          this.#saved(result.value.baseRevision, result.value.revision);
        }
        write.answer(result);
      },
    };
  }

  #saved(baseRevision: number | null, revision: number): void {
    const base = baseRevision === null ? undefined : this.#shown.get(baseRevision);
    if (base !== undefined) {
      if (base.readers > 0) base.readers--;
      else if (base.savers > 0) base.savers--;
    }
    this.#at(revision).savers++;
    for (const old of this.#shown.keys()) if (old < revision - MAX_FOLLOWED) this.#shown.delete(old);
  }

  #at(revision: number): Shown {
    const shown = this.#shown.get(revision) ?? { readers: 0, savers: 0, isDoubtful: false };
    this.#shown.set(revision, shown);
    return shown;
  }
}
