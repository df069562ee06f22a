import { DIRECTORY_SCHEMA } from "./access-schema.ts";
import { migrate, newestVersion, schemaVersion } from "./migrations.ts";

/** The names of the workspaces that exist. Nothing is stored for one that was only asked for. */
export class WorkspaceTable {
  readonly #storage: DurableObjectStorage;
  #isMade: boolean;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#isMade = schemaVersion(storage.sql) === newestVersion(DIRECTORY_SCHEMA);
  }

  has(name: string): boolean {
    if (!this.#isMade) return false;
    return this.#storage.sql.exec("SELECT 1 FROM workspace WHERE name = ?", name).toArray().length > 0;
  }

  add(name: string, nowMs: number): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      migrate(sql, DIRECTORY_SCHEMA, schemaVersion(sql));
      sql.exec("INSERT OR IGNORE INTO workspace (name, created_at_ms) VALUES (?, ?)", name, nowMs);
    });
    this.#isMade = true;
  }
}
