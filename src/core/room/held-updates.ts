import { type Refusal, refusal } from "../../protocol/errors.ts";
import {
  ASK_OWNER_AFTER_MS,
  MAX_FRAME_BYTES,
  MAX_HELD_BYTES,
  OWNER_ANSWER_MS,
  OWNER_SILENCE_MS,
} from "../../protocol/limits.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import { OwnerAnswer } from "../text/held-structs.ts";
import { type ClientIds, FORGED } from "./client-ids.ts";
import type { YjsSession } from "./session.ts";
import type { YjsUpdate } from "./yjs-update.ts";

/** What one held update counts besides its bytes: its memory, and the time to look at it after each window. */
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
  /** Counts up with each wait for an owner: a question is about those before it. */
  seq: number;
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

/** What is asked of one owner. */
interface Inquiry {
  /** When to ask; null: there is nothing to ask, or a question is open. */
  askAtMs: number | null;
  /** The sync step 1 that is not answered yet, its time, and the last wait that it is about. */
  question: { readonly number: number; readonly atMs: number; readonly lastSeq: number } | null;
  lastSeq: number;
  /** It is asked even if nothing waits for it by then. */
  isProbe: boolean;
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
  #updates: HeldUpdate[] = [];
  #bytes = 0;
  #seq = 0;
  readonly #inquiries = new Map<YjsSession, Inquiry>();
  /** Sessions that claim the id of a live one: the owner whom the claim waits for. */
  readonly #claims = new Map<YjsSession, { readonly owner: YjsSession; readonly seq: number }>();
  /** An owner left: some updates may be released. */
  #hasChanged = false;
  /** The earliest end of a rest that something waits for. */
  #restEndsMs: number | null = null;

  constructor(ids: ClientIds) {
    this.#ids = ids;
  }

  get isEmpty(): boolean {
    return this.#updates.length === 0 && this.#inquiries.size === 0;
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
    this.#claims.set(session, { owner, seq: ++this.#seq });
    this.#inquire(owner, this.#seq, nowMs);
  }

  /** Asks a session whether it is still there. */
  probe(owner: YjsSession, nowMs: number): void {
    this.#inquire(owner, ++this.#seq, nowMs).isProbe = true;
  }

  /**
   * A session has answered a sync step 1. Its answer is in the document, as far as it could be applied.
   *
   * @param answer the sync step 2, the `number`th of this session
   */
  answered(
    owner: YjsSession,
    answer: Uint8Array,
    number: number,
    text: FragmentText,
    nowMs: number,
  ): Verdict {
    const verdict: Verdict = { ended: new Map(), refusedClaims: [] };
    const inquiry = this.#inquiries.get(owner);
    if (!inquiry?.question || number < inquiry.question.number) return verdict;
    const { lastSeq } = inquiry.question;
    const own = new OwnerAnswer(answer);
    for (const { update, awaited } of this.#updates) {
      if (verdict.ended.has(update.session)) continue;
      for (const [clientId, wait] of awaited) {
        if (wait.owner !== owner || wait.seq > lastSeq) continue;
        const known = text.clockOf(clientId);
        if (known >= wait.end) continue;
        wait.isVouched ||= own.holds(update.update, clientId, known);
        if (!wait.isVouched) verdict.ended.set(update.session, FORGED);
      }
    }
    this.#refuseClaims(owner, lastSeq, verdict);
    this.#closeQuestion(owner, inquiry, nowMs);
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
      for (const [clientId, wait] of awaited) {
        const authority = this.#ids.authorityOver(clientId, update.session, nowMs);
        if (wait.isVouched) vouched.add(clientId);
        else if (authority !== null && text.clockOf(clientId) < wait.end) {
          isFree = false;
          if (authority === "resting") this.#restFor(wait, clientId, nowMs);
          else if (authority !== wait.owner) this.#waitFor(wait, authority, nowMs);
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
    this.#inquiries.delete(session);
    this.#claims.delete(session);
    this.#hasChanged = this.#updates.length > 0;
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
    let dueMs = this.#restEndsMs;
    for (const [owner, inquiry] of this.#inquiries) {
      const atMs = inquiry.question === null ? inquiry.askAtMs : deadlineOf(owner, inquiry.question);
      if (atMs !== null && (dueMs === null || atMs < dueMs)) dueMs = atMs;
    }
    return dueMs;
  }

  /**
   * Asks the owners whose time has come, and finds those that do not answer.
   *
   * @param ask sends a sync step 1, and returns its number
   */
  run(ask: (owner: YjsSession) => number, nowMs: number): Verdict & { readonly silent: YjsSession[] } {
    const verdict: Verdict = { ended: new Map(), refusedClaims: [] };
    const silent: YjsSession[] = [];
    for (const [owner, inquiry] of this.#inquiries) {
      const { question, lastSeq, askAtMs } = inquiry;
      if (question === null) {
        if (askAtMs !== null && nowMs >= askAtMs) {
          inquiry.askAtMs = null;
          if (inquiry.isProbe || this.#isAwaited(owner)) {
            inquiry.question = { number: ask(owner), atMs: nowMs, lastSeq };
            owner.askedMs = nowMs;
          } else this.#inquiries.delete(owner);
        }
      } else if (nowMs >= deadlineOf(owner, question)) {
        if (nowMs >= owner.heardMs + OWNER_SILENCE_MS) silent.push(owner);
        else this.#giveUp(owner, inquiry, question.lastSeq, verdict, nowMs);
      }
    }
    return { ...verdict, silent };
  }

  /** The owner is there, and has not answered. Its word still counts; those who wait must come again. */
  #giveUp(owner: YjsSession, inquiry: Inquiry, lastSeq: number, verdict: Verdict, nowMs: number): void {
    for (const { update, awaited } of this.#updates) {
      for (const wait of awaited.values())
        if (wait.owner === owner && wait.seq <= lastSeq) verdict.ended.set(update.session, NOT_ANSWERED);
    }
    this.#refuseClaims(owner, lastSeq, verdict);
    this.#closeQuestion(owner, inquiry, nowMs);
  }

  #closeQuestion(owner: YjsSession, inquiry: Inquiry, nowMs: number): void {
    const hasMore = inquiry.lastSeq > (inquiry.question?.lastSeq ?? 0);
    inquiry.question = null;
    if (hasMore) inquiry.askAtMs = nowMs + ASK_OWNER_AFTER_MS;
    else this.#inquiries.delete(owner);
  }

