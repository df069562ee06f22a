import type { Schema } from "./migrations.ts";

const AUTHORS = `-- Who wrote the commits that have left the log (core/history/author-archive.ts), in chunks.
   CREATE TABLE authors (
     -- The first and the last revision in the chunk.
     from_revision INTEGER PRIMARY KEY,
     to_revision INTEGER NOT NULL,
     level INTEGER NOT NULL,
     format INTEGER NOT NULL,
     checksum INTEGER NOT NULL,
     data BLOB NOT NULL
   );`;

/**
 * The tables of one fragment.
 *
 * Each commit costs one row written. So the log has no index besides its rowid, and everything that would need one is
 * kept inside the rows.
 */
export const FRAGMENT_SCHEMA: Schema = {
  tables: `${AUTHORS}
   CREATE TABLE fragment (
     -- One row: the life of this id.
     singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
     generation INTEGER NOT NULL,
     is_deleted INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     -- Of the snapshot, or of the deletion; later commits are in the log.
     updated_at_ms INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     server_client_id INTEGER NOT NULL,
     -- The last revision that the catalogue is known to have, with its text, or to ask for.
     delivered_revision INTEGER NOT NULL DEFAULT 0
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
  migrations: ["ALTER TABLE fragment ADD COLUMN delivered_revision INTEGER NOT NULL DEFAULT 0", AUTHORS],
};
