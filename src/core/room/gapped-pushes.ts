import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";

/** The memory that one push takes besides its bytes. */
const PUSH_OVERHEAD_BYTES = 200;

/**
 * Pushes of one session that were not applied for a gap: nothing of it is saved before they are, behind the sync step 2
 * that fills the gap.
 */
export class GappedPushes {
  #updates: Uint8Array[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#updates.length === 0;
  }

  /** They take more memory than a session may. */
  get areTooMuch(): boolean {
    return this.#bytes > MAX_FRAME_BYTES;
  }

  add(update: Uint8Array): void {
    this.#updates.push(update);
    this.#bytes += update.length + PUSH_OVERHEAD_BYTES;
  }

  takeAll(): readonly Uint8Array[] {
    const updates = this.#updates;
    this.#updates = [];
    this.#bytes = 0;
    return updates;
  }
}
