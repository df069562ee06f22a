import type { RebuildStatus } from "../../protocol/catalogue.ts";
import { timestamp } from "../../protocol/timestamp.ts";

/** The progress of a rebuild. It continues after the last id that it asked, even after a restart. */
export class RebuildTable {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  get isRunning(): boolean {
    return this.#sql.exec("SELECT 1 FROM rebuild WHERE finished_at_ms IS NULL").toArray().length > 0;
  }

  /** Begins from the first id. `ids` are asked in addition to those of which the catalogue has a trace. */
  begin(ids: readonly string[], nowMs: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec("DELETE FROM rebuild_id");
      this.#sql.exec("INSERT OR IGNORE INTO rebuild_id SELECT value FROM json_each(?)", JSON.stringify(ids));
      this.#sql.exec(
        `INSERT OR REPLACE INTO rebuild (singleton, cursor, done, total, repaired, started_at_ms)
         SELECT 1, '', 0, count(*), 0, ? FROM (${IDS_TO_ASK})`,
        nowMs,
      );
    });
  }

  /** The next ids to ask; none when all were asked. */
  next(limit: number): string[] {
    const query = `SELECT id FROM (${IDS_TO_ASK}) WHERE id > (SELECT cursor FROM rebuild) ORDER BY id LIMIT ?`;
    return Array.from(this.#sql.exec(query, limit).raw(), ([id]) => String(id));
  }

  /** Counts these as asked. */
  advance(ids: readonly string[], repaired: number): void {
    this.#sql.exec(
      "UPDATE rebuild SET cursor = ?, done = done + ?, repaired = repaired + ?",
      ids.at(-1) ?? "",
      ids.length,
      repaired,
    );
  }

  finish(nowMs: number): void {
    this.#sql.exec("UPDATE rebuild SET finished_at_ms = ?, total = done", nowMs);
    this.#sql.exec("DELETE FROM rebuild_id");
  }

  status(): Omit<RebuildStatus, "complete"> {
    const [row] = this.#sql.exec("SELECT * FROM rebuild").toArray();
    if (row === undefined)
      return { state: "never", done: 0, total: 0, repaired: 0, started_at: null, finished_at: null };
    const finishedAtMs = row["finished_at_ms"];
    return {
      state: finishedAtMs === null ? "running" : "done",
      done: Number(row["done"]),
      total: Number(row["total"]),
      repaired: Number(row["repaired"]),
      started_at: timestamp(Number(row["started_at_ms"])),
      finished_at: finishedAtMs === null ? null : timestamp(Number(finishedAtMs)),
    };
  }
}

/**
 * The ids of which the catalogue has a trace, and those that were given. Deleted fragments are asked too, since they
 * may have been made again.
 */
const IDS_TO_ASK =
  "SELECT id FROM fragment UNION SELECT target FROM inclusion UNION SELECT id FROM rebuild_id";
