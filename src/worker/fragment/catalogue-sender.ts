import type { CatalogueReceiver } from "../../core/feed/catalogue-receiver.ts";
import type { CatalogueMessage } from "../../core/feed/catalogue-update.ts";
import type { Delivery, Outbox } from "../../core/feed/outbox.ts";
import type { CatalogueObject } from "../catalogue/catalogue-object.ts";
import { within } from "../within.ts";

export interface CatalogueSenderPorts {
  catalogue(): DurableObjectStub<CatalogueObject>;
  /** One event of the fragment's object. */
  turn(event: (nowMs: number) => void): void;
  report(problem: string, error: unknown): void;
}

/** Sends a fragment's messages to its catalogue, which it adds to the outbox. */
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
   * Lets the catalogue make a note of a creation, so that it asks for the fragment if no delivery arrives: that costs
   * less than setting an alarm and deleting it.
   *
   * @returns whether the note was made; false if the catalogue failed or took longer than `maxMs`
   */
  async noteCreation(maxMs: number): Promise<boolean> {
    const startMs = Date.now();
    const noted = this.#ports.catalogue().noteCreation(this.receiver.nextCreation());
    const rowsWritten = await within(maxMs, noted).catch((error: unknown) => {
      this.#ports.report("the catalogue could not be told of a creation", error);
      return null;
    });
    if (rowsWritten === null) return false;
    this.#ports.turn((nowMs) => this.#outbox.spend(rowsWritten, nowMs));
    return Date.now() - startMs <= maxMs;
  }

  /** Resolves when the message under way has arrived or failed, and at the latest after `maxMs`. */
  async whenIdle(maxMs: number): Promise<void> {
    if (this.#underWay !== null) await within(maxMs, this.#underWay);
  }

  /** How it ended is told in a turn of its own. */
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
