import type { CatalogueFeed, Delivery } from "../../core/feed/catalogue-feed.ts";
import type { CatalogueObject } from "../catalogue/catalogue-object.ts";
import { within } from "../within.ts";

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

  /**
   * The catalogue is to know of the fragment before it is created, and to ask for it afterwards: that costs less than
   * an alarm and its end.
   *
   * @returns whether it has noted that; not if it failed or took longer than `maxMs`
   */
  async announce(maxMs: number): Promise<boolean> {
    const startMs = Date.now();
    const noted = this.#ports.catalogue().announce(this.feed.announcement());
    const rowsWritten = await within(maxMs, noted).catch((error: unknown) => {
      this.#ports.report("the catalogue could not be told of a creation", error);
      return null;
    });
    if (rowsWritten === null) return false;
    this.#ports.turn((nowMs) => this.feed.announced(rowsWritten, nowMs));
    return Date.now() - startMs <= maxMs;
  }

  /** Sends what is due. */
  run(nowMs: number): void {
    const delivery = this.feed.take(nowMs);
    if (delivery !== null) this.#underWay = this.#carry(delivery);
  }

  /** Resolves when what is under way has ended, whether it arrived or not, and at the latest after `maxMs`. */
  async whenIdle(maxMs: number): Promise<void> {
    if (this.#underWay !== null) await within(maxMs, this.#underWay);
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
