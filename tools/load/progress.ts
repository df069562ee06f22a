/** The progress of a run: one line that is overwritten on a terminal, or a new line each time elsewhere. */
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

  /** Ends the line, so that the next output starts on a new one. */
  end(): void {
    if (this.#out.isTTY) this.#out.write("\r\x1b[2K");
  }
}
