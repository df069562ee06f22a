import { DurableObject } from "cloudflare:workers";
import type { FragmentId } from "../../../language/fragment-id.ts";
import { type Access, roleFault, type Workspace } from "../../../protocol/access.ts";
import type { AuditPage, AuditQuery } from "../../../protocol/audit.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../../protocol/errors.ts";
import type {
  Key,
  KeyCreate,
  KeyPage,
  KeyPatch,
  KeysQuery,
  NewKey,
  User,
  UserPage,
  UserPut,
  UsersQuery,
} from "../../../protocol/principals.ts";
import { catalogueStub, directoryStub, fragmentStub } from "../../addresses.ts";
import {
  type AuditRecord,
  type AuditSource,
  AuditTable,
  type RepeatedRecord,
} from "../../storage/access-audit.ts";
import { ChangedGrants } from "../../storage/access-changes.ts";
import { EndedTokenTable } from "../../storage/access-ended-tokens.ts";
import { InvitationTable, type StoredInvitation } from "../../storage/access-invitations.ts";
import { KeyTable } from "../../storage/access-keys.ts";
import { SocketNotes } from "../../storage/access-notes.ts";
import { ACCESS_SCHEMA } from "../../storage/access-schema.ts";
import { SessionTable, type StoredSession } from "../../storage/access-sessions.ts";
import { UserTable } from "../../storage/access-users.ts";
import { AlarmTable } from "../../storage/alarm-table.ts";
import { migrate, schemaVersion } from "../../storage/migrations.ts";
import type { Proof } from "../proof.ts";
import { type AccessTables, Admission } from "./admission.ts";
import { BrowserSessions, type NewSession } from "./browser-sessions.ts";
import { ChangeTeller } from "./change-teller.ts";
import { DAY_MS } from "./days.ts";
import { Invitations, type PlannedInvitation } from "./invitations.ts";
import { KeyCalls } from "./key-calls.ts";
import { PeopleCalls, type SignedIn } from "./people-calls.ts";
import { Pruning } from "./pruning.ts";
import type { Acting, Recorder } from "./recorder.ts";
import { UserCalls } from "./user-calls.ts";

/**
 * What one workspace knows of those who may come in, and its audit log. It is called only for a workspace that exists
 * (directory-object.ts), or that an open server gives to everybody.
 */
