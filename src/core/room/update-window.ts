import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import type { FragmentText } from "../text/fragment-text.ts";
import type { Incoming } from "../text/incoming.ts";
import { textWindowMs } from "./cadence.ts";
import type { YjsSession } from "./session.ts";
import type { YjsSessions } from "./yjs-sessions.ts";

/** An update of a Yjs session, to be applied. */
export interface YjsUpdate {
  readonly session: YjsSession;
  /** `again`: a push that had a gap, tried again after the sync step 2 that should have filled it. */
  readonly kind: "update" | "push" | "step2" | "again";
  readonly update: Uint8Array;
}

const TOO_MUCH_WAITS = refusal(
  "content_too_large",
  `At most ${MAX_FRAME_BYTES} bytes of pushes may wait for the edits that they build on.`,
);
const TAKEN_OVER = refusal("forged_update", "A newer connection has taken over this client id.");

/** The outcome of one window. */
export interface WindowResult {
  /** Everything new, as one update; null if nothing was new. */
  readonly update: Uint8Array | null;
  readonly authors: ReadonlySet<YjsSession>;
  /** The session that made all of it, and so has it already; null if all sessions must get it. */
  readonly onlyAuthor: YjsSession | null;
  readonly refused: ReadonlyMap<YjsSession, Refusal>;
  /** Older sessions that lost their client id to a reconnecting one. */
  readonly displaced: ReadonlySet<YjsSession>;
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
    const { session, kind } = update;
    if (kind !== "step2") return;
    // It is the answer to our step 1. After it, what the session had pushed before may be applied.
    for (const gapped of session.gapped.takeAll()) this.push({ session, kind: "again", update: gapped });
  }

  /** When the window closes. If the clock was set back, a new window begins. */
  dueAt(peers: number, nowMs: number): number {
    return Math.min(this.#closedMs, nowMs) + textWindowMs(peers, this.#bytes);
  }

  /** Checks and applies what has come in. */
  close(text: FragmentText, yjs: YjsSessions, serverClientId: number, nowMs: number): WindowResult {
    const updates = this.#updates;
    this.#updates = [];
    this.#bytes = 0;
    this.#closedMs = nowMs;
    const admission = new Admission(yjs, serverClientId);
    const received = text.receive(updates.map((update) => admission.toIncoming(update)));
    const { displaced } = admission;
    const authors = new Set<YjsSession>();
    const refused = new Map<YjsSession, Refusal>();
    const gapped = new Set<YjsSession>();
    let hasStep2 = false;
    for (const [index, outcome] of received.outcomes.entries()) {
      const update = updates[index] as YjsUpdate; // one outcome for each update
      const { session, kind } = update;
      if (kind === "again") gapped.add(session);
      if (!outcome.ok) {
        if (!displaced.has(session)) refused.set(session, outcome.refusal);
      } else if (outcome.value === "gap") {
        gapped.add(session);
        const why = holdBack(update, text, yjs);
        if (why !== null) refused.set(session, why);
      } else {
        if (outcome.value === "applied") authors.add(session);
        if (kind === "step2") {
          session.gapped.synced();
          gapped.add(session);
          yjs.answered(session);
          hasStep2 = true;
        }
      }
    }
    for (const session of gapped) yjs.noteGap(session);
    if (authors.size > 0) yjs.noteNews();
    if (hasStep2) yjs.askAgain(() => text.stateVector());
    const [author] = authors;
    const onlyAuthor = authors.size === 1 && !received.isMended ? (author ?? null) : null;
    const { isServerIdBehind } = admission;
    return { update: received.update, authors, onlyAuthor, refused, displaced, isServerIdBehind };
  }
}

/** Asks for what an update with a gap lacks, and keeps it if it is a push. Refused if the session has too many. */
function holdBack(
  { session, kind, update }: YjsUpdate,
  text: FragmentText,
  yjs: YjsSessions,
): Refusal | null {
  if (kind === "push" || kind === "again") session.gapped.add(update);
  // A session's own sync step 2 could not fill the gap, but that of another one may.
  if (kind === "step2" || kind === "again") yjs.askLater(session);
  else yjs.askForMore(session, text.stateVector());
  return session.gapped.isOverLimit ? TOO_MUCH_WAITS : null;
}

/** Whether the sessions of one window may write under the client ids in their updates. */
class Admission {
  readonly displaced = new Set<YjsSession>();
  isServerIdBehind = false;
  readonly #yjs: YjsSessions;
  readonly #serverClientId: number;

  constructor(yjs: YjsSessions, serverClientId: number) {
    this.#yjs = yjs;
    this.#serverClientId = serverClientId;
  }

  toIncoming({ session, kind, update }: YjsUpdate): Incoming {
    const admit = (clients: Iterable<number>) =>
      kind === "step2" ? this.#admitRelayed(clients) : this.#admitOwn(session, clients);
    return { update, sender: session, admit };
  }

  /** A sync step 2 also brings what others wrote, even edits of the server itself that a crash has lost. */
  #admitRelayed(clients: Iterable<number>): null {
    for (const client of clients) this.isServerIdBehind ||= client === this.#serverClientId;
    return null;
  }

  #admitOwn(session: YjsSession, clients: Iterable<number>): Refusal | null {
    if (this.displaced.has(session)) return TAKEN_OVER;
    const claimed = this.#yjs.claim(session, clients, this.#serverClientId);
    if (!claimed.ok) return claimed.refusal;
    if (claimed.value !== null) this.displaced.add(claimed.value);
    return null;
  }
}
