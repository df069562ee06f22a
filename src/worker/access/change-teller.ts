import type { AccessChange, Cap } from "../../protocol/access.ts";
import { inGroups } from "../in-groups.ts";
import type { ChangedGrants } from "../storage/access-changes.ts";
import type { SocketNotes } from "../storage/access-notes.ts";
import { within } from "../within.ts";

/**
 * When the fragments are told again: a socket whose access was checked just before the change may join just after they
 * were told. Later rounds are for fragments that could not be told.
 */
const AGAIN_AFTER_MS = [5_000, 15_000, 60_000] as const;

/** The rounds after which a grant is done with, if all were told. */
const ROUNDS = 2;

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
    this.#again(grant, 0, Date.now());
    await within(ANSWER_WAIT_MS, this.#tell(grant));
  }

  /** The alarm has rung. */
  async ring(nowMs: number): Promise<void> {
    const { changes } = this.#ports;
    const due = changes.due(nowMs);
    for (const { grant, rounds } of due) this.#again(grant, rounds + 1, nowMs); // so that a failure is no end
    for (const { grant, rounds } of due) {
      const isTold = await this.#tell(grant);
      if (isTold && rounds + 1 >= ROUNDS) changes.remove({ grant, rounds: rounds + 1 });
    }
    const nextMs = changes.nextMs();
    if (nextMs !== null) this.#ports.ringAt(nextMs);
  }

  #again(grant: string, rounds: number, nowMs: number): void {
    const atMs = nowMs + (AGAIN_AFTER_MS[rounds] ?? AGAIN_AFTER_MS[2]);
    this.#ports.changes.put({ grant, rounds, atMs });
    this.#ports.ringAt(atMs);
  }

  /** False if somebody could not be told. */
  async #tell(grant: string): Promise<boolean> {
    const { notes, capOf, tellFragment, tellCatalogue, report } = this.#ports;
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
    const catalogue = attempt(tellCatalogue(change));
    for await (const _ of inGroups(notes.fragments(grant), (id) => attempt(tellFragment(id, change))));
    await catalogue;
    return isTold;
  }
}
