import { type Refusal, refusal } from "../../protocol/errors.ts";
import { ASK_OWNER_AFTER_MS, MAX_FRAME_BYTES, MAX_HELD_BYTES } from "../../protocol/limits.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import { OwnerAnswer } from "../text/held-structs.ts";
import { type ClientIds, refusalOfForeign } from "./client-ids.ts";
import { OwnerInquiries } from "./owner-inquiries.ts";
import type { YjsSession } from "./session.ts";
import type { YjsUpdate } from "./yjs-update.ts";

/** A held update counts this much besides its bytes, for its memory and for the time to look at it after each window. */
const UPDATE_OVERHEAD_BYTES = 2_000;

const TOO_MUCH_IS_HELD = refusal(
  "content_too_large",
  `At most ${MAX_FRAME_BYTES} bytes of updates may wait for the owners of client ids.`,
);
const ROOM_HOLDS_TOO_MUCH = refusal("unavailable", "Too many updates wait for the owners of client ids.");
const NOT_ANSWERED = refusal("unavailable", "The owner of a client id in an update has not answered.");

/** Structs under one client id that an update brings, and their owner has not. */
interface Awaited {
  owner: YjsSession | "resting";
  /** The number of the wait for the owner. */
  wait: number;
  /** The clock behind the structs. */
  readonly end: number;
  /** The owner has them too. */
  isVouched: boolean;
}

interface HeldUpdate {
  readonly update: YjsUpdate;
  /** By client id. */
  readonly awaited: ReadonlyMap<number, Awaited>;
}

/** The outcome of an owner's answer, or of its delay. */
export interface Verdict {
  /** Sessions to be ended. */
  readonly ended: Map<YjsSession, Refusal>;
  /** Sessions that claimed a client id whose owner is there. */
  readonly refusedClaims: YjsSession[];
}

/**
 * Updates with structs under the client id of another live session, which is the authority over that id. They wait until
 * the owner's own frames bring the same structs, as when two editors are also linked peer to peer. If they do not, the
 * owner is asked once, by a sync step 1. What its answer lacks is forged. An owner that is silent has a half-open socket,
 * and gives up its id. Updates of the same sender that build on held ones wait with them.
 *
 * All of it is in memory only. While something waits, there is a timer, so the room does not sleep.
 */
export class HeldUpdates {
  readonly #ids: ClientIds;
  readonly #inquiries = new OwnerInquiries();
  #updates: HeldUpdate[] = [];
  #bytes = 0;
  /** Sessions that claim the id of a live one, the owner, with the number of their wait for it. */
  readonly #claims = new Map<YjsSession, { readonly owner: YjsSession; readonly wait: number }>();
  /** An owner left: some updates may be released. */
  #hasChanged = false;
  /** The earliest end of a rest that something waits for. */
  #restEndsMs: number | null = null;

  constructor(ids: ClientIds) {
    this.#ids = ids;
  }

  get isEmpty(): boolean {
    return this.#updates.length === 0 && this.#inquiries.isEmpty;
  }

  /**
   * @param clocks the clients whose structs wait, each with its clock behind them; null if the update builds on others that
   *   its sender has waiting
   * @returns why the sender must be ended, if it has too much waiting
   */
  hold(update: YjsUpdate, clocks: ReadonlyMap<number, number> | null, nowMs: number): Refusal | null {
    const { session } = update;
    const bytes = sizeOf(update);
    if (session.heldBytes + bytes > MAX_FRAME_BYTES) return TOO_MUCH_IS_HELD;
    if (this.#bytes + bytes > MAX_HELD_BYTES) return ROOM_HOLDS_TOO_MUCH;
    const awaited = clocks === null ? this.#awaitedBy(session) : this.#await(session, clocks, nowMs);
    session.heldBytes += bytes;
    this.#bytes += bytes;
    this.#updates.push({ update, awaited });
    return null;
  }

  /** A released update was judged: it does not count any more, unless it is held again. */
  judged(update: YjsUpdate): void {
    const bytes = sizeOf(update);
    update.session.heldBytes -= bytes;
    this.#bytes -= bytes;
  }

  /** A session claims the client id of a live one by its awareness. */
  claim(session: YjsSession, owner: YjsSession, nowMs: number): void {
    if (this.#claims.get(session)?.owner === owner) return;
    this.#claims.set(session, { owner, wait: this.#inquiries.await(owner, nowMs) });
  }

  /** Asks a session whether it is still there. */
  probe(owner: YjsSession, nowMs: number): void {
    this.#inquiries.probe(owner, nowMs);
  }

  /**
   * A session has answered a sync step 1. Its answer is in the document, as far as it could be applied.
   *
   * @param update the sync step 2
   */
  answered(
    { session: owner, update: answer, number }: YjsUpdate,
    text: FragmentText,
    nowMs: number,
  ): Verdict {
    const verdict: Verdict = { ended: new Map(), refusedClaims: [] };
    const lastWait = this.#inquiries.answered(owner, number, nowMs);
    if (lastWait === null) return verdict;
    const own = new OwnerAnswer(answer);
    for (const { update, awaited } of this.#updates) {
      if (verdict.ended.has(update.session)) continue;
      for (const [clientId, structs] of awaited) {
        if (structs.owner !== owner || structs.wait > lastWait) continue;
        const known = text.clockOf(clientId);
        if (known >= structs.end) continue;
        structs.isVouched ||= own.holds(update.update, clientId, known);
        if (!structs.isVouched) verdict.ended.set(update.session, refusalOfForeign(update.session));
      }
    }
    this.#refuseClaims(owner, lastWait, verdict);
    return verdict;
  }

  /** The updates that need not wait any more, to be judged again. */
  release(text: FragmentText, nowMs: number): YjsUpdate[] {
    this.#hasChanged = false;
    this.#restEndsMs = null;
    const released: YjsUpdate[] = [];
    this.#updates = this.#updates.filter(({ update, awaited }) => {
      const vouched = new Set<number>();
      let isFree = true;
      for (const [clientId, structs] of awaited) {
        const authority = this.#ids.authorityOver(clientId, update.session, nowMs);
        if (structs.isVouched) vouched.add(clientId);
        else if (authority !== null && text.clockOf(clientId) < structs.end) {
          isFree = false;
          if (authority === "resting" || authority !== structs.owner)
            this.#waitFor(structs, authority, clientId, nowMs);
        }
      }
      if (isFree) released.push({ ...update, isReleased: true, vouched });
      return !isFree;
    });
    return released;
  }

