import { type Access, type Cap, isWithin, roleFault } from "../../../protocol/access.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../../protocol/errors.ts";
import { INVITATION_MAX_SECONDS, MAX_OPEN_INVITATIONS } from "../../../protocol/limits.ts";
import type { InvitationTable, StoredInvitation } from "../../storage/access-invitations.ts";
import { NOT_VALID } from "../credentials.ts";

/** An invitation that an admin asks for. The worker has made its id and its text, and keeps the text from the object. */
export interface PlannedInvitation extends Cap {
  readonly id: string;
  readonly hash: string;
  readonly user: { readonly id: string; readonly name: string };
  readonly expiresInMs: number;
}

/** An invitation is remembered for this long after its end, so that its link can say what became of it. */
const REMEMBERED_MS = INVITATION_MAX_SECONDS * 1_000;

/** The invitations of a workspace: who may make them, and that each works once. */
export class Invitations {
  readonly #table: InvitationTable;

  constructor(table: InvitationTable) {
    this.#table = table;
  }

  /** An admin invites to no more than it may do itself. */
  make(access: Access, planned: PlannedInvitation, nowMs: number): Result<StoredInvitation> {
    if (!isWithin(planned, access))
      return refused(refusal("forbidden", "An invitation cannot give more than its maker may do."));
    const open = this.#table.open(nowMs);
    if (open.length >= MAX_OPEN_INVITATIONS) {
      const message = `A workspace has at most ${MAX_OPEN_INVITATIONS} open invitations; withdraw some.`;
      return refused(refusal("limit_reached", message));
    }
    const { expiresInMs, ...rest } = planned;
    const made = {
      ...rest,
      createdAtMs: nowMs,
      createdBy: access.principal.id,
      makerGrants: access.grants.filter(isLasting),
      expiresAtMs: nowMs + expiresInMs,
    };
    this.#table.add(made);
    const { hash: _, ...stored } = made;
    return done({ ...stored, state: "open" });
  }

  /** Those that the caller may withdraw. */
  open(access: Access, nowMs: number): Result<StoredInvitation[]> {
    const fault = roleFault(access, "admin");
    return fault === null
      ? done(this.#table.open(nowMs).filter((one) => isWithin(one, access)))
      : refused(fault);
  }

  /** Null on success. */
  withdraw(access: Access, id: string, nowMs: number): Refusal | null {
    const open = this.open(access, nowMs);
    if (!open.ok) return open.refusal;
    const isThere = open.value.some((one) => one.id === id) && this.#table.close(id, "withdrawn", nowMs);
    return isThere ? null : refusal("not_found", "There is no open invitation with this id.");
  }

  /**
   * The open invitation with this secret. The refusals are sentences for the person with the link. Only a person who knows
   * the secret is told what became of the invitation.
   */
  find(hash: string, nowMs: number): Result<StoredInvitation> {
    const invitation = this.#table.byHash(hash);
    if (invitation === null) return refused(NOT_VALID);
    if (invitation.state === "used") return refused(USED);
    if (invitation.state === "withdrawn") return refused(WITHDRAWN);
    return nowMs < invitation.expiresAtMs ? done(invitation) : refused(EXPIRED);
  }

  /** Forgets old ones. */
  prune(nowMs: number): void {
    this.#table.removeExpiredBefore(nowMs - REMEMBERED_MS);
  }

  use(id: string, nowMs: number): void {
    this.#table.close(id, "used", nowMs);
  }
}

const USED = refusal(
  "forbidden",
  "This link has been used already. Each link works once: ask for a new one.",
);
const EXPIRED = refusal("forbidden", "This link has expired. Ask for a new one.");
export const WITHDRAWN = refusal("forbidden", "This link has been withdrawn. Ask for a new one.");

/** Tokens and browser sessions end by themselves, and the invitations that were made with them do not. */
function isLasting(grant: string): boolean {
  return /^(?:key|user):/.test(grant);
}
