import type { OpenSessions } from "../../protocol/catalogue.ts";
import { OBJECTS_AT_A_TIME } from "../in-groups.ts";

export interface OpenSessionsCheckPorts {
  /** The fragments that the catalogue has as open, of the ids behind this one, in order. */
  openAfter(id: string, limit: number): readonly string[];
  ask(id: string): Promise<OpenSessions>;
  answered(id: string, openSessions: OpenSessions): void;
  report(problem: string, error: unknown): void;
}

/**
 * Asks the fragments that the catalogue has as open which sessions they have: a fragment whose process died has told
 * nobody that its sockets are gone. One round runs at a time, however often `run` is called.
 */
export class OpenSessionsCheck {
  readonly #ports: OpenSessionsCheckPorts;
  #isRunning = false;

  constructor(ports: OpenSessionsCheckPorts) {
    this.#ports = ports;
  }

  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      let ids = this.#ports.openAfter("", OBJECTS_AT_A_TIME);
      while (ids.length > 0) {
        await Promise.all(ids.map((id) => this.#ask(id)));
        ids = this.#ports.openAfter(ids.at(-1) ?? "", OBJECTS_AT_A_TIME);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #ask(id: string): Promise<void> {
    try {
      this.#ports.answered(id, await this.#ports.ask(id));
    } catch (error) {
      this.#ports.report(`fragment ${id} could not be asked for its open sessions`, error);
    }
  }
}
