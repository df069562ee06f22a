/** The object's one timer. It runs only while something is due: an object with a timer does not hibernate. */
export class Timer {
  readonly #ring: (atMs: number) => void;
  #running: { readonly id: ReturnType<typeof setTimeout>; readonly atMs: number } | null = null;

  /** @param ring is told for what time it rings: the clock may say a millisecond less */
  constructor(ring: (atMs: number) => void) {
    this.#ring = ring;
  }

  /** Rings at `dueMs` or, if it is running for an earlier time, then; null stops it. */
  set(dueMs: number | null, nowMs: number): void {
    if (this.#running !== null && (dueMs === null || dueMs < this.#running.atMs)) {
      clearTimeout(this.#running.id);
      this.#running = null;
    }
    if (dueMs === null || this.#running !== null) return;
    const atMs = Math.ceil(dueMs); // times are whole milliseconds everywhere
    const ring = () => {
      this.#running = null;
      this.#ring(atMs);
    };
    this.#running = { id: setTimeout(ring, Math.max(0, atMs - nowMs)), atMs };
  }
}

/** Of two times, null for never. */
export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
