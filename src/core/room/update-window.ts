import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import type { Incoming } from "../text/incoming.ts";
import { textWindowMs } from "./cadence.ts";
import { CLIENT_ID_TAKEN, FORGED, refusalOfForeign } from "./client-ids.ts";
import type { HeldUpdates } from "./held-updates.ts";
import type { YjsSession } from "./session.ts";
import { hasWaiting, type YjsSessions } from "./yjs-sessions.ts";
import { received, type YjsUpdate } from "./yjs-update.ts";

const TOO_MUCH_WAITS = refusal(
  "content_too_large",
  `At most ${MAX_FRAME_BYTES} bytes of pushes may wait for the edits that they build on.`,
);

/** What a window needs of its room. */
export interface WindowPorts {
  readonly text: FragmentText;
  readonly yjs: YjsSessions;
  readonly held: HeldUpdates;
  readonly serverClientId: number;
}

/** The outcome of one window. */
export interface WindowResult {
  /** Everything new, as one update; null if nothing was new. */
  readonly update: Uint8Array | null;
  readonly authors: ReadonlySet<YjsSession>;
  /** The session that made all of it, and so has it already; null if all sessions must get it. */
  readonly onlyAuthor: YjsSession | null;
  readonly refused: ReadonlyMap<YjsSession, Refusal>;
  /** Sessions that claimed a client id whose owner has answered. */
  readonly refusedClaims: readonly YjsSession[];
  /** A peer brought edits that the server made and that are not in the log: the server's client id must be renewed. */
  readonly isServerIdBehind: boolean;
}

/** The updates of Yjs peers that wait for their window, to be checked, applied and sent on as one. */
export class UpdateWindow {
  #updates: YjsUpdate[] = [];
  #bytes = 0;
  #closedMs = Number.NEGATIVE_INFINITY;

  get isEmpty(): boolean {
    return this.#updates.length === 0;
  }

  push(update: YjsUpdate): void {
    this.#updates.push(update);
    this.#bytes += update.update.length;
    const { session, kind, isReleased } = update;
    if (kind !== "step2" || isReleased) return;
    // It is the answer to our step 1. After it, what the session had pushed before may be applied.
    for (const { update: gapped, number } of session.gapped.takeAll())
      this.push({ ...received(session, "push", gapped, number), isAgain: true });
  }

