/** Which edits of one writer one socket has got. Almost always the next one comes, so that a number says it all. */
export class Receipts {
  #upTo = 0;
  /** Got though one before them is missing. */
  readonly #beyond = new Set<number>();

  get count(): number {
    return this.#upTo + this.#beyond.size;
  }

  /** Returns whether it is new. */
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
