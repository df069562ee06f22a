import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";

/** The memory that one push takes besides its bytes. */
const PUSH_OVERHEAD_BYTES = 200;

/**
 * The pushes of one session that could not be applied because of a gap. They are tried again after the sync step 2 that
 * should fill the gap; until then the session gets no `saved`. It also gets none while pushes are missing that were
 * dropped when it might not write: the next sync step 2 brings what was in them.
 */
export class GappedPushes {
  #updates: { readonly update: Uint8Array; readonly number: number }[] = [];
  #bytes = 0;
  #hasDropped = false;

  get isEmpty(): boolean {
    return this.#updates.length === 0 && !this.#hasDropped;
  }

  /** Whether they take more memory than one session may use. */
  get isOverLimit(): boolean {
    return this.#bytes > MAX_FRAME_BYTES;
  }

  /** @param number of the push */
  add(update: Uint8Array, number: number): void {
    this.#updates.push({ update, number });
    this.#bytes += update.length + PUSH_OVERHEAD_BYTES;
  }

  /** Forgets the pushes, and those that were never added. Until `synced` their place is not empty. */
  drop(): void {
    this.takeAll();
    this.#hasDropped = true;
  }

  /** A sync step 2 of the session was applied, and with it whatever was dropped. */
  synced(): void {
    this.#hasDropped = false;
  }

  takeAll(): readonly { readonly update: Uint8Array; readonly number: number }[] {
    const updates = this.#updates;
    this.#updates = [];
    this.#bytes = 0;
    return updates;
  }
}
