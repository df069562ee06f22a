import type { Editing } from "../../core/feed/parcel.ts";

/** Fragments that are asked at the same time. */
const ASKED_AT_A_TIME = 32;

export interface EditingCheckPorts {
  /** The fragments that are said to be open, of the ids behind this one, in order. */
  openAfter(id: string, limit: number): readonly string[];
  /** Who has it open. */
  ask(id: string): Promise<Editing>;
  answered(id: string, editing: Editing): void;
  report(problem: string, error: unknown): void;
}

/**
 * Asks the fragments that are said to be open whether they are: one whose process died has told nobody that its
 * sockets went with it. However many ask for it, one round runs at a time.
 */
export class EditingCheck {
  readonly #ports: EditingCheckPorts;
  #isRunning = false;

  constructor(ports: EditingCheckPorts) {
    this.#ports = ports;
  }

  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      let ids = this.#ports.openAfter("", ASKED_AT_A_TIME);
      while (ids.length > 0) {
        await Promise.all(ids.map((id) => this.#ask(id)));
        ids = this.#ports.openAfter(ids.at(-1) ?? "", ASKED_AT_A_TIME);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #ask(id: string): Promise<void> {
    try {
      this.#ports.answered(id, await this.#ports.ask(id));
    } catch (error) {
      this.#ports.report(`fragment ${id} could not be asked who has it open`, error);
    }
  }
}
