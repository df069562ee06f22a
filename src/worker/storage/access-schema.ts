import { AUDIT_TABLES } from "./access-audit.ts";
import type { Schema } from "./migrations.ts";

/** The tables of a workspace's AccessObject. Times are milliseconds since 1970. */
export const ACCESS_SCHEMA: Schema = {
  tables: `${AUDIT_TABLES}
   CREATE TABLE access_key (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     -- SHA-256 of the key's text; the text is stored nowhere.
     hash TEXT NOT NULL UNIQUE,
     name TEXT NOT NULL,
     role TEXT NOT NULL,
     -- JSON; null: all fragments.
     prefixes TEXT,
     created_at_ms INTEGER NOT NULL,
     -- The id of a principal.
     created_by TEXT NOT NULL,
     expires_at_ms INTEGER,
     -- The day since 1970 on which it was last used.
     used_on INTEGER
   );
   CREATE TABLE access_user (
     id TEXT PRIMARY KEY,
     name TEXT,
     -- Its cap; null: as its credentials say.
     role TEXT,
     is_blocked INTEGER NOT NULL,
     -- Credentials that were made until then have ended.
     ended_at_ms INTEGER,
     seen_on INTEGER
   ) WITHOUT ROWID;
   CREATE TABLE invitation (
     id TEXT PRIMARY KEY,
     -- SHA-256 of the text in the link; the text is stored nowhere.
     hash TEXT NOT NULL UNIQUE,
     user_id TEXT NOT NULL,
     user_name TEXT NOT NULL,
     role TEXT NOT NULL,
     prefixes TEXT,
     created_at_ms INTEGER NOT NULL,
     created_by TEXT NOT NULL,
     -- JSON: the keys and users that its maker stood on.
     maker_grants TEXT NOT NULL,
     expires_at_ms INTEGER NOT NULL,
     -- open, used or withdrawn
     state TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE browser_session (
     id TEXT PRIMARY KEY,
     user_id TEXT NOT NULL,
     -- SHA-256 of the secret in the cookie, and of the one before; the secrets are stored nowhere.
     hash TEXT NOT NULL,
     previous_hash TEXT,
     renewed_at_ms INTEGER NOT NULL,
     -- When the present secret was first shown.
     confirmed_at_ms INTEGER,
     role TEXT NOT NULL,
     prefixes TEXT,
     browser TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     seen_at_ms INTEGER NOT NULL,
     expires_at_ms INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX browser_session_by_user ON browser_session (user_id);
   -- Tokens that were ended before they expired.
   CREATE TABLE ended_token (id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
   -- Where sockets may be open that stand on a grant.
   CREATE TABLE socket_note (
     grant_id TEXT, fragment TEXT, at_ms INTEGER NOT NULL, PRIMARY KEY (grant_id, fragment)
   ) WITHOUT ROWID;
   -- Grants that were changed, and how far their fragments were told (access-changes.ts).
   CREATE TABLE changed_grant (
     grant_id TEXT PRIMARY KEY,
     rounds INTEGER NOT NULL,
     after_fragment TEXT NOT NULL,
     has_failed INTEGER NOT NULL,
     at_ms INTEGER NOT NULL
   ) WITHOUT ROWID;
   -- What the object's one alarm is for.
   CREATE TABLE due (kind TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;`,
  migrations: [],
};

/** The table of the directory of workspaces. */
export const DIRECTORY_SCHEMA: Schema = {
  tables: "CREATE TABLE workspace (name TEXT PRIMARY KEY, created_at_ms INTEGER NOT NULL) WITHOUT ROWID;",
  migrations: [],
};
