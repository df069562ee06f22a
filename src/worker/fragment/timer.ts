/** The object's one timer. It runs only while something is due: an object with a timer does not hibernate. */
export class Timer {
  readonly #ring: (atMs: number) => void;
  #running: { readonly id: ReturnType<typeof setTimeout>; readonly atMs: number } | null = null;

  /** @param ring gets the time for which the timer was set: the clock may still be a millisecond behind */
  constructor(ring: (atMs: number) => void) {
    this.#ring = ring;
  }

  /** Rings at `dueMs`, or earlier if it is already set for an earlier time. Null stops it. */
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

/** The earlier of two times; null means never. */
export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
