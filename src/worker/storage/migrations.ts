/**
 * Numbered migrations of an object's tables. The tables are made with the first write: an object that was only asked
 * stores nothing. What an earlier release has written is migrated when it is opened.
 */
const VERSION_TABLE = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY)";

/** The schema's version; 0 where nothing was ever stored. Writes nothing. */
export function schemaVersion(sql: SqlStorage): number {
  const hasTable = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
  if (!hasTable) return 0;
  return Number(sql.exec("SELECT max(version) AS version FROM schema_version").one()["version"]);
}

/** Brings the schema to the newest version. Call it within a transaction. */
export function migrate(sql: SqlStorage, migrations: readonly string[]): void {
  const from = schemaVersion(sql);
  if (from === 0) sql.exec(VERSION_TABLE);
  for (let version = from + 1; version <= migrations.length; version++) {
    sql.exec(migrations[version - 1] ?? "");
    sql.exec("INSERT INTO schema_version (version) VALUES (?)", version);
  }
}