  #refuseClaims(owner: YjsSession, lastSeq: number, { refusedClaims }: Verdict): void {
    for (const [claimant, claim] of this.#claims) {
      if (claim.owner !== owner || claim.seq > lastSeq) continue;
      this.#claims.delete(claimant);
      refusedClaims.push(claimant);
    }
  }

  #await(session: YjsSession, clocks: ReadonlyMap<number, number>, nowMs: number): Map<number, Awaited> {
    const awaited = new Map<number, Awaited>();
    for (const [clientId, end] of clocks) {
      const owner = this.#ids.authorityOver(clientId, session, nowMs);
      if (owner === null) continue;
      const wait: Awaited = { owner, seq: 0, end, isVouched: false };
      if (owner === "resting") this.#restFor(wait, clientId, nowMs);
      else this.#waitFor(wait, owner, nowMs);
      awaited.set(clientId, wait);
    }
    return awaited;
  }

  /** The owner has just left: it may come back, and say then what is its own. */
  #restFor(wait: Awaited, clientId: number, nowMs: number): void {
    wait.owner = "resting";
    const endsMs = this.#ids.restEndsMs(clientId, nowMs) ?? nowMs;
    this.#restEndsMs = Math.min(this.#restEndsMs ?? endsMs, endsMs);
  }

  #waitFor(wait: Awaited, owner: YjsSession, nowMs: number): void {
    wait.owner = owner;
    wait.seq = ++this.#seq;
    this.#inquire(owner, wait.seq, nowMs + ASK_OWNER_AFTER_MS);
  }

  /** @param fromMs the question is asked then, or a while after the last one */
  #inquire(owner: YjsSession, lastSeq: number, fromMs: number): Inquiry {
    const askAtMs = Math.max(fromMs, owner.askedMs + ASK_OWNER_AFTER_MS);
    let inquiry = this.#inquiries.get(owner);
    if (inquiry === undefined) {
      inquiry = { askAtMs, question: null, lastSeq, isProbe: false };
      this.#inquiries.set(owner, inquiry);
    } else {
      inquiry.lastSeq = lastSeq;
      if (inquiry.question === null) inquiry.askAtMs = Math.min(inquiry.askAtMs ?? askAtMs, askAtMs);
    }
    return inquiry;
  }

  /** All that the updates of a session wait for. */
  #awaitedBy(session: YjsSession): Map<number, Awaited> {
    const all = new Map<number, Awaited>();
    for (const { update, awaited } of this.#updates) {
      if (update.session !== session) continue;
      for (const [clientId, wait] of awaited) {
        if (wait.end > (all.get(clientId)?.end ?? 0)) all.set(clientId, wait);
      }
    }
    return all;
  }

  #isAwaited(owner: YjsSession): boolean {
    for (const claim of this.#claims.values()) if (claim.owner === owner) return true;
    return this.#updates.some(({ awaited }) => [...awaited.values()].some((wait) => wait.owner === owner));
  }
}

function deadlineOf({ heardMs }: YjsSession, { atMs }: { readonly atMs: number }): number {
  return Math.min(Math.max(atMs, heardMs) + OWNER_SILENCE_MS, atMs + OWNER_ANSWER_MS);
}

function sizeOf({ update }: YjsUpdate): number {
  return update.length + UPDATE_OVERHEAD_BYTES;
}
