import type { CatalogueFeed, Delivery } from "../../core/room/catalogue-feed.ts";
import type { CatalogueObject } from "./catalogue-object.ts";

export interface CourierPorts {
  catalogue(): DurableObjectStub<CatalogueObject>;
  /** One event of the fragment's object. */
  turn(event: (nowMs: number) => void): void;
  report(problem: string, error: unknown): void;
}

/** Carries what the feed has to tell to the catalogue, one delivery after the other. */
export class CatalogueCourier {
  readonly feed: CatalogueFeed;
  readonly #ports: CourierPorts;
  #underWay: Promise<void> | null = null;

  constructor(feed: CatalogueFeed, ports: CourierPorts) {
    this.feed = feed;
    this.#ports = ports;
  }

  /** Sends what is due. */
  run(nowMs: number): void {
    const delivery = this.feed.take(nowMs);
    if (delivery !== null) this.#underWay = this.#carry(delivery);
  }

  /** Resolves when what is under way has ended, whether it arrived or not, and at the latest after `maxMs`. */
  async whenIdle(maxMs: number): Promise<void> {
    if (this.#underWay === null) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, maxMs);
    await Promise.race([this.#underWay, late.promise]);
    clearTimeout(timer); // an object with a timer does not hibernate
  }

  async #carry({ id, parcel, editing }: Delivery): Promise<void> {
    let rowsWritten: number | null = null;
    try {
      rowsWritten = await this.#ports.catalogue().deliver(id, parcel, editing);
    } catch (error) {
      this.#ports.report("the catalogue could not be told", error);
    }
    this.#underWay = null;
    try {
      this.#ports.turn((nowMs) => {
        if (rowsWritten === null) this.feed.failed(nowMs);
        else this.feed.arrived(rowsWritten, nowMs);
      });
    } catch {
      // The room has failed and has said so; the next object delivers.
    }
  }
}
