/** A line that says where a run is: one that is written over on a terminal, one after the other elsewhere. */
export class Progress {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(line: string): void {
    if (!this.#out.isTTY) {
      this.#out.write(`${line}\n`);
      return;
    }
    const width = this.#out.columns || 80;
    this.#out.write(`\r\x1b[2K${line.length < width ? line : `${line.slice(0, width - 2)}…`}`);
  }

  /** What comes next begins a line of its own. */
  end(): void {
    if (this.#out.isTTY) this.#out.write("\r\x1b[2K");
  }
}