  /** When the window closes. If the clock was set back, a new window begins. */
  dueAt(peers: number, nowMs: number): number {
    return Math.min(this.#closedMs, nowMs) + textWindowMs(peers, this.#bytes);
  }

  /** Checks and applies what has come in. */
  close({ text, yjs, held, serverClientId }: WindowPorts, nowMs: number): WindowResult {
    const updates = this.#updates;
    this.#updates = [];
    this.#bytes = 0;
    this.#closedMs = nowMs;
    const admission = new Admission(yjs, serverClientId, nowMs);
    const batch = text.receive(updates.map((update) => admission.toIncoming(update)));
    const authors = new Set<YjsSession>();
    const refused = new Map<YjsSession, Refusal>();
    const refusedClaims: YjsSession[] = [];
    /** Sessions of which something waits, or has waited. */
    const waiting = new Set<YjsSession>();
    const answers: YjsUpdate[] = [];
    for (const [index, outcome] of batch.outcomes.entries()) {
      const update = updates[index] as YjsUpdate; // one outcome for each update
      const { session, kind, isAgain, isReleased } = update;
      if (isReleased) held.judged(update);
      if (isReleased || isAgain) waiting.add(session);
      if (!outcome.ok) {
        refused.set(session, outcome.refusal);
        continue;
      }
      const { value: effect } = outcome;
      if (effect === "applied") authors.add(session);
      if (kind === "step2" && !isReleased) answers.push(update);
      const clocks = batch.held.get(index) ?? null;
      if (effect === "unwanted") yjs.askForMore(session, text.stateVector());
      else if (clocks !== null || (effect === "gap" && session.heldBytes > 0)) {
        waiting.add(session);
        const why = held.hold(update, clocks, nowMs);
        if (why !== null) refused.set(session, why);
      } else if (effect === "gap") {
        waiting.add(session);
        const why = holdBack(update, text, yjs);
        if (why !== null) refused.set(session, why);
        continue;
      }
      if (kind === "push" && !isAgain && !isReleased && !hasWaiting(session))
        session.acceptedSeq = Math.max(session.acceptedSeq, update.number);
      if (kind !== "step2") continue;
      session.gapped.synced();
      waiting.add(session);
      yjs.answered(session);
    }
    if (authors.size > 0) yjs.noteNews();
    if (answers.length > 0) yjs.askAgain(() => text.stateVector());
    if (!held.isEmpty) {
      for (const answer of answers) {
        const verdict = held.answered(answer, text, nowMs);
        for (const [sender, why] of verdict.ended) {
          refused.set(sender, why);
          held.drop(sender);
        }
        refusedClaims.push(...verdict.refusedClaims);
      }
      for (const session of refused.keys()) held.drop(session);
      for (const update of held.release(text, nowMs)) this.push(update);
    }
    for (const session of waiting) yjs.noteGap(session);
    const [author] = authors;
    const onlyAuthor = authors.size === 1 && !batch.isMended ? (author ?? null) : null;
    const { isServerIdBehind } = admission;
    return { update: batch.update, authors, onlyAuthor, refused, refusedClaims, isServerIdBehind };
  }
}

/** Asks for what an update with a gap lacks, and keeps it if it is a push. Refused if the session has too many. */
function holdBack(
  { session, kind, update, number, isAgain }: YjsUpdate,
  text: FragmentText,
  yjs: YjsSessions,
): Refusal | null {
  if (kind === "push") session.gapped.add(update, number);
  // A session's own sync step 2 could not fill the gap, but that of another one may.
  if (kind === "step2" || isAgain) yjs.askLater(session);
  else yjs.askForMore(session, text.stateVector());
  return session.gapped.isOverLimit ? TOO_MUCH_WAITS : null;
}

/** Whether the sessions of one window may write under the client ids in their updates. */
class Admission {
  isServerIdBehind = false;
  readonly #yjs: YjsSessions;
  readonly #serverClientId: number;
  readonly #nowMs: number;

  constructor(yjs: YjsSessions, serverClientId: number, nowMs: number) {
    this.#yjs = yjs;
    this.#serverClientId = serverClientId;
    this.#nowMs = nowMs;
  }

  toIncoming({ session, kind, update, vouched }: YjsUpdate): Incoming {
    const { ids } = this.#yjs;
    const nowMs = this.#nowMs;
    return {
      update,
      sender: session,
      isWanted: kind !== "offer",
      isHeld: (client) => ids.authorityOver(client, session, nowMs) !== null && vouched?.has(client) !== true,
      admit: (clients) => (kind === "step2" ? this.#admitAnswer(clients) : this.#admitOwn(session, clients)),
      differs: (client) =>
        (ids.ownerOf(client) ?? session) === session ? CLIENT_ID_TAKEN : refusalOfForeign(session),
    };
  }

  /** A sync step 2 also brings edits of the server itself that a crash has lost. */
  #admitAnswer(clients: Iterable<number>): Refusal | null {
    for (const client of clients) {
      if (client === this.#serverClientId) this.isServerIdBehind = true;
      else if (this.#yjs.ids.isJson(client)) return FORGED;
    }
    return null;
  }

  /** Ids that nobody owns are admitted, since a provider may bring edits of an earlier page that were never sent. */
  #admitOwn(session: YjsSession, clients: Iterable<number>): Refusal | null {
    const { ids } = this.#yjs;
    const all = [...clients];
    for (const client of all) {
      const fault = ids.fault(client, this.#serverClientId);
      if (fault !== null) return fault;
    }
    // An editor writes under one id. An update with several brings what others wrote, as from storage of the page.
    const [own] = all;
    if (own === undefined || all.length > 1 || ids.ownerOf(own) !== undefined) return null;
    // A session may have left before its last frame is judged.
    const mayOwn = session.record.clientId === null && !session.isClaiming && this.#yjs.has(session);
    if (mayOwn) ids.claim(session, own, this.#nowMs);
    return null;
  }
}