  /** Whether an owner has left, or a rest has ended, since the last `release`. */
  hasChanged(nowMs: number): boolean {
    return this.#hasChanged || (this.#restEndsMs !== null && nowMs >= this.#restEndsMs);
  }

  /** Drops what a session has waiting, since it was ended for what it sent. */
  drop(session: YjsSession): void {
    if (session.heldBytes === 0) return;
    this.#updates = this.#updates.filter(({ update }) => {
      if (update.session !== session) return true;
      this.judged(update);
      return false;
    });
  }

  /** The fragment was deleted. */
  clear(): void {
    for (const { update } of this.#updates) this.judged(update);
    this.#updates = [];
    this.#inquiries.clear();
    this.#claims.clear();
    this.#hasChanged = false;
    this.#restEndsMs = null;
  }

  /** A session has left. What it brought still waits. Returns those that claim its client id, in order. */
  left(session: YjsSession): YjsSession[] {
    this.#inquiries.forget(session);
    this.#claims.delete(session);
    this.#hasChanged ||= this.#updates.length > 0;
    const claimants: YjsSession[] = [];
    for (const [claimant, { owner }] of this.#claims) {
      if (owner !== session) continue;
      claimants.push(claimant);
      this.#claims.delete(claimant);
    }
    return claimants;
  }

  /** When to call `run`; null if nothing waits. */
  dueAt(nowMs: number): number | null {
    if (this.#hasChanged) return nowMs;
    const askMs = this.#inquiries.dueAtMs;
    if (this.#restEndsMs === null) return askMs;
    return Math.min(askMs ?? this.#restEndsMs, this.#restEndsMs);
  }

  /**
   * Asks the owners whose time has come, and finds those that are silent. An owner that is there and does not answer keeps
   * its word; those who wait for it must come again.
   *
   * @param ask sends a sync step 1, and returns its number
   */
  run(ask: (owner: YjsSession) => number, nowMs: number): Verdict & { readonly silent: YjsSession[] } {
    const verdict: Verdict = { ended: new Map(), refusedClaims: [] };
    const { silent, late } = this.#inquiries.run(ask, (owner) => this.#isAwaited(owner), nowMs);
    for (const { owner, lastWait } of late) {
      for (const { update, awaited } of this.#updates) {
        for (const structs of awaited.values())
          if (structs.owner === owner && structs.wait <= lastWait)
            verdict.ended.set(update.session, NOT_ANSWERED);
      }
      this.#refuseClaims(owner, lastWait, verdict);
    }
    return { ...verdict, silent };
  }

  #refuseClaims(owner: YjsSession, lastWait: number, { refusedClaims }: Verdict): void {
    for (const [claimant, claim] of this.#claims) {
      if (claim.owner !== owner || claim.wait > lastWait) continue;
      this.#claims.delete(claimant);
      refusedClaims.push(claimant);
    }
  }

  #await(session: YjsSession, clocks: ReadonlyMap<number, number>, nowMs: number): Map<number, Awaited> {
    const awaited = new Map<number, Awaited>();
    for (const [clientId, end] of clocks) {
      const owner = this.#ids.authorityOver(clientId, session, nowMs);
      if (owner === null) continue;
      const structs: Awaited = { owner, wait: 0, end, isVouched: false };
      this.#waitFor(structs, owner, clientId, nowMs);
      awaited.set(clientId, structs);
    }
    return awaited;
  }

  /** An owner that has just left may come back, and say then what is its own. */
  #waitFor(structs: Awaited, owner: YjsSession | "resting", clientId: number, nowMs: number): void {
    structs.owner = owner;
    if (owner === "resting") {
      const endsMs = this.#ids.restEndsMs(clientId, nowMs) ?? nowMs;
      this.#restEndsMs = Math.min(this.#restEndsMs ?? endsMs, endsMs);
    } else structs.wait = this.#inquiries.await(owner, nowMs + ASK_OWNER_AFTER_MS);
  }

  /** All that the updates of a session wait for. */
  #awaitedBy(session: YjsSession): Map<number, Awaited> {
    const all = new Map<number, Awaited>();
    for (const { update, awaited } of this.#updates) {
      if (update.session !== session) continue;
      for (const [clientId, structs] of awaited) {
        if (structs.end > (all.get(clientId)?.end ?? 0)) all.set(clientId, structs);
      }
    }
    return all;
  }

  #isAwaited(owner: YjsSession): boolean {
    for (const claim of this.#claims.values()) if (claim.owner === owner) return true;
    return this.#updates.some(({ awaited }) => [...awaited.values()].some((one) => one.owner === owner));
  }
}

function sizeOf({ update }: YjsUpdate): number {
  return update.length + UPDATE_OVERHEAD_BYTES;
}
