/**
 * The edits of one writer that one socket has received. They nearly always arrive in order, so that a number is enough.
 */
export class Receipts {
  #upTo = 0;
  /** Received while an earlier edit is missing. */
  readonly #beyond = new Set<number>();

  get count(): number {
    return this.#upTo + this.#beyond.size;
  }

  /** Returns whether the edit is new. */
  add(seq: number): boolean {
    if (seq < this.#upTo || this.#beyond.has(seq)) return false;
    if (seq > this.#upTo) {
      this.#beyond.add(seq);
      return true;
    }
    this.#upTo++;
    while (this.#beyond.delete(this.#upTo)) this.#upTo++;
    return true;
  }
}
