import type { KeptParcel } from "../../core/feed/parcel.ts";
import type { RebuildStatus } from "../../protocol/catalogue.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { type Announced, AnnouncedTable } from "../storage/announced-table.ts";
import type { CatalogueEntries } from "../storage/catalogue-entries.ts";
import { RebuildTable } from "../storage/rebuild-table.ts";

/** Fragments that are asked in one alarm, all at the same time. */
const ASKED_AT_A_TIME = 32;
/** After so long a fragment that has announced its creation is asked. It waits for the note a second at most. */
const ANNOUNCED_MS = 10_000;
/** Work that has not come to its end by then is begun again: it failed, or the process died in it. */
const AGAIN_MS = 30_000;

export interface InquiryPorts {
  /** What a fragment says of itself; null if there never was one. */
  parcelOf(id: string): Promise<KeptParcel | null>;
  /** An entry was wrong and is mended. */
  mended(id: string): void;
  report(problem: string, error: unknown): void;
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
    // A migration has begun it, or an earlier release has lost its alarm.
    if (this.#rebuild.isRunning) this.#alarms.ensure("rebuild", Date.now());
  }

  get rebuildStatus(): RebuildStatus {
    return this.#rebuild.status();
  }

  /** Begins a rebuild, unless there is one; `ids` are asked besides those that the catalogue knows. */
  rebuild(ids: readonly string[], nowMs: number): void {
    if (this.#rebuild.isRunning) {
      // It may be behind them already.
      this.#announced.putOff(ids, nowMs);
      if (ids.length > 0) this.#alarms.ensure("announced", nowMs + ANNOUNCED_MS);
    } else {
      this.#entries.rebuildWordIndex();
      this.#rebuild.begin(ids, nowMs);
    }
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
    const kinds = this.#alarms.begin(nowMs, nowMs + AGAIN_MS);
    const work = { rebuild: () => this.#rebuildSome(nowMs), announced: () => this.#askAnnounced(nowMs) };
    await Promise.all(kinds.map((kind) => work[kind]()));
  }

  /** One step of a rebuild. Where the process dies in it, it is made again: nothing of it was counted. */
  async #rebuildSome(nowMs: number): Promise<void> {
    const ids = this.#rebuild.next(ASKED_AT_A_TIME);
    if (ids.length === 0) {
      if (this.#rebuild.isRunning) this.#rebuild.finish(nowMs);
      this.#alarms.end("rebuild");
      return;
    }
    const answers = await Promise.all(ids.map((id) => this.#ask(id)));
    this.#rebuild.advance(ids, answers.filter((answer) => answer === "mended").length);
    this.#alarms.ensure("rebuild", nowMs);
  }

  /** Some of those that should have told of themselves by now. */
  async #askAnnounced(nowMs: number): Promise<void> {
    const silent = this.#announced.until(nowMs - ANNOUNCED_MS, ASKED_AT_A_TIME);
    const asked = silent.map(async (one) => {
      if ((await this.#ask(one.id)) !== "unreachable") this.#announced.settle(one);
    });
    await Promise.all(asked);
    const { oldestMs } = this.#announced;
    if (oldestMs === null) this.#alarms.end("announced");
    else this.#alarms.ensure("announced", oldestMs + ANNOUNCED_MS);
  }

  /** Makes the entry what the fragment says of itself. One that cannot be asked holds nothing up: it is asked later. */
  async #ask(id: string): Promise<"mended" | "sound" | "unreachable"> {
    const known = this.#entries.get(id);
    try {
      const parcel = await this.#ports.parcelOf(id);
      if (!this.#entries.repair(id, parcel, known?.seq ?? null)) return "sound";
    } catch (error) {
      this.#ports.report(`fragment ${id} could not be asked or what it says not be kept`, error);
      const nowMs = Date.now();
      this.#announced.putOff([id], nowMs);
      this.#alarms.ensure("announced", nowMs + ANNOUNCED_MS);
      return "unreachable";
    }
    this.#ports.mended(id);
    return "mended";
  }
}
