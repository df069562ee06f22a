/** What an object's one alarm is for: the earliest of a table of kinds and times. */
export type DueKind = "presence";

export class AlarmTable {
  readonly #storage: DurableObjectStorage;
  /** What is known to be set; null: not looked yet. */
  #due: Map<DueKind, number> | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Sees to it that the alarm rings for `kind` by then. Earlier is kept: the alarm looks again when it rings. */
  ensure(kind: DueKind, atMs: number): void {
    const due = this.#load();
    const known = due.get(kind);
    if (known !== undefined && known <= atMs) return;
    due.set(kind, atMs);
    this.#storage.sql.exec("INSERT OR REPLACE INTO due (kind, at_ms) VALUES (?, ?)", kind, atMs);
    this.#set();
  }

  /** The kinds that are due; they are off the table afterwards. */
  take(nowMs: number): DueKind[] {
    const due = this.#load();
    const taken: DueKind[] = [];
    for (const [kind, atMs] of due) {
      if (atMs > nowMs) continue;
      taken.push(kind);
      due.delete(kind);
      this.#storage.sql.exec("DELETE FROM due WHERE kind = ?", kind);
    }
    if (due.size > 0) this.#set();
    return taken;
  }

  #load(): Map<DueKind, number> {
    if (this.#due === null) {
      const rows = this.#storage.sql.exec("SELECT kind, at_ms FROM due").toArray();
      this.#due = new Map(rows.map((row) => [row["kind"] as DueKind, Number(row["at_ms"])]));
    }
    return this.#due;
  }

  #set(): void {
    // Ordered with the writes of this turn and confirmed by the output gate with them.
    void this.#storage.setAlarm(Math.min(...this.#load().values()));
  }
}
