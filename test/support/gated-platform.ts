import type { Peer } from "../../src/core/room/session.ts";
import { MemoryUpdateLog, type Stored } from "./memory-update-log.ts";

type Held = { readonly kind: "write"; readonly stored: Stored } | { readonly kind: "send"; send(): void };

/**
 * A platform whose storage confirms late, with the output gate of Durable Objects: every frame that is sent after a write,
 * by anybody, is held until the write is confirmed. A kill drops all writes that are not confirmed and all frames that are
 * held. The local runtime confirms at once, so only this double can show frames that were sent too early.
 */
export class GatedPlatform {
  #confirmed: Stored | null = null;
  #held: Held[] = [];
  #late: { readonly atMs: number; readonly stored: Stored }[] = [];
  #life = 0;
  readonly #writeDelayMs: number;

  /** @param writeDelayMs for a platform that is broken on purpose: each write is made this much later than asked */
  constructor(writeDelayMs = 0) {
    this.#writeDelayMs = writeDelayMs;
  }

  /** What a kill would leave. */
  get confirmed(): Stored | null {
    return this.#confirmed;
  }

  /** The log of a new life of the object. */
  openLog(nowMs: () => number): MemoryUpdateLog {
    return new MemoryUpdateLog(this.#confirmed, (stored) => {
      if (this.#writeDelayMs === 0) this.#held.push({ kind: "write", stored });
      else this.#late.push({ atMs: nowMs() + this.#writeDelayMs, stored });
    });
  }

  /** A peer behind the gate. */
  gate(peer: Peer): Peer {
    const life = this.#life;
    const hold = (send: () => void) => {
      if (life !== this.#life) throw new Error("A killed object sends.");
      if (this.#held.length === 0) send();
      else this.#held.push({ kind: "send", send });
    };
    return {
      send: (frame) => hold(() => peer.send(frame)),
      close: (code, reason) => hold(() => peer.close(code, reason)),
      remember: (record) => peer.remember(record),
    };
  }

  /** Storage confirms the oldest write that is under way; what waited for it alone leaves. */
  confirm(): void {
    const write = this.#held.shift();
    if (write === undefined) return;
    if (write.kind !== "write") throw new Error("The gate holds back what waits for nothing.");
    this.#confirmed = write.stored;
    while (this.#held[0]?.kind === "send") {
      const held = this.#held.shift();
      if (held?.kind === "send") held.send();
    }
  }

  confirmAll(): void {
    while (this.#held.length > 0) this.confirm();
  }

  /** Makes the late writes that are due by now. */
  passTo(nowMs: number): void {
    while (this.#late[0] !== undefined && this.#late[0].atMs <= nowMs) {
      const write = this.#late.shift();
      if (write !== undefined) this.#held.push({ kind: "write", stored: write.stored });
    }
  }

  kill(): void {
    this.#held = [];
    this.#late = [];
    this.#life++;
  }

  /** The object leaves memory, which it does only when nothing is under way: nothing is lost. */
  hibernate(): void {
    if (this.#held.length > 0) throw new Error("The object hibernates with writes under way.");
    this.#life++;
  }
}
