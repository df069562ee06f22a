/**
 * The uses of an object's only alarm. It rings at the earliest time in a table of kinds, or earlier if the object asks
 * for that by `wake`, whose purpose is stored elsewhere.
 */
export class AlarmTable<Kind extends string> {
  readonly #storage: DurableObjectStorage;
  /** The table; null if it was not read yet. */
  #due: Map<Kind, number> | null = null;
  /** The time that `wake` asked for; null if there was none since the object began or the alarm rang. */
  #wakeMs: number | null = null;
  #rowsWritten = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Rows written by this object so far, as they are billed: setting the alarm is one. */
  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  /** Makes the alarm ring for `kind` by this time. An earlier time stays. */
  ensure(kind: Kind, atMs: number): void {
    const due = this.#load();
    const known = due.get(kind);
    if (known !== undefined && known <= atMs) return;
    due.set(kind, atMs);
    this.#exec("INSERT OR REPLACE INTO due (kind, at_ms) VALUES (?, ?)", kind, atMs);
    this.#set();
  }

  /** Makes the alarm ring by this time, for no kind. */
  wake(atMs: number): void {
    if (this.#wakeMs !== null && this.#wakeMs <= atMs) return;
    this.#wakeMs = atMs;
    this.#set();
  }

  /** Takes `wake` back, so that an object at rest is not woken. */
  rest(): void {
    if (this.#wakeMs === null) return;
    this.#wakeMs = null;
    this.#set();
  }

  /** The alarm has rung. Returns the kinds that are due, and removes them from the table. */
  rung(nowMs: number): Kind[] {
    const due = this.#load();
    const kinds: Kind[] = [];
    for (const [kind, atMs] of due) {
      if (atMs > nowMs) continue;
      kinds.push(kind);
      due.delete(kind);
      this.#exec("DELETE FROM due WHERE kind = ?", kind);
    }
    this.#wakeMs = null;
    if (due.size > 0) this.#set();
    return kinds;
  }

  /**
   * The alarm has rung for work that takes longer than a turn. Returns the kinds that are due. They stay in the table,
   * due at `againMs`: if the work fails, or the process dies meanwhile, the alarm rings again. When the work is done,
   * call `end`, or `ensure` with an earlier time.
   */
  begin(nowMs: number, againMs: number): Kind[] {
    const kinds = this.rung(nowMs);
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
    // Ordered with the writes of this turn, and confirmed with them by the output gate.
    if (times.length > 0) void this.#storage.setAlarm(Math.min(...times));
    else void this.#storage.deleteAlarm();
    this.#rowsWritten++;
  }

  #exec(query: string, ...bindings: SqlStorageValue[]): void {
    this.#rowsWritten += this.#storage.sql.exec(query, ...bindings).rowsWritten;
  }
}