export class AccessObject extends DurableObject<Env> {
  readonly #admission: Admission;
  readonly #keys: KeyCalls;
  readonly #users: UserCalls;
  readonly #pruning: Pruning;
  readonly #teller: ChangeTeller;
  readonly #notes: SocketNotes;
  readonly #people: PeopleCalls;
  readonly #audit: AuditTable;
  readonly #alarms: AlarmTable<"audit" | "tell" | "prune">;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    storage.transactionSync(() => migrate(storage.sql, ACCESS_SCHEMA, schemaVersion(storage.sql)));
    this.#audit = new AuditTable(storage);
    this.#alarms = new AlarmTable(storage);
    this.#notes = new SocketNotes(storage);
    const tables: AccessTables = {
      keys: new KeyTable(storage),
      users: new UserTable(storage),
      endedTokens: new EndedTokenTable(storage),
      sessions: new BrowserSessions(new SessionTable(storage), (id) => this.#teller.changed(`session:${id}`)),
    };
    this.#admission = new Admission(tables);
    const workspace = (ctx.id.name ?? "") as Workspace; // accessStub names it
    this.#teller = new ChangeTeller({
      notes: this.#notes,
      changes: new ChangedGrants(storage),
      capOf: (grant) => this.#admission.capOf(grant, Date.now()),
      tellFragment: (id, change) => fragmentStub(env, workspace, id as FragmentId).accessChanged(change), // a socket's
      tellCatalogue: (change) => catalogueStub(env, workspace).accessChanged(change),
      ringAt: (timeMs) => this.#alarms.ensure("tell", timeMs),
      report: (problem, error) => console.error(`access of ${workspace}: ${problem}`, error),
    });
    this.#keys = new KeyCalls({
      ...tables,
      teller: this.#teller,
      addWorkspace: () => directoryStub(env).add(workspace),
    });
    this.#users = new UserCalls({ ...tables, teller: this.#teller });
    const invitations = new Invitations(new InvitationTable(storage));
    this.#people = new PeopleCalls({
      ...tables,
      invitations,
      admission: this.#admission,
      recorder: (source) => this.#recorder(source),
    });
    this.#pruning = new Pruning({ ...tables, invitations, notes: this.#notes });
  }

  /**
   * What the proof is worth now.
   *
   * @param fragment a socket is about to join it: it is told when something changes that the access stands on
   */
  admit(proof: Proof, fragment: string | null): Result<Access> {
    const nowMs = Date.now();
    const admitted = this.#admission.admit(proof, nowMs);
    if (!admitted.ok) return admitted;
    if (fragment !== null) this.#notes.add(admitted.value.grants, fragment, nowMs);
    this.#alarms.ensure("prune", nowMs + DAY_MS);
    return admitted;
  }

  listKeys(access: Access, query: KeysQuery): Result<KeyPage> {
    return this.#keys.list(access, query);
  }

  async makeKey(acting: Acting, fields: KeyCreate): Promise<Result<NewKey>> {
    const access = this.#accessNow(acting);
    return access.ok ? this.#keys.make(access.value, fields, this.#recorder(acting.source)) : access;
  }

  async changeKey(acting: Acting, id: string, fields: KeyPatch): Promise<Result<Key>> {
    const access = this.#accessNow(acting);
    return access.ok ? this.#keys.change(access.value, id, fields, this.#recorder(acting.source)) : access;
  }

  async revokeKey(acting: Acting, id: string): Promise<Refusal | null> {
    const access = this.#accessNow(acting);
    return access.ok ? this.#keys.revoke(access.value, id, this.#recorder(acting.source)) : access.refusal;
  }

  listUsers(access: Access, query: UsersQuery): Result<UserPage> {
    return this.#users.list(access, query);
  }

  async putUser(acting: Acting, id: string, fields: UserPut): Promise<Result<User>> {
    const access = this.#accessNow(acting);
    return access.ok ? this.#users.put(access.value, id, fields, this.#recorder(acting.source)) : access;
  }

  async blockUser(acting: Acting, id: string): Promise<Refusal | null> {
    const access = this.#accessNow(acting);
    return access.ok ? this.#users.block(access.value, id, this.#recorder(acting.source)) : access.refusal;
  }

  async endToken(acting: Acting, id: string): Promise<Refusal | null> {
    const access = this.#accessNow(acting);
    return access.ok ? this.#users.endToken(access.value, id, this.#recorder(acting.source)) : access.refusal;
  }

  invite({ access, source }: Acting, planned: PlannedInvitation): Result<StoredInvitation> {
    return this.#people.invite(access, planned, this.#recorder(source));
  }

  listInvitations(access: Access): Result<StoredInvitation[]> {
    return this.#people.listInvitations(access);
  }

  withdrawInvitation({ access, source }: Acting, id: string): Refusal | null {
    return this.#people.withdrawInvitation(access, id, this.#recorder(source));
  }

  signIn(hash: string, session: NewSession, address: AuditSource["address"]): Result<SignedIn> {
    return this.#people.signIn(hash, session, address);
  }

  signOut(id: string, hash: string, which: "this" | "all", address: AuditSource["address"]): Promise<void> {
    return this.#people.signOut(id, hash, which, address);
  }

  renewSession(id: string, hash: string, nextHash: string): number | null {
    return this.#people.renewSession(id, hash, nextHash);
  }

  listSessions(access: Access, userId: string | null): Result<StoredSession[]> {
    return this.#people.listSessions(access, userId);
  }

  endSession({ access, source }: Acting, id: string): Promise<Refusal | null> {
    return this.#people.endSession(access, id, this.#recorder(source));
  }

  endSessions({ access, source }: Acting, userId: string | null): Promise<Refusal | null> {
    return this.#people.endSessions(access, userId, this.#recorder(source));
  }

  /** Adds an entry to the audit log. */
  record(record: AuditRecord): void {
    const nowMs = Date.now();
    this.#audit.add(record, nowMs);
    this.#alarms.ensure("audit", nowMs + DAY_MS);
  }

  /** Adds repetitions to the audit log, each to the entry of its minute. */
  recordRepeated(records: readonly RepeatedRecord[]): void {
    this.#audit.addRepeated(records);
    this.#alarms.ensure("audit", Date.now() + DAY_MS);
  }

  /** A page of the audit log. It names ids of all fragments, so an access to some of them is not enough. */
  auditLog(access: Access, query: AuditQuery): Result<AuditPage> {
    const fault = roleFault(access, "admin");
    if (fault !== null) return refused(fault);
    if (access.prefixes !== null)
      return refused(refusal("forbidden", "The audit log is for those who may read every fragment."));
    return done(this.#audit.page(query));
  }

  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    const due = this.#alarms.rung(nowMs);
    if (due.includes("audit")) this.#alarms.ensure("audit", nowMs + (this.#audit.prune(nowMs) ? DAY_MS : 0));
    if (due.includes("prune")) {
      this.#pruning.run(nowMs);
      this.#alarms.ensure("prune", nowMs + DAY_MS);
    }
    if (due.includes("tell")) await this.#teller.ring(nowMs);
  }

  /**
   * The access of a caller that changes who may come in. The worker may have checked it some seconds ago, and somebody
   * who was just revoked must not make a new key for itself.
   */
  #accessNow({ access, proof }: Acting): Result<Access> {
    return proof === null ? done(access) : this.#admission.admit(proof, Date.now());
  }

  #recorder(source: AuditSource): Recorder {
    return (act) => this.record({ ...source, ...act });
  }
}
