import type { CatalogueReceiver } from "../../core/feed/catalogue-receiver.ts";
import type { CatalogueMessage } from "../../core/feed/catalogue-update.ts";
import type { Delivery, Outbox } from "../../core/feed/outbox.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import type { CatalogueObject } from "../catalogue/catalogue-object.ts";
import { within } from "../within.ts";

/** How long a creation waits for its note: less than the catalogue waits before it asks for the fragment. */
const NOTE_MS = 5_000;

/** The answer to a creation that could not be noted. */
export const NOT_NOTED: Refusal = refusal(
  "unavailable",
  "The catalogue does not answer, and without it nothing can be created; try again.",
);

export interface CatalogueSenderPorts {
  catalogue(): DurableObjectStub<CatalogueObject>;
  /** One event of the fragment's object. */
  turn(event: (nowMs: number) => void): void;
  report(problem: string, error: unknown): void;
}

/** Adds the catalogue to a fragment's outbox, and sends it the messages. */
export class CatalogueSender {
  readonly receiver: CatalogueReceiver;
  readonly #outbox: Outbox;
  readonly #ports: CatalogueSenderPorts;
  #underWay: Promise<void> | null = null;

  constructor(receiver: CatalogueReceiver, outbox: Outbox, ports: CatalogueSenderPorts) {
    this.receiver = receiver;
    this.#outbox = outbox;
    this.#ports = ports;
    outbox.add(receiver, (message, delivery) => {
      this.#underWay = this.#deliver(message, delivery);
    });
  }

  /**
   * Has the catalogue note a creation. The fragment may be created only afterwards, in the turn in which this resolves,
   * because reads and expansions count an id that the catalogue does not know as missing. The catalogue also asks the
   * fragment if no delivery arrives. That costs less than setting an alarm and deleting it.
   *
   * @returns whether the note was made; false if the catalogue failed twice or took too long
   */
  async noteCreation(): Promise<boolean> {
    return (await this.#tryNote()) ?? (await this.#tryNote()) ?? false;
  }

  /** Null if the catalogue failed, as happens once at each deployment. */
  async #tryNote(): Promise<boolean | null> {
    const startMs = Date.now();
    try {
      const noted = this.#ports.catalogue().noteCreation(this.receiver.nextCreation());
      const rowsWritten = await within(NOTE_MS, noted);
      if (rowsWritten === null) return false;
      this.#ports.turn((nowMs) => this.#outbox.spend(rowsWritten, nowMs));
    } catch (error) {
      this.#ports.report("the catalogue could not be told of a creation", error);
      return null;
    }
    return Date.now() - startMs <= NOTE_MS;
  }

  /** Resolves when the message under way has arrived or failed, and at the latest after `maxMs`. */
  async whenIdle(maxMs: number): Promise<void> {
    if (this.#underWay !== null) await within(maxMs, this.#underWay);
  }

  /** Its outcome is handled in a turn of its own. */
  async #deliver(message: CatalogueMessage, delivery: Delivery): Promise<void> {
    let rowsWritten: number | null = null;
    try {
      rowsWritten = await this.#ports.catalogue().deliver(message);
    } catch (error) {
      this.#ports.report("the catalogue could not be told", error);
    }
    this.#underWay = null;
    try {
      this.#ports.turn((nowMs) => {
        if (rowsWritten === null) delivery.failed(nowMs);
        else delivery.arrived(rowsWritten, nowMs);
      });
    } catch {
      // The room has failed and has said so; the next object delivers.
    }
  }
}
