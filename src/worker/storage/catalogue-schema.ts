import type { Schema } from "./migrations.ts";

const ANNOUNCED =
  "CREATE TABLE announced (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;";

/** Plain names for two tables. */
const RENAME = `ALTER TABLE announced RENAME TO awaited;
  UPDATE due SET kind = 'awaited' WHERE kind = 'announced';
  ALTER TABLE editing RENAME TO open_sessions;`;

const COMPLETENESS = `-- Whether all fragments are known (known-ids.ts), and a name by which this catalogue is told from others.
   CREATE TABLE completeness (
     singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
     catalogue TEXT NOT NULL,
     state TEXT NOT NULL
   );
   -- No statement of this object deletes a row.
   CREATE TRIGGER fragment_is_lost AFTER DELETE ON fragment BEGIN
     UPDATE completeness SET state = 'incomplete' WHERE state = 'complete';
   END;
   INSERT INTO completeness (singleton, catalogue, state) VALUES (1, hex(randomblob(16)), `;

/** The stored form has changed: this begins a rebuild, which the object goes on with. */
const REBUILD = `INSERT OR REPLACE INTO rebuild (singleton, cursor, done, total, repaired, started_at_ms)
  SELECT 1, '', 0, count(*), 0, 1000 * unixepoch() FROM fragment;`;

/** The index holds folded words and no text. The texts for excerpts are in a table beside it (word-index.ts). */
const WORDS = `CREATE VIRTUAL TABLE words USING fts5 (
     id, description, tags, content,
     content = '', contentless_delete = 1, tokenize = 'ascii'
   );
   CREATE TABLE content (number INTEGER PRIMARY KEY, text TEXT NOT NULL);`;

/** The object indexes the texts of the old index anew, in steps, and drops it. */
const MOVE_WORDS = `ALTER TABLE words RENAME TO old_words; ${WORDS}`;

/**
 * The tables of a workspace's catalogue. All of it is derived from the fragments; `POST /v1/catalogue/rebuild` makes
 * it anew from them.
 */
export const CATALOGUE_SCHEMA: Schema = {
  tables: `CREATE TABLE fragment (
     -- Also the row of its words.
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     -- Counts the changes of the catalogue; the number of a row's own last one, and of its creation; of a renamed
     -- fragment, of its deletion.
     seq INTEGER NOT NULL,
     created_seq INTEGER NOT NULL,
     -- Of the fragment. What is older than this changes nothing, so a deleted fragment keeps its row.
     revision INTEGER NOT NULL,
     is_deleted INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     updated_at_ms INTEGER NOT NULL,
     description TEXT NOT NULL,
     -- JSON, as the fragment has them; and what it includes, sorted.
     tags TEXT NOT NULL,
     includes TEXT NOT NULL,
     prompt_type TEXT NOT NULL,
     size INTEGER NOT NULL,
     -- The beginning of the content, for lists.
     excerpt TEXT NOT NULL,
     -- Of a deleted fragment: the id under which it lives on.
     renamed_to TEXT
   );
   CREATE UNIQUE INDEX fragment_by_seq ON fragment (seq);
   -- The newest first is how a list begins, and to count one it is enough to read this.
   CREATE INDEX fragment_by_time ON fragment (updated_at_ms, id) WHERE is_deleted = 0;
   -- Who includes whom. The target need not exist.
   CREATE TABLE inclusion (target TEXT, source TEXT, PRIMARY KEY (target, source)) WITHOUT ROWID;
   ${WORDS}
   -- The sessions that have a fragment open, as last told; no row: none.
   CREATE TABLE open_sessions (id TEXT PRIMARY KEY, sessions INTEGER NOT NULL, editors TEXT NOT NULL) WITHOUT ROWID;
   -- The last rebuild, and what it was told to ask besides what is known. Times are null until then.
   CREATE TABLE rebuild (
     singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
     cursor TEXT NOT NULL,
     done INTEGER NOT NULL,
     total INTEGER NOT NULL,
     repaired INTEGER NOT NULL,
     started_at_ms INTEGER NOT NULL,
     finished_at_ms INTEGER
   );
   CREATE TABLE rebuild_id (id TEXT PRIMARY KEY) WITHOUT ROWID;
   -- What the object's one alarm is for.
   CREATE TABLE due (kind TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
   -- Fragments that are to be asked if no update of this revision arrives, and since when they are awaited.
   CREATE TABLE awaited (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
   ${COMPLETENESS}'new');`,
  migrations: [ANNOUNCED, REBUILD, REBUILD, RENAME, `${COMPLETENESS}'old'); ${REBUILD}`, MOVE_WORDS],
};
