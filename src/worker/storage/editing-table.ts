import type { Editing } from "../../core/feed/parcel.ts";
import type { Editor } from "../../protocol/catalogue.ts";

/** Who has which fragment open, as the fragments last told. */
export class EditingTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** Null when that is what was known. */
  tell(id: string, { sessions, editors }: Editing): { rowsWritten: number } | null {
    const [known] = this.#sql.exec("SELECT sessions, editors FROM editing WHERE id = ?", id).toArray();
    const json = JSON.stringify(editors);
    if (sessions === Number(known?.["sessions"] ?? 0) && json === (known?.["editors"] ?? "[]")) return null;
    const { rowsWritten } =
      sessions === 0
        ? this.#sql.exec("DELETE FROM editing WHERE id = ?", id)
        : this.#sql.exec(
            "INSERT OR REPLACE INTO editing (id, sessions, editors) VALUES (?, ?, ?)",
            id,
            sessions,
            json,
          );
    return { rowsWritten };
  }

  /** Of the ids behind this one, in order. */
  after(id: string, limit: number): ({ readonly id: string } & Editing)[] {
    const query = "SELECT id, sessions, editors FROM editing WHERE id > ? ORDER BY id LIMIT ?";
    const rows = this.#sql.exec(query, id, limit).toArray();
    return rows.map((row) => ({
      id: String(row["id"]),
      sessions: Number(row["sessions"]),
      editors: JSON.parse(String(row["editors"])) as Editor[], // `tell` wrote it
    }));
  }
}
