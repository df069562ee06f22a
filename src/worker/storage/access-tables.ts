import { AuditTable } from "./access-audit.ts";
import { ChangedGrants } from "./access-changes.ts";
import { EndedTokenTable } from "./access-ended-tokens.ts";
import { InvitationTable } from "./access-invitations.ts";
import { KeyTable } from "./access-keys.ts";
import { SocketNotes } from "./access-notes.ts";
import { ACCESS_SCHEMA } from "./access-schema.ts";
import { SessionTable } from "./access-sessions.ts";
import { UserTable } from "./access-users.ts";
import { AlarmTable } from "./alarm-table.ts";
import { migrate, schemaVersion } from "./migrations.ts";

/** All tables of an AccessObject. Makes them, or brings those of an earlier release up to date. */
export function openAccessTables(storage: DurableObjectStorage) {
  storage.transactionSync(() => migrate(storage.sql, ACCESS_SCHEMA, schemaVersion(storage.sql)));
  return {
    keys: new KeyTable(storage),
    users: new UserTable(storage),
    endedTokens: new EndedTokenTable(storage),
    invitations: new InvitationTable(storage),
    sessions: new SessionTable(storage),
    notes: new SocketNotes(storage),
    changes: new ChangedGrants(storage),
    audit: new AuditTable(storage),
    alarms: new AlarmTable<"audit" | "tell" | "prune">(storage),
  };
}
