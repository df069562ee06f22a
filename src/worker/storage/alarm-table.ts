/**
 * What an object's one alarm is for: the earliest of a table of kinds and times, and of what the object knows from
 * elsewhere in its storage and asks for by `wake`.
 */
export class AlarmTable<Kind extends string> {
  readonly #storage: DurableObjectStorage;
  /** What is known to be set; null: not looked yet. */
  #due: Map<Kind, number> | null = null;
  /** For when `wake` has set the alarm; null: not by this object, or it has rung. */
  #wakeMs: number | null = null;
  #rowsWritten = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Rows written so far, as they are billed: setting the alarm is one. */
  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  /** Sees to it that the alarm rings for `kind` by then. Earlier is kept: the alarm looks again when it rings. */
  ensure(kind: Kind, atMs: number): void {
    const due = this.#load();
    const known = due.get(kind);
    if (known !== undefined && known <= atMs) return;
    due.set(kind, atMs);
    this.#exec("INSERT OR REPLACE INTO due (kind, at_ms) VALUES (?, ?)", kind, atMs);
    this.#set();
  }

  /** Sees to it that the alarm rings by then, for no kind. */
  wake(atMs: number): void {
    if (this.#wakeMs !== null && this.#wakeMs <= atMs) return;
    this.#wakeMs = atMs;
    this.#set();
  }

  /** What `wake` was for is done: an object at rest is not woken. */
  rest(): void {
    if (this.#wakeMs === null) return;
    this.#wakeMs = null;
    this.#set();
  }

  /** The alarm has rung. Returns the kinds that are due; they are off the table afterwards. */
  take(nowMs: number): Kind[] {
    const due = this.#load();
    const taken: Kind[] = [];
    for (const [kind, atMs] of due) {
      if (atMs > nowMs) continue;
      taken.push(kind);
      due.delete(kind);
      this.#exec("DELETE FROM due WHERE kind = ?", kind);
    }
    this.#wakeMs = null;
    if (due.size > 0) this.#set();
    return taken;
  }

  /**
   * The alarm has rung for work that takes longer than a turn. Returns the kinds that are due. They stay on the table,
   * for `againMs`: should the work fail or the process die in it, the alarm rings again. Whoever has done it calls
   * `end`, or `ensure` with an earlier time.
   */
  begin(nowMs: number, againMs: number): Kind[] {
    const kinds = this.take(nowMs);
    for (const kind of kinds) this.ensure(kind, againMs);
    return kinds;
  }

  /** Nothing of that kind is left to do. */
  end(kind: Kind): void {
    if (!this.#load().delete(kind)) return;
    this.#exec("DELETE FROM due WHERE kind = ?", kind);
    this.#set();
  }

  #load(): Map<Kind, number> {
    if (this.#due === null) {
      const rows = this.#storage.sql.exec("SELECT kind, at_ms FROM due").toArray();
      this.#due = new Map(rows.map((row) => [row["kind"] as Kind, Number(row["at_ms"])]));
    }
    return this.#due;
  }

  #set(): void {
    const times = [...this.#load().values()];
    if (this.#wakeMs !== null) times.push(this.#wakeMs);
    // Ordered with the writes of this turn and confirmed by the output gate with them.
    if (times.length > 0) void this.#storage.setAlarm(Math.min(...times));
    else void this.#storage.deleteAlarm();
    this.#rowsWritten++;
  }

  #exec(query: string, ...bindings: SqlStorageValue[]): void {
    this.#rowsWritten += this.#storage.sql.exec(query, ...bindings).rowsWritten;
  }
}
