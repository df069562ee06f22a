/** Which text each version was shown as, to anybody, over restarts as well: one for ever. */
export class VersionBook {
  readonly #texts = new Map<number, { readonly text: string; readonly reader: string }>();

  get versions(): ReadonlyMap<number, { readonly text: string }> {
    return this.#texts;
  }

  note(version: number, text: string, reader: string): void {
    const known = this.#texts.get(version);
    if (known === undefined) this.#texts.set(version, { text, reader });
    else if (known.text !== text) {
      throw new Error(`Version ${version} is ${known.text} to ${known.reader}, and ${text} to ${reader}.`);
    }
  }
}
