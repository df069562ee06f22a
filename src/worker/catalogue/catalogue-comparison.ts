import type { CatalogueRecord, FragmentRevision } from "../../core/feed/catalogue-update.ts";
import type { RebuildStatus } from "../../protocol/catalogue.ts";
import { inGroups } from "../in-groups.ts";
import type { AlarmTable } from "../storage/alarm-table.ts";
import { AwaitedTable } from "../storage/awaited-table.ts";
import type { CatalogueEntries } from "../storage/catalogue-entries.ts";
import type { KnownIds } from "../storage/known-ids.ts";
import { RebuildTable } from "../storage/rebuild-table.ts";
import type { WordIndex } from "../storage/word-index.ts";

/** Fragments that are asked in one alarm. */
const ASKED_IN_AN_ALARM = 32;
/** A fragment is asked after it has been awaited for this long. A creation waits less than this for its note. */
const AWAITED_MS = 10_000;
/** UTF-16 code units of text that are indexed in one go: about 20 ms at a time, and 100 ms at the start. */
const MOVED_AT_A_TIME = 256 * 1024;
const MOVED_AT_START = 1024 * 1024;

/** The uses that the comparison has for the object's alarm. */
export type ComparisonKind = "rebuild" | "awaited" | "words";

export interface ComparisonPorts {
  readonly alarms: Pick<AlarmTable<ComparisonKind>, "ensure" | "end">;
  readonly entries: CatalogueEntries;
  readonly words: WordIndex;
  readonly known: KnownIds;
  /** Asks a fragment; null if there never was one. */
  recordOf(id: string): Promise<CatalogueRecord | null>;
  /** An entry was wrong and is mended. */
  mended(id: string): void;
  report(problem: string, error: unknown): void;
}

/**
 * Compares the catalogue with the fragments: with all of them in a rebuild, and with those that are awaited and stay
 * silent. It asks them in alarms, and goes on after a crash.
 */
export class CatalogueComparison {
  readonly #entries: CatalogueEntries;
  readonly #known: KnownIds;
  readonly #words: WordIndex;
  readonly #ports: ComparisonPorts;
  readonly #rebuild: RebuildTable;
  readonly #awaited: AwaitedTable;
  readonly #alarms: ComparisonPorts["alarms"];

  constructor(storage: DurableObjectStorage, ports: ComparisonPorts) {
    this.#entries = ports.entries;
    this.#known = ports.known;
    this.#words = ports.words;
    this.#ports = ports;
    this.#rebuild = new RebuildTable(storage);
    this.#awaited = new AwaitedTable(storage);
    this.#alarms = ports.alarms;
    // A migration began the rebuild, or an earlier release lost its alarm.
    if (this.#rebuild.isRunning) this.#alarms.ensure("rebuild", Date.now());
    // A small catalogue is searched in full from the first request on.
    if (this.#words.isMoving) this.#moveWords(MOVED_AT_START);
  }

  get rebuildStatus(): RebuildStatus {
    return { ...this.#rebuild.status(), complete: this.#known.isComplete };
  }

  /** Begins a rebuild, unless one runs. `ids` are asked in addition to those that the catalogue knows. */
  rebuild(ids: readonly string[], isComplete: boolean, nowMs: number): void {
    if (isComplete) this.#known.claim();
    if (this.#rebuild.isRunning) {
      // The rebuild may have passed them already.
      if (ids.length > 0) this.#postpone(ids, nowMs);
    } else {
      this.#rebuild.begin(ids, nowMs);
    }
    this.#alarms.ensure("rebuild", nowMs);
  }

  /** Notes a creation. The fragment is asked later, unless it has been heard of by then. Returns the rows written. */
  noteCreation(creation: FragmentRevision, nowMs: number): number {
    this.#alarms.ensure("awaited", nowMs + AWAITED_MS);
    return this.#awaited.add(creation, nowMs);
  }

  /** The catalogue has heard of this revision. Returns the rows written. */
  heardOf(revision: FragmentRevision): number {
    return this.#awaited.remove(revision);
  }

  /** The object's alarm has rung for these kinds. It rings again for a kind that is not ended. */
  async ring(kinds: readonly ComparisonKind[], nowMs: number): Promise<void> {
    if (kinds.includes("words")) this.#moveWords(MOVED_AT_A_TIME);
    // An entry whose words have not moved would look wrong.
    if (this.#words.isMoving) for (const kind of kinds) this.#alarms.ensure(kind, nowMs);
    else
      await Promise.all([
        kinds.includes("rebuild") && this.#rebuildSome(nowMs),
        kinds.includes("awaited") && this.#askAwaited(nowMs),
      ]);
  }

  /** One step of a rebuild. It counts only once it has ended; if the process dies before that, it is repeated. */
  async #rebuildSome(nowMs: number): Promise<void> {
    const ids = this.#rebuild.next(ASKED_IN_AN_ALARM);
    if (ids.length === 0) {
      if (this.#rebuild.isRunning) {
        this.#rebuild.finish(nowMs);
        this.#known.rebuilt();
      }
      this.#alarms.end("rebuild");
      return;
    }
    let mended = 0;
    for await (const answers of inGroups(ids, (id) => this.#ask(id)))
      mended += answers.filter((answer) => answer === "mended").length;
    this.#rebuild.advance(ids, mended);
    this.#alarms.ensure("rebuild", nowMs);
  }

  #moveWords(maxUnits: number): void {
    if (this.#words.isMoving) this.#words.moveSome(maxUnits);
    if (this.#words.isMoving) this.#alarms.ensure("words", Date.now());
    else this.#alarms.end("words");
  }

  /** Asks some of the fragments that should have been heard of by now. */
  async #askAwaited(nowMs: number): Promise<void> {
    const silent = this.#awaited.since(nowMs - AWAITED_MS, ASKED_IN_AN_ALARM);
    const ask = async (one: FragmentRevision) => ({ one, answer: await this.#ask(one.id) });
    for await (const answers of inGroups(silent, ask))
      for (const { one, answer } of answers) if (answer !== "unreachable") this.#awaited.remove(one);
    const { oldestMs } = this.#awaited;
    if (oldestMs === null) this.#alarms.end("awaited");
    else this.#alarms.ensure("awaited", oldestMs + AWAITED_MS);
  }

  /**
   * Makes the entry agree with the fragment's answer. A fragment that cannot be asked delays nothing; it is asked
   * later.
   */
  async #ask(id: string): Promise<"mended" | "sound" | "unreachable"> {
    const known = this.#entries.get(id);
    try {
      const record = await this.#ports.recordOf(id);
      if (record !== null) this.#known.heardOf(id);
      if (!this.#entries.repair(id, record, known?.seq ?? null)) return "sound";
    } catch (error) {
      this.#ports.report(`fragment ${id} could not be asked, or its answer not be stored`, error);
      this.#postpone([id], Date.now());
      return "unreachable";
    }
    this.#ports.mended(id);
    return "mended";
  }

  /**
   * Asks these fragments later. Under a claim they are expected to exist, because the claim covers every id of its
   * rebuild.
   */
  #postpone(ids: readonly string[], nowMs: number): void {
    this.#awaited.postpone(ids, this.#known.isClaimed ? 1 : 0, nowMs);
    this.#alarms.ensure("awaited", nowMs + AWAITED_MS);
  }
}
