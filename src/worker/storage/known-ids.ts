/** Whether an id that the catalogue does not know certainly has no fragment. */
export type Completeness =
  /** This catalogue is new. It is complete if it is also the workspace's first. */
  | "new"
  /** It is not introduced either, but fragments were created without its knowledge, as in earlier releases. */
  | "old"
  /** Every fragment of the workspace is known, or was noted before its creation. */
  | "complete"
  | "incomplete"
  /** Incomplete until the rebuild under way ends; then complete, because the operator said so. */
  | "claimed";

/**
 * The ids that the catalogue knows: those of fragments that exist or existed, and of creations that were noted. Their
 * objects have stored something already, so asking them stores nothing new.
 *
 * Invariant: while the state is `complete`, an unknown id names no fragment, because each creation is noted here before
 * it is made (catalogue-sender.ts). Any sign of a breach ends that state: a row that is gone, a fragment that was never
 * noted, or a workspace that had another catalogue before this one.
 */
export class KnownIds {
  readonly #sql: SqlStorage;
  readonly #isFirst: (catalogue: string) => Promise<boolean>;
  /** Creations whose note waits for its turn. */
  readonly #noting = new Set<string>();

  /** @param isFirst asks the witness whether the workspace had no catalogue with another name before */
  constructor(storage: DurableObjectStorage, isFirst: (catalogue: string) => Promise<boolean>) {
    this.#sql = storage.sql;
    this.#isFirst = isFirst;
  }

  get isComplete(): boolean {
    return this.#state === "complete";
  }

  get isClaimed(): boolean {
    return this.#state === "claimed";
  }

  /** Introduces this catalogue to the witness. Only then can its state be known. */
  async introduce(): Promise<void> {
    if (this.#state !== "new" && this.#state !== "old") return;
    const [row] = this.#sql.exec("SELECT catalogue FROM completeness").toArray();
    const isFirst = await this.#isFirst(String(row?.["catalogue"]));
    this.#change("new", isFirst ? "complete" : "incomplete");
    this.#change("old", "incomplete");
  }

  /** Counts the creation from now on, although it is noted in a later turn. `noted` must follow. */
  noting(id: string): void {
    this.#noting.add(id);
  }

  noted(id: string): void {
    this.#noting.delete(id);
  }

  /** The known ids among these, in one statement; null if an unknown id may have a fragment all the same. */
  among(ids: readonly string[]): string[] | null {
    if (!this.isComplete) return null;
    const query = `SELECT value FROM json_each(?1)
      WHERE value IN (SELECT id FROM fragment WHERE id = value)
        OR value IN (SELECT id FROM awaited WHERE id = value)
        OR value IN (SELECT noting.value FROM json_each(?2) AS noting)`;
    const rows = this.#sql.exec(query, JSON.stringify(ids), JSON.stringify([...this.#noting])).raw();
    return Array.from(rows, ([id]) => String(id));
  }

  /** A fragment says that it exists. If it was never noted, there may be others that are not known. */
  heardOf(id: string): void {
    const isForeseen = this.#sql.exec(
      "SELECT 1 FROM fragment WHERE id = ?1 UNION ALL SELECT 1 FROM awaited WHERE id = ?1 AND revision > 0",
      id,
    );
    if (isForeseen.toArray().length > 0) return;
    this.#change("complete", "incomplete");
    this.#change("new", "old"); // still to be introduced
  }

  /** The operator says that the rebuild, which begins or is under way, asks all fragments of the workspace. */
  claim(): void {
    this.#change("incomplete", "claimed");
  }

  /** A rebuild has ended. */
  rebuilt(): void {
    this.#change("claimed", "complete");
  }

  get #state(): Completeness {
    const [row] = this.#sql.exec("SELECT state FROM completeness").toArray();
    return String(row?.["state"]) as Completeness; // written by this class and the schema
  }

  #change(from: Completeness, to: Completeness): void {
    this.#sql.exec("UPDATE completeness SET state = ? WHERE state = ?", to, from);
  }
}
