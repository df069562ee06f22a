import type { CatalogueRecord } from "../../core/feed/catalogue-update.ts";
import { EMPTY_WRITE, type Write, type Written } from "../../core/fragment/write.ts";
import type { Room } from "../../core/room/room.ts";
import { type Refusal, type Result, refused } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import { CATALOGUE_WAIT_MS } from "../within.ts";
import { type CatalogueSender, NOT_NOTED } from "./catalogue-sender.ts";
import { answerWrite, type FragmentAnswer, fragmentOf } from "./fragment-view.ts";
import { expectedVersions, type Preconditions, preconditionFault } from "./preconditions.ts";
import { type AuthoredWrite, absenceFault, type PlannedWrite, type PutMode, planPut } from "./put-plan.ts";

export interface CallPorts {
  readonly room: Room;
  readonly catalogue: CatalogueSender;
  /** One event of the fragment's object. */
  turn<T>(event: (nowMs: number) => T): T;
  /** The fragment is gone, in the turn that deletes it. */
  removed(): void;
}

/** The calls that REST and the catalogue make. Each is answered when everything that it did or read is durable. */
export class FragmentCalls {
  readonly #ports: CallPorts;

  constructor(ports: CallPorts) {
    this.#ports = ports;
  }

  /**
   * The committed fragment, once everything that came in before is committed; null if there is none.
   *
   * @param isPage an old client will show it, and may save an edited text without naming its version
   */
  async read(isPage: boolean): Promise<Fragment | null> {
    const { room } = this.#ports;
    if (!room.exists) return null;
    await this.whenDurable();
    if (!room.exists) return null;
    if (isPage) room.showToPage();
    return fragmentOf(room);
  }

  /** Creates the fragment or changes it, as `mode` demands. */
  async put(write: AuthoredWrite, mode: PutMode): Promise<FragmentAnswer> {
    const { room, catalogue } = this.#ports;
    const planned = planPut(room, write, mode, Date.now());
    if (!planned.ok) return planned;
    const plan = planned.value;
    if (plan.kind === "write") return this.#write(plan.write, plan.isNew);
    const revision = room.life?.revision;
    const isNoted = await catalogue.noteCreation();
    // Another request was faster, and has used the note.
    if (room.life?.revision !== revision) return this.put(write, mode);
    if (!isNoted) return refused(NOT_NOTED);
    const answer = await this.#write(write, true);
    await catalogue.whenIdle(CATALOGUE_WAIT_MS); // a client that creates a fragment looks for it in the list next
    return answer;
  }

  /**
   * Deletes the fragment. Null on success.
   *
   * @param author the id of the principal that deletes it
   */
  async remove(preconditions: Preconditions, author: string): Promise<Refusal | null> {
    const { room, catalogue } = this.#ports;
    if (!room.exists) return absenceFault(room.id, preconditions);
    const fault = preconditionFault(room, preconditions);
    if (fault !== null) return fault;
    const why = this.#ports.turn((nowMs) => {
      const refusal = room.remove(expectedVersions(preconditions), author, nowMs);
      if (refusal === null) this.#ports.removed();
      return refusal;
    });
    if (why === null) await catalogue.whenIdle(CATALOGUE_WAIT_MS);
    return why;
  }

  /** The record that the catalogue stores of this fragment; null if there never was one. */
  async catalogueRecord(): Promise<CatalogueRecord | null> {
    const { room, catalogue } = this.#ports;
    if (room.exists) await this.whenDurable();
    return catalogue.receiver.record();
  }

  /** Resolves when everything that came in so far is durable. */
  whenDurable(): Promise<void> {
    return new Promise((resolve) => this.#ports.turn(() => this.#ports.room.whenDurable(resolve)));
  }

  #write(write: PlannedWrite, isNew: boolean): Promise<FragmentAnswer> {
    const { room } = this.#ports;
    return new Promise((resolve) => {
      this.#ports.turn((nowMs) => {
        // The answer is made in the turn that commits: later the fragment may be another one, or gone.
        const answer = (result: Result<Written>) => resolve(answerWrite(room, result, isNew, nowMs));
        const whole: Write = { ...EMPTY_WRITE, ...write, answer };
        if (room.exists) room.submit(whole);
        else room.create(whole, true, nowMs);
      });
    });
  }
}
