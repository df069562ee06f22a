import type { KeptParcel } from "../../core/catalogue/parcel.ts";
import type { RebuildStatus } from "../../protocol/catalogue.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { type Announced, AnnouncedTable } from "../storage/announced-table.ts";
import type { CatalogueEntries } from "../storage/catalogue-entries.ts";
import { RebuildTable } from "../storage/rebuild-table.ts";

/** Fragments that are asked in one alarm, all at the same time. */
const ASKED_AT_A_TIME = 32;
/** After so long a fragment that has announced its creation is asked. It waits for the note a second at most. */
const ANNOUNCED_MS = 10_000;

export interface InquiryPorts {
  /** What a fragment says of itself; null if there never was one. */
  parcelOf(id: string): Promise<KeptParcel | null>;
  /** An entry was wrong and is mended. */
  mended(): void;
}

/**
 * What a catalogue asks of the fragments instead of being told: all of them, to rebuild itself, and those that were
 * about to be created and have not told of it. It knows them over a crash, and asks in alarms.
 */
export class CatalogueInquiry {
  readonly #entries: CatalogueEntries;
  readonly #ports: InquiryPorts;
  readonly #rebuild: RebuildTable;
  readonly #announced: AnnouncedTable;
  readonly #alarms: AlarmTable<"rebuild" | "announced">;

  constructor(storage: DurableObjectStorage, entries: CatalogueEntries, ports: InquiryPorts) {
    this.#entries = entries;
    this.#ports = ports;
    this.#rebuild = new RebuildTable(storage);
    this.#announced = new AnnouncedTable(storage);
    this.#alarms = new AlarmTable(storage);
  }

  get rebuildStatus(): RebuildStatus {
    return this.#rebuild.status();
  }

  /** Begins a rebuild, unless there is one; `ids` are asked besides those that the catalogue knows. */
  rebuild(ids: readonly string[], nowMs: number): void {
    if (this.#rebuild.isRunning) return;
    this.#entries.rebuildWordIndex();
    this.#rebuild.begin(ids, nowMs);
    this.#alarms.ensure("rebuild", nowMs);
  }

  /** A creation is announced: the fragment will be asked, unless it tells of itself. Returns the rows written. */
  announce(announced: Announced, nowMs: number): number {
    this.#alarms.ensure("announced", nowMs + ANNOUNCED_MS);
    return this.#announced.note(announced, nowMs);
  }

  /** A fragment has told of itself. Returns the rows written. */
  told(of: Announced): number {
    return this.#announced.settle(of);
  }

  /** The object's alarm has rung. */
  async ring(nowMs: number): Promise<void> {
    for (const kind of this.#alarms.take(nowMs)) {
      if (kind === "rebuild") await this.#rebuildSome(nowMs);
      else if (kind === "announced") await this.#askAnnounced(nowMs);
      else kind satisfies never;
    }
  }

  /** One step of a rebuild. When it fails it is tried again: nothing of it was counted. */
  async #rebuildSome(nowMs: number): Promise<void> {
    if (!this.#rebuild.isRunning) return;
    const ids = this.#rebuild.next(ASKED_AT_A_TIME);
    if (ids.length === 0) {
      this.#rebuild.finish(nowMs);
      return;
    }
    this.#alarms.ensure("rebuild", nowMs);
    const repaired = await Promise.all(ids.map((id) => this.#ask(id)));
    this.#rebuild.advance(ids, repaired.filter(Boolean).length);
  }

  /** Some of those that should have told of themselves by now. When it fails they are asked again. */
  async #askAnnounced(nowMs: number): Promise<void> {
    const silent = this.#announced.until(nowMs - ANNOUNCED_MS, ASKED_AT_A_TIME);
    const { oldestMs } = this.#announced;
    if (oldestMs !== null) this.#alarms.ensure("announced", Math.max(nowMs, oldestMs + ANNOUNCED_MS));
    const asked = silent.map(async (one) => {
      await this.#ask(one.id);
      this.#announced.settle(one);
    });
    await Promise.all(asked);
  }

  /** Makes the entry what the fragment says of itself; whether something was wrong. */
  async #ask(id: string): Promise<boolean> {
    const known = this.#entries.get(id);
    const parcel = await this.#ports.parcelOf(id);
    if (!this.#entries.repair(id, parcel, known?.seq ?? null)) return false;
    this.#ports.mended();
    return true;
  }
}
