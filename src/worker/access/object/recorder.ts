import type { Access } from "../../../protocol/access.ts";
import type { AuditAct, AuditSource } from "../../storage/access-audit.ts";
import type { Proof } from "../proof.ts";

/** A caller that does something which is recorded. */
export interface Acting {
  /** As the worker knows it; it may be some seconds old. */
  readonly access: Access;
  /** What the access was made from; null for callers without credentials. */
  readonly proof: Proof | null;
  readonly source: AuditSource;
}

/** Writes what a caller did into the audit log, in the turn that does it. */
export type Recorder = (act: AuditAct) => void;
