import { CLOSE } from "../../protocol/close-codes.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import {
  SESSION_BURST_MS,
  SESSION_FRAME_MS,
  SESSION_GRACE_MS,
  SESSION_KIB_MS,
} from "../../protocol/limits.ts";
import type { Session } from "./session.ts";
import { type Rate, TokenBucket } from "./token-bucket.ts";

/** A token is a millisecond of a session's time. */
const RATE: Rate = { perSecond: 1_000, burst: SESSION_BURST_MS };

/** Principals that are remembered after one of their sessions was ended. */
const MAX_REMEMBERED = 1_000;

/** The room, as its limit needs it. */
export interface LimitPorts {
  tell(session: Session, why: Refusal): void;
  /** Ends a session from this side. */
  expel(session: Session, code: number, reason: string, nowMs: number): void;
}

interface Sender {
  readonly bucket: TokenBucket;
  isTold: boolean;
}

/**
 * Limits how much each session sends. A session that has used up its burst is told once, and what it sends is still taken.
 * If it goes on, it ends. All of this is in memory: a room that sleeps has nothing to limit.
 */
export class FrameLimit {
  readonly #ports: LimitPorts;
  readonly #senders = new WeakMap<Session, Sender>();
  /** By principal: a new socket is no new start for one whose session was ended. */
  readonly #ended = new Map<string, TokenBucket>();

  constructor(ports: LimitPorts) {
    this.#ports = ports;
  }

  /** Counts a frame. False if it has ended its session. */
  allows(session: Session, bytes: number, nowMs: number): boolean {
    const sender = this.#senderOf(session, nowMs);
    const { bucket } = sender;
    const owedMs = bucket.take(Math.max(SESSION_FRAME_MS, (bytes / 1024) * SESSION_KIB_MS), nowMs);
    if (owedMs === 0) return true;
    if (owedMs > SESSION_GRACE_MS) {
      this.#remember(session, bucket, nowMs);
      this.#ports.expel(session, CLOSE.rateLimited, tooMuch(owedMs).message, nowMs);
      return false;
    }
    if (!sender.isTold) this.#ports.tell(session, tooMuch(owedMs));
    sender.isTold = true;
    return true;
  }

  #senderOf(session: Session, nowMs: number): Sender {
    const known = this.#senders.get(session);
    if (known !== undefined) {
      if (known.isTold && known.bucket.isFull(nowMs)) known.isTold = false;
      return known;
    }
    const earlier = this.#ended.get(session.record.access.principal.id);
    const bucket = earlier === undefined || earlier.isFull(nowMs) ? new TokenBucket(RATE) : earlier;
    const sender = { bucket, isTold: false };
    this.#senders.set(session, sender);
    return sender;
  }

  #remember({ record }: Session, bucket: TokenBucket, nowMs: number): void {
    for (const [principal, ended] of this.#ended) if (ended.isFull(nowMs)) this.#ended.delete(principal);
    this.#ended.set(record.access.principal.id, bucket);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
  }
}

function tooMuch(owedMs: number): Refusal {
  const seconds = Math.ceil(owedMs / 1000);
  return refusal("rate_limited", `You send more than a session may; wait for ${seconds} s.`, seconds);
}
