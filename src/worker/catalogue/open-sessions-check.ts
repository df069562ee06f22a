import type { OpenSessions } from "../../protocol/catalogue.ts";
import { inGroups } from "../in-groups.ts";

/** Ids that are read at a time. */
const PAGE = 200;

export interface OpenSessionsCheckPorts {
  /** The ids after this one whose fragments the catalogue lists as open, in order. */
  openAfter(id: string, limit: number): readonly string[];
  ask(id: string): Promise<OpenSessions>;
  answered(id: string, openSessions: OpenSessions): void;
  report(problem: string, error: unknown): void;
}

/**
 * Asks the fragments that the catalogue lists as open which sessions they have: a fragment whose process died could
 * tell nobody that its sockets are gone. One round runs at a time, however often `run` is called.
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
      let ids = this.#ports.openAfter("", PAGE);
      while (ids.length > 0) {
        for await (const answers of inGroups(ids, (id) => this.#ask(id)))
          for (const { id, openSessions } of answers)
            if (openSessions !== null) this.#ports.answered(id, openSessions);
        ids = this.#ports.openAfter(ids.at(-1) ?? "", PAGE);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Null for a fragment that could not be asked. */
  async #ask(id: string): Promise<{ id: string; openSessions: OpenSessions | null }> {
    try {
      return { id, openSessions: await this.#ports.ask(id) };
    } catch (error) {
      this.#ports.report(`fragment ${id} could not be asked for its open sessions`, error);
      return { id, openSessions: null };
    }
  }
}
