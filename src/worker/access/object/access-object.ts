import { DurableObject } from "cloudflare:workers";
import type { FragmentId } from "../../../language/fragment-id.ts";
import type { Access, Workspace } from "../../../protocol/access.ts";
import type { AuditPage, AuditQuery } from "../../../protocol/audit.ts";
import { done, type Refusal, type Result } from "../../../protocol/errors.ts";
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
import { catalogueStub, fragmentStub } from "../../addresses.ts";
import type { AuditRecord, AuditSource, RepeatedRecord } from "../../storage/access-audit.ts";
import type { StoredInvitation } from "../../storage/access-invitations.ts";
import type { SocketNotes } from "../../storage/access-notes.ts";
import type { StoredSession } from "../../storage/access-sessions.ts";
import { openAccessTables } from "../../storage/access-tables.ts";
import type { AlarmTable } from "../../storage/alarm-table.ts";
import type { Proof } from "../proof.ts";
import { Admission } from "./admission.ts";
import { AuditLog } from "./audit-log.ts";
import { BrowserSessions, type NewSession } from "./browser-sessions.ts";
import { ChangeTeller } from "./change-teller.ts";
import { DAY_MS } from "./days.ts";
import { Invitations, type PlannedInvitation } from "./invitations.ts";
import { KeyCalls } from "./key-calls.ts";
import { PeopleCalls, type SignedIn } from "./people-calls.ts";
import { Pruning } from "./pruning.ts";
import { type Acting, copiedSession, type Recorder } from "./recorder.ts";
import { UserCalls } from "./user-calls.ts";

/**
 * The keys, users, invitations and browser sessions of one workspace, and its audit log. It is called only for a workspace
 * that exists (directory-object.ts), or that an open server gives to everybody.
 */
