import type { Access } from "../../protocol/access.ts";
import type { AuditAct, AuditSource } from "../storage/access-audit.ts";

/** A caller that does something which is recorded. */
export interface Acting {
  readonly access: Access;
  readonly source: AuditSource;
}

/** Writes what a caller did into the audit log, in the turn that does it. */
export type Recorder = (act: AuditAct) => void;
