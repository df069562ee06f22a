import { MAX_PAST_BYTES, REBASE_HORIZON_MS } from "../../protocol/limits.ts";
import type { SharedMetadata } from "../text/shared-metadata.ts";
import { changeSize, composeAll, NO_CHANGE, type TextChange } from "../text/text-change.ts";
import { type Answer, type PastEntry, UNNAMED } from "./past-entry.ts";

/**
 * The revisions of the last ten minutes, as steps back from the current text. They are loaded from the log when first
 * asked for; until then a commit costs nothing here.
 */
export class Past {
  readonly #load: () => PastEntry[];
  #entries: PastEntry[] | null = null;
  #answers = new Map<string, { readonly entry: PastEntry; readonly answer: Answer }>();
  #units = 0;

  constructor(load: () => PastEntry[]) {
    this.#load = load;
  }

  /** Adds a commit, which must be in the log already. */
  add(entry: PastEntry): void {
    if (this.#entries !== null) this.#index(entry);
  }

  /** The change from the current text back to the text of `revision`; null if that is not known, or not any more. */
  undoTo(revision: number, current: number, nowMs: number): TextChange | null {
    if (revision === current) return NO_CHANGE;
    const steps = this.since(revision, current, nowMs);
    return steps === null ? null : composeAll(steps.map((entry) => entry.undo).reverse());
  }

  /** The metadata of `revision`, given the current ones; null if they are not known, or not any more. */
  metadataAt(
    revision: number,
    current: number,
    metadata: SharedMetadata,
    nowMs: number,
  ): SharedMetadata | null {
    if (revision === current) return metadata;
    const steps = this.since(revision, current, nowMs);
    if (steps === null) return null;
    return steps.find((entry) => entry.metadataBefore !== null)?.metadataBefore ?? metadata;
  }

  /** The answer to this request of this client, and the revision that gave it; null if there was none. */
  answerTo(
    client: string,
    requestId: string,
    nowMs: number,
  ): { revision: number; timeMs: number; answer: Answer } | null {
    this.#trim(nowMs);
    const found = this.#answers.get(key(client, requestId));
    return found === undefined
      ? null
      : { revision: found.entry.revision, timeMs: found.entry.timeMs, answer: found.answer };
  }

  /** The commits that are kept and lead to `current` without a gap, oldest first. */
  recent(current: number, nowMs: number): readonly PastEntry[] {
    const entries = this.#trim(nowMs);
    let first = entries.length;
    while (entries[first - 1]?.revision === current - (entries.length - first)) first--;
    return entries.slice(first);
  }

  /** All commits after `revision`, oldest first; null if that revision was not current within the horizon. */
  since(revision: number, current: number, nowMs: number): PastEntry[] | null {
    if (revision > current || revision < 1) return null; // the first revision is 1
    const entries = this.#trim(nowMs);
    const first = entries.length - (current - revision);
    return entries[first]?.revision === revision + 1 ? entries.slice(first) : null;
  }

  #trim(nowMs: number): PastEntry[] {
    if (this.#entries === null) {
      this.#entries = [];
      for (const entry of this.#load()) this.#index(entry);
    }
    let drop = 0;
    for (const entry of this.#entries) {
      if (entry.timeMs >= nowMs - REBASE_HORIZON_MS && this.#units <= MAX_PAST_BYTES) break;
      this.#units -= sizeOf(entry);
      for (const answer of entry.answers) {
        // A later request may have used the same id.
        const name = key(answer.client, answer.requestId);
        if (this.#answers.get(name)?.entry === entry) this.#answers.delete(name);
      }
      drop++;
    }
    if (drop > 0) this.#entries = this.#entries.slice(drop);
    return this.#entries;
  }

  #index(entry: PastEntry): void {
    this.#entries?.push(entry);
    this.#units += sizeOf(entry);
    for (const answer of entry.answers) {
      if (answer.requestId !== UNNAMED)
        this.#answers.set(key(answer.client, answer.requestId), { entry, answer });
    }
  }
}

/** Counts the answers too: the change back to what was sent can be larger than the commit itself. */
function sizeOf({ undo, answers }: PastEntry): number {
  return answers.reduce((sum, { toSent }) => sum + changeSize(toSent), changeSize(undo));
}

function key(client: string, requestId: string): string {
  return JSON.stringify([client, requestId]);
}
