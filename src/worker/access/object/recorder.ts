import type { Access } from "../../../protocol/access.ts";
import type { AuditAct, AuditRecord, AuditSource } from "../../storage/access-audit.ts";
import type { StoredSession } from "../../storage/access-sessions.ts";
import type { Proof } from "../proof.ts";

/** A caller that does something which is recorded. */
export interface Acting {
  /** As the worker knows it; it may be some seconds old. */
  readonly access: Access;
  /** What the access was made from; null for callers without credentials. */
  readonly proof: Proof | null;
  readonly source: AuditSource;
}

/** The record of a session that ends because an old secret was shown. Nobody knows which of the two browsers showed it. */
export function copiedSession({ id, userId }: StoredSession): AuditRecord {
  const detail = `user:${userId}, an old secret was shown`;
  return { action: "session_ended", on: id, detail, principal: null, via: null, address: null };
}

/** Writes what a caller did into the audit log, in the turn that does it. */
export type Recorder = (act: AuditAct) => void;
