/**
 * An object's tables, and the numbered steps that bring the tables of an earlier release there. Tables are made with
 * the first write, because an object that was only asked stores nothing. The tables of an earlier release are migrated
 * when they are opened.
 */
export interface Schema {
  /** The tables of a new object, at version `migrations.length + 1`. One step, because steps cost time at each creation. */
  readonly tables: string;
  /** The step from version 1 to 2, from 2 to 3, and so on; each leads to what `tables` would make. */
  readonly migrations: readonly string[];
}

const VERSION_TABLE = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY)";

/** The stored version; 0 if nothing was ever stored. Writes nothing. */
export function schemaVersion(sql: SqlStorage): number {
  const hasTable = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
  if (!hasTable) return 0;
  return Number(sql.exec("SELECT max(version) AS version FROM schema_version").one()["version"]);
}

/**
 * Makes the tables, or brings them to the newest version. Call it within a transaction.
 *
 * @param from the stored version
 */
export function migrate(sql: SqlStorage, { tables, migrations }: Schema, from: number): void {
  const newest = newestVersion({ migrations });
  if (from === newest) return;
  if (from === 0) sql.exec(`${VERSION_TABLE}; ${tables}`);
  else for (const step of migrations.slice(from - 1)) sql.exec(step);
  sql.exec("INSERT INTO schema_version (version) VALUES (?)", newest);
}

export function newestVersion({ migrations }: Pick<Schema, "migrations">): number {
  return migrations.length + 1;
}
