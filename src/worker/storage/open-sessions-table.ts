import * as v from "valibot";
import { EditorSchema, type OpenSessions } from "../../protocol/catalogue.ts";
import { type View, visibleIds } from "./visible-ids.ts";

const EditorsSchema = v.pipe(v.string(), v.parseJson(), v.array(EditorSchema));

/** The open sessions of each fragment that has some, as the fragment last reported. */
export class OpenSessionsTable {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @returns the rows written; null if nothing has changed */
  store(id: string, { sessions, editors }: OpenSessions): number | null {
    const [known] = this.#sql.exec("SELECT sessions, editors FROM open_sessions WHERE id = ?", id).toArray();
    const json = JSON.stringify(editors);
    if (sessions === Number(known?.["sessions"] ?? 0) && json === (known?.["editors"] ?? "[]")) return null;
    const { rowsWritten } =
      sessions === 0
        ? this.#sql.exec("DELETE FROM open_sessions WHERE id = ?", id)
        : this.#sql.exec(
            "INSERT OR REPLACE INTO open_sessions (id, sessions, editors) VALUES (?, ?, ?)",
            id,
            sessions,
            json,
          );
    return rowsWritten;
  }

  /** The open sessions of the fragments after this id, in order. */
  after(view: View, id: string, limit: number): ({ readonly id: string } & OpenSessions)[] {
    const [visible, ...values] = visibleIds("id", view);
    const query = `SELECT id, sessions, editors FROM open_sessions WHERE id > ? AND ${visible} ORDER BY id LIMIT ?`;
    const rows = this.#sql.exec(query, id, ...values, limit).toArray();
    return rows.map((row) => ({
      id: String(row["id"]),
      sessions: Number(row["sessions"]),
      editors: v.parse(EditorsSchema, row["editors"]),
    }));
  }
}
