import type { MetadataChange } from "../text/shared-metadata.ts";
import { composeAll, invertChange, NO_CHANGE, type TextChange } from "../text/text-change.ts";
import type { RequestKey, Write } from "./write.ts";

/** What a write does to the text as it is when its turn comes. */
export interface WritePlan {
  readonly change: TextChange;
  readonly metadata: MetadataChange;
  /** The text (LF) and the tags as the sender has them now. */
  readonly sent: string;
  readonly sentTags: readonly string[];
  /** The text as the sender has it now, with its line ends; null if the write says nothing about the text. */
  readonly literal: string | null;
  readonly baseRevision: number | null;
  /** From `sent` to the text that this plan makes. */
  readonly sinceSent: TextChange;
}

/** A write that is in the document, with repetitions of the same request that came in the same round. */
export interface WrittenWrite {
  readonly write: Write;
  readonly repetitions: Write[];
  readonly plan: WritePlan;
  /** From the text that it made back to the one before. */
  readonly undo: TextChange;
}

/**
 * The writes that one round has put into the document so far, in order.
 *
 * Invariant: `#sinceSent[i].change` leads from what write i sent to the text that the first `#sinceSent[i].writes` writes
 * have made. It is extended to all writes only when it is asked for.
 */
export class RoundWrites {
  readonly #written: WrittenWrite[] = [];
  readonly #sinceSent: { change: TextChange; writes: number }[] = [];

  get all(): readonly WrittenWrite[] {
    return this.#written;
  }

  /** @param undo from the text that the write made back to the one before */
  add(write: Write, plan: WritePlan, undo: TextChange): void {
    this.#written.push({ write, repetitions: [], plan, undo });
    this.#sinceSent.push({ change: plan.sinceSent, writes: this.#written.length });
  }

  find({ client, requestId }: RequestKey): WrittenWrite | undefined {
    return this.#written.find(
      ({ write }) => write.request?.client === client && write.request.requestId === requestId,
    );
  }

  /** The last write of the same session and kind as `write`: with a text, or of metadata only. */
  lastLike(write: Write): WrittenWrite | undefined {
    return this.#written.findLast(
      (one) =>
        one.write.session === write.session && (one.write.content === null) === (write.content === null),
    );
  }

  /** From what this write sent to the current text. */
  sinceSent(written: WrittenWrite): TextChange {
    const since = this.#sinceSent[this.#written.indexOf(written)];
    if (since === undefined) throw new Error("The write is not in this round.");
    const later = this.#written.slice(since.writes).map(({ plan }) => plan.change);
    since.change = since.change.compose(composeAll(later));
    since.writes = this.#written.length;
    return since.change;
  }

  /**
   * For each write, the change from the text that the round made back to what was sent. It goes from the last write to
   * the first, so that what came after a write is composed once for all the writes before it.
   */
  undoToSent(): readonly TextChange[] {
    let later = NO_CHANGE;
    const undos = this.#written.toReversed().map(({ plan }) => {
      const undo = invertChange(plan.sinceSent.compose(later), plan.sent);
      later = plan.change.compose(later);
      return undo;
    });
    return undos.reverse();
  }
}
