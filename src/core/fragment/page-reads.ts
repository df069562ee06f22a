import type { ShownBefore } from "./shown-before.ts";
import type { Write } from "./write.ts";

/** The pages that show one revision. */
interface Shown {
  /** Pages that have read it. */
  readers: number;
  /** Pages that have saved it, and so show it without having read it. */
  savers: number;
  /** It was read after it was saved: by the page that saved it, or by another one. */
  isDoubtful: boolean;
}

/** More revisions than the row budget allows in ten minutes. */
const MAX_FOLLOWED = 5_000;

/**
 * The revisions that the pages of old REST clients may show. Such a page reads a text, shows it, and saves it later
 * without naming the version that it had read. A save moves a page from the base of the write to the revision that the
 * write made. So a program that saves one text after another, with nobody else there, replaces its own texts.
 *
 * Held in memory only: nothing is known of pages that read before the fragment was loaded.
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

  /** The same write. Once it is made, its page shows the revision that it made. */
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
