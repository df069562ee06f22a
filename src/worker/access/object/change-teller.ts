import type { AccessChange, Cap } from "../../../protocol/access.ts";
import { inGroups } from "../../in-groups.ts";
import type { ChangedGrant, ChangedGrants } from "../../storage/access-changes.ts";
import type { SocketNotes } from "../../storage/access-notes.ts";
import { within } from "../../within.ts";

/**
 * The pause after each round. A socket whose access was checked just before the change may join just after the first one.
 * Later rounds than the third are for fragments that could not be told.
 */
const PAUSES_MS = [5_000, 15_000] as const;
const LATER_PAUSE_MS = 60_000;

/** The rounds after which a grant is done with, if all were told in the last one. */
const ROUNDS = 3;

/** Fragments told in one event: the platform limits the calls of an event, and a second alarm rings at once. */
const TOLD_IN_AN_EVENT = 400;

/** A telling that takes longer than this is taken for failed: the process may have died. */
const GIVEN_UP_MS = 30_000;

/** An admin waits this long at most for the answer; the telling goes on. */
const ANSWER_WAIT_MS = 1_500;

export interface TellerPorts {
  readonly notes: SocketNotes;
  readonly changes: ChangedGrants;
  /** What the grant allows now; null if it has ended. */
  capOf(grant: string): Cap | null;
  tellFragment(id: string, change: AccessChange): Promise<void>;
  tellCatalogue(change: AccessChange): Promise<void>;
  /** Have `ring` called at this time, or earlier. */
  ringAt(timeMs: number): void;
  report(problem: string, error: unknown): void;
}

/** Tells the open sockets of a workspace that a grant was lowered or has ended. */
export class ChangeTeller {
  readonly #ports: TellerPorts;

  constructor(ports: TellerPorts) {
    this.#ports = ports;
  }

  /** Call it once the change is stored. Resolves when everybody was told, or after a short time. */
  async changed(grant: string): Promise<void> {
    const begun = { grant, rounds: 0, after: "", hasFailed: false, atMs: Date.now() + GIVEN_UP_MS };
    this.#ports.changes.put(begun);
    this.#ports.ringAt(begun.atMs);
    await within(ANSWER_WAIT_MS, this.#goOn(begun));
  }

  /** The alarm has rung. */
  async ring(nowMs: number): Promise<void> {
    const { changes, ringAt } = this.#ports;
    const [due] = changes.due(nowMs);
    if (due !== undefined) {
      const begun = { ...due, atMs: nowMs + GIVEN_UP_MS };
      changes.replace(due, begun);
      ringAt(begun.atMs);
      await this.#goOn(begun);
    }
    const nextMs = changes.nextMs();
    if (nextMs !== null) ringAt(nextMs);
  }

  /** Tells as many as one event may, and notes how far that went. */
  async #goOn(begun: ChangedGrant): Promise<void> {
    const { notes, changes, ringAt } = this.#ports;
    const { grant, rounds } = begun;
    const ids = notes.fragments(grant, begun.after, TOLD_IN_AN_EVENT);
    const hasFailed = !(await this.#tell(grant, ids, begun.after === "")) || begun.hasFailed;
    const last = ids.at(-1);
    const nowMs = Date.now();
    if (last !== undefined && ids.length === TOLD_IN_AN_EVENT) {
      changes.replace(begun, { ...begun, after: last, hasFailed, atMs: nowMs });
      ringAt(nowMs);
      return;
    }
    const isDone = rounds + 1 >= ROUNDS && !hasFailed;
    const atMs = nowMs + (PAUSES_MS[rounds] ?? LATER_PAUSE_MS);
    changes.replace(begun, isDone ? null : { grant, rounds: rounds + 1, after: "", hasFailed: false, atMs });
    if (!isDone) ringAt(atMs);
  }

  /** False if somebody could not be told. */
  async #tell(grant: string, ids: readonly string[], isFirst: boolean): Promise<boolean> {
    const { capOf, tellFragment, tellCatalogue, report } = this.#ports;
    const change: AccessChange = { grant, cap: capOf(grant) };
    let isTold = true;
    const attempt = async (told: Promise<void>) => {
      try {
        await told;
      } catch (error) {
        isTold = false;
        report("a change of access could not be told, and will be told again", error);
      }
    };
    const catalogue = isFirst ? attempt(tellCatalogue(change)) : null;
    for await (const _ of inGroups(ids, (id) => attempt(tellFragment(id, change))));
    await catalogue;
    return isTold;
  }
}