export class AccessObject extends DurableObject<Env> {
  readonly #workspace: Workspace;
  readonly #admission: Admission;
  readonly #keys: KeyCalls;
  readonly #users: UserCalls;
  readonly #pruning: Pruning;
  readonly #teller: ChangeTeller;
  readonly #notes: SocketNotes;
  readonly #people: PeopleCalls;
  readonly #audit: AuditLog;
  readonly #alarms: AlarmTable<"audit" | "tell" | "prune">;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { keys, users, endedTokens, notes, changes, ...tables } = openAccessTables(ctx.storage);
    this.#alarms = tables.alarms;
    this.#audit = new AuditLog(tables.audit, (timeMs) => this.#alarms.ensure("audit", timeMs));
    this.#notes = notes;
    const sessions = new BrowserSessions(tables.sessions, {
      hasEnded: (id) => this.#teller.changed(`session:${id}`),
      wasCopied: (session) => this.#audit.add(copiedSession(session)),
    });
    const invitations = new Invitations(tables.invitations);
    this.#admission = new Admission({ keys, users, endedTokens, sessions });
    const workspace = (ctx.id.name ?? "") as Workspace; // accessStub names it
    this.#workspace = workspace;
    this.#teller = new ChangeTeller({
      notes,
      changes,
      capOf: (grant) => this.#admission.capOf(grant, Date.now()),
      tellFragment: (id, change) => fragmentStub(env, workspace, id as FragmentId).accessChanged(change), // a socket's
      tellCatalogue: (change) => catalogueStub(env, workspace).accessChanged(change),
      ringAt: (timeMs) => this.#alarms.ensure("tell", timeMs),
      report: (problem, error) => console.error(`access of ${workspace}: ${problem}`, error),
    });
    this.#keys = new KeyCalls({ keys, teller: this.#teller });
    this.#users = new UserCalls({ users, endedTokens, teller: this.#teller });
    this.#people = new PeopleCalls({
      ...{ users, sessions, invitations, admission: this.#admission },
      recorder: (source) => this.#recorder(source),
    });
    this.#pruning = new Pruning({ keys, users, endedTokens, notes, invitations, sessions });
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
    return this.#keys.list(this.#own(access), query);
  }

  makeKey(acting: Acting, fields: KeyCreate): Promise<Result<NewKey>> {
    return this.#change(acting, (access, record) => this.#keys.make(access, fields, record));
  }

  changeKey(acting: Acting, id: string, fields: KeyPatch): Promise<Result<Key>> {
    return this.#change(acting, (access, record) => this.#keys.change(access, id, fields, record));
  }

  revokeKey(acting: Acting, id: string): Promise<Refusal | null> {
    return this.#end(acting, (access, record) => this.#keys.revoke(access, id, record));
  }

  listUsers(access: Access, query: UsersQuery): Result<UserPage> {
    return this.#users.list(this.#own(access), query);
  }

  putUser(acting: Acting, id: string, fields: UserPut): Promise<Result<User>> {
    return this.#change(acting, (access, record) => this.#users.put(access, id, fields, record));
  }

  blockUser(acting: Acting, id: string): Promise<Refusal | null> {
    return this.#end(acting, (access, record) => this.#users.block(access, id, record));
  }

  endToken(acting: Acting, id: string): Promise<Refusal | null> {
    return this.#end(acting, (access, record) => this.#users.endToken(access, id, record));
  }

  invite(acting: Acting, planned: PlannedInvitation): Promise<Result<StoredInvitation>> {
    return this.#change(acting, (access, record) => this.#people.invite(access, planned, record));
  }

  listInvitations(access: Access): Result<StoredInvitation[]> {
    return this.#people.listInvitations(this.#own(access));
  }

  withdrawInvitation(acting: Acting, id: string): Promise<Refusal | null> {
    return this.#end(acting, (access, record) => this.#people.withdrawInvitation(access, id, record));
  }

  signIn(hash: string, session: NewSession, address: AuditSource["address"]): Result<SignedIn> {
    return this.#people.signIn(hash, session, address);
  }

  signOut(
    id: string,
    hash: string,
    which: "this" | "all",
    address: AuditSource["address"],
  ): Promise<Refusal | null> {
    return this.#people.signOut(id, hash, which, address);
  }

  renewSession(id: string, hash: string, nextHash: string): number | null {
    return this.#people.renewSession(id, hash, nextHash);
  }

  listSessions(access: Access, userId: string | null): Result<StoredSession[]> {
    return this.#people.listSessions(this.#own(access), userId);
  }

  endSession(acting: Acting, id: string): Promise<Refusal | null> {
    return this.#end(acting, (access, record) => this.#people.endSession(access, id, record));
  }

  endSessions(acting: Acting, userId: string | null): Promise<Refusal | null> {
    return this.#end(acting, (access, record) => this.#people.endSessions(access, userId, record));
  }

  record(record: AuditRecord): void {
    this.#audit.add(record);
  }

  recordRepeated(records: readonly RepeatedRecord[]): void {
    this.#audit.addRepeated(records);
  }

  auditLog(access: Access, query: AuditQuery): Result<AuditPage> {
    return this.#audit.page(this.#own(access), query);
  }

  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    const due = this.#alarms.rung(nowMs);
    if (due.includes("audit")) this.#audit.prune(nowMs);
    if (due.includes("prune")) {
      this.#pruning.run(nowMs);
      this.#alarms.ensure("prune", nowMs + DAY_MS);
    }
    if (due.includes("tell")) await this.#teller.ring(nowMs);
  }

  async #change<T>(acting: Acting, change: Act<Result<T>>): Promise<Result<T>> {
    const access = this.#accessNow(acting);
    return access.ok ? change(access.value, this.#recorder(acting.source)) : access;
  }

  async #end(acting: Acting, end: Act<Refusal | null>): Promise<Refusal | null> {
    const access = this.#accessNow(acting);
    return access.ok ? end(access.value, this.#recorder(acting.source)) : access.refusal;
  }

  /**
   * The access of a caller that changes who may come in. The worker may have checked it some seconds ago, and somebody
   * who was just revoked must not make a new key, or invite anybody.
   */
  #accessNow({ access, proof }: Acting): Result<Access> {
    const own = this.#own(access);
    return proof === null ? done(own) : this.#admission.admit(proof, Date.now());
  }

  /** @throws if the caller belongs to another workspace: somebody made a wrong address */
  #own(access: Access): Access {
    if (access.workspace !== this.#workspace) throw new Error("the caller belongs to another workspace");
    return access;
  }

  #recorder(source: AuditSource): Recorder {
    return (act) => this.#audit.add({ ...source, ...act });
  }
}

/** Does something for a caller, and records it. */
type Act<T> = (access: Access, record: Recorder) => T | Promise<T>;
