import type { ShownBefore } from "./shown-before.ts";
import type { Write } from "./write.ts";

/**
 * Which revisions stand on the pages of old REST clients, which read a text, show it, and save it later without a word
 * about what they had read. A save takes a page from the revision that it was an edit of to the one that it made. So a
 * program that saves one text after the other, with nobody else there, replaces its own.
 *
 * It is held in memory: nothing is known of pages that read before the fragment was loaded.
 */
export class PageReads {
  readonly #unknownUpTo: number;
  /** The number of pages that may show a revision. */
  readonly #pages = new Map<number, number>();

  /** @param unknownUpTo the revision that was current when the fragment was loaded; 0 if it did not exist */
  constructor(unknownUpTo: number) {
    this.#unknownUpTo = unknownUpTo;
  }

  /** A page was given this revision. */
  read(revision: number): void {
    this.#add(revision, 1);
  }

  of(revision: number): ReturnType<ShownBefore["of"]> {
    if ((this.#pages.get(revision) ?? 0) > 0) return "shown";
    return revision <= this.#unknownUpTo ? "perhaps" : "no";
  }

  /** The same write, whose page is followed from what it had read to what it makes. */
  following(write: Write): Write {
    return {
      ...write,
      answer: (result) => {
        if (result.ok && write.content !== null) {
          const { baseRevision, revision } = result.value;
          if (baseRevision !== null && this.of(baseRevision) === "shown") this.#add(baseRevision, -1);
          this.#add(revision, 1);
        }
        write.answer(result);
      },
    };
  }

  #add(revision: number, pages: number): void {
    const left = (this.#pages.get(revision) ?? 0) + pages;
    if (left > 0) this.#pages.set(revision, left);
    else this.#pages.delete(revision);
    // The past is short: a revision this old is no base any more.
    for (const old of this.#pages.keys()) if (old < revision - MAX_FOLLOWED) this.#pages.delete(old);
  }
}

/** More revisions than are made in ten minutes, as the rows of a commit are paid for. */
const MAX_FOLLOWED = 5_000;
