import { ASK_OWNER_AGAIN_MS, OWNER_ANSWER_MS, OWNER_SILENCE_MS } from "../../protocol/limits.ts";
import type { YjsSession } from "./session.ts";

/** What is asked of one owner. */
interface Inquiry {
  /** When to ask; null: there is nothing to ask, or a question is open. */
  askAtMs: number | null;
  /** The sync step 1 that is not answered yet, its time, and the last wait that it is about. */
  question: { readonly number: number; readonly atMs: number; readonly lastWait: number } | null;
  lastWait: number;
  /** It is asked even if nothing waits for it by then. */
  isProbe: boolean;
}

/** An owner whose time for an answer is over, and the last wait that its question was about. */
interface Unanswered {
  readonly owner: YjsSession;
  readonly lastWait: number;
}

/**
 * The questions to the owners of client ids. Each owner has one open at a time, whatever waits for it. What begins to wait
 * while a question is open needs another one: the answer may be under way already, and be older.
 */
export class OwnerInquiries {
  readonly #inquiries = new Map<YjsSession, Inquiry>();
  #waits = 0;

  get isEmpty(): boolean {
    return this.#inquiries.size === 0;
  }

  /**
   * Something waits for an owner.
   *
   * @param fromMs the owner is asked then, or a while after it was asked last
   * @returns the number of the wait; numbers grow
   */
  await(owner: YjsSession, fromMs: number): number {
    const lastWait = ++this.#waits;
    const askAtMs = Math.max(fromMs, owner.askedMs + ASK_OWNER_AGAIN_MS);
    const inquiry = this.#inquiries.get(owner);
    if (inquiry === undefined) {
      this.#inquiries.set(owner, { askAtMs, question: null, lastWait, isProbe: false });
    } else {
      inquiry.lastWait = lastWait;
      if (inquiry.question === null) inquiry.askAtMs = Math.min(inquiry.askAtMs ?? askAtMs, askAtMs);
    }
    return lastWait;
  }

  /** Asks a session whether it is still there. */
  probe(owner: YjsSession, nowMs: number): void {
    this.await(owner, nowMs);
    const inquiry = this.#inquiries.get(owner);
    if (inquiry !== undefined) inquiry.isProbe = true;
  }

  /**
   * A session has answered a sync step 1.
   *
   * @param number of the answer, counted for the session
   * @returns the last wait that it answers; null if it answers none
   */
  answered(owner: YjsSession, number: number, nowMs: number): number | null {
    const inquiry = this.#inquiries.get(owner);
    if (!inquiry?.question || number < inquiry.question.number) return null;
    const { lastWait } = inquiry.question;
    this.#close(owner, inquiry, lastWait, nowMs);
    return lastWait;
  }

  /** A session has left. */
  forget(owner: YjsSession): void {
    this.#inquiries.delete(owner);
  }

  clear(): void {
    this.#inquiries.clear();
  }

  /** When to call `run`; null if nothing is asked. */
  get dueAtMs(): number | null {
    let dueMs: number | null = null;
    for (const [owner, { question, askAtMs }] of this.#inquiries) {
      const atMs = question === null ? askAtMs : deadlineOf(owner, question);
      if (atMs !== null && (dueMs === null || atMs < dueMs)) dueMs = atMs;
    }
    return dueMs;
  }

  /**
   * Asks the owners whose time has come, and finds those that have not answered in time. A silent one has sent nothing at
   * all.
   *
   * @param ask sends a sync step 1, and returns its number
   */
  run(
    ask: (owner: YjsSession) => number,
    isAwaited: (owner: YjsSession) => boolean,
    nowMs: number,
  ): { readonly silent: YjsSession[]; readonly late: Unanswered[] } {
    const silent: YjsSession[] = [];
    const late: Unanswered[] = [];
    for (const [owner, inquiry] of this.#inquiries) {
      const { question, lastWait, askAtMs } = inquiry;
      if (question !== null) {
        if (nowMs < deadlineOf(owner, question)) continue;
        if (nowMs >= owner.heardMs + OWNER_SILENCE_MS) silent.push(owner);
        else {
          late.push({ owner, lastWait: question.lastWait });
          this.#close(owner, inquiry, question.lastWait, nowMs);
        }
      } else if (askAtMs !== null && nowMs >= askAtMs) {
        if (inquiry.isProbe || isAwaited(owner)) {
          inquiry.question = { number: ask(owner), atMs: nowMs, lastWait };
          inquiry.askAtMs = null;
          owner.askedMs = nowMs;
        } else this.#inquiries.delete(owner);
      }
    }
    return { silent, late };
  }

  #close(owner: YjsSession, inquiry: Inquiry, lastWait: number, nowMs: number): void {
    inquiry.question = null;
    if (inquiry.lastWait > lastWait) inquiry.askAtMs = Math.max(nowMs, owner.askedMs + ASK_OWNER_AGAIN_MS);
    else this.#inquiries.delete(owner);
  }
}

function deadlineOf({ heardMs }: YjsSession, { atMs }: { readonly atMs: number }): number {
  return Math.min(Math.max(atMs, heardMs) + OWNER_SILENCE_MS, atMs + OWNER_ANSWER_MS);
}
