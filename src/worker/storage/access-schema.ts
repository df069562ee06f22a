import { AUDIT_TABLES } from "./access-audit.ts";
import type { Schema } from "./migrations.ts";

/** The tables of a workspace's AccessObject. */
export const ACCESS_SCHEMA: Schema = {
  tables: `${AUDIT_TABLES}
   -- What the object's one alarm is for.
   CREATE TABLE due (kind TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;`,
  migrations: [],
};
