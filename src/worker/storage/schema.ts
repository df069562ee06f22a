/**
 * The tables of one fragment, by numbered migrations. They are made with the first write: an id that was only
 * probed stores nothing. A fragment that an earlier release has written is migrated when it is opened.
 *
 * Each commit costs one row written, so the log has no index beside its rowid, and what would need one is kept
 * inside the rows.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE fragment (
     -- One row: the life of this id.
     singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
     generation INTEGER NOT NULL,
     is_deleted INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     -- Of the snapshot, or of the deletion; later commits are in the log.
     updated_at_ms INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     server_client_id INTEGER NOT NULL
   );
   -- Client ids of deleted generations, as varUints, in chunks.
   CREATE TABLE old_clients (chunk INTEGER PRIMARY KEY, data BLOB NOT NULL);
   -- One Yjs update (V1) of everything up to the snapshot's revision, cut into chunks.
   CREATE TABLE snapshot (
     chunk INTEGER PRIMARY KEY,
     format INTEGER NOT NULL,
     checksum INTEGER NOT NULL,
     data BLOB NOT NULL
   );
   -- Log records (core/history/log-record.ts). One that is too large for a row continues in the next ones.
   CREATE TABLE update_log (
     seq INTEGER PRIMARY KEY,
     part INTEGER NOT NULL,
     parts INTEGER NOT NULL,
     format INTEGER NOT NULL,
     checksum INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     time_ms INTEGER NOT NULL,
     data BLOB NOT NULL
   );
   -- Rows found damaged, as they were, for a person to look at.
   CREATE TABLE quarantine (
     id INTEGER PRIMARY KEY,
     source TEXT NOT NULL,
     key INTEGER NOT NULL,
     reason TEXT NOT NULL,
     revision INTEGER NOT NULL,
     data BLOB
   );
   -- What the object's one alarm is for.
   CREATE TABLE due (kind TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;`,
];

/** The version that this release reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

const VERSION_TABLE = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY)";

/** The schema's version; 0 where nothing was ever stored. Writes nothing. */
export function schemaVersion(sql: SqlStorage): number {
  const hasTable = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
  if (!hasTable) return 0;
  return Number(sql.exec("SELECT max(version) AS version FROM schema_version").one()["version"]);
}

/** Brings the schema to the newest version. Call it within a transaction. */
export function migrate(sql: SqlStorage): void {
  const from = schemaVersion(sql);
  if (from === 0) sql.exec(VERSION_TABLE);
  for (let version = from + 1; version <= MIGRATIONS.length; version++) {
    sql.exec(MIGRATIONS[version - 1] ?? "");
    sql.exec("INSERT INTO schema_version (version) VALUES (?)", version);
  }
}
