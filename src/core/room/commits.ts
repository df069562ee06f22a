import type { DurableFragment } from "../fragment/durable-fragment.ts";
import type { Write } from "../fragment/write.ts";
import { earlier, isDue } from "./cadence.ts";
import type { RoomSessions } from "./room-sessions.ts";
import { WriteQueue } from "./write-queue.ts";

/**
 * The way from what came in to what is durable. Yjs edits are collected in a window, and checked, applied and broadcast as
 * one (at once in a quiet room). The applied edits, and the writes of JSON and REST clients, become durable in one commit
 * (at once while the row budget lasts). Order within a turn: broadcast to Yjs peers, then the write, then what the write
 * allows: acknowledgements and JSON frames.
 */
export class Commits {
  readonly #fragment: DurableFragment;
  readonly #sessions: RoomSessions;
  readonly #writes = new WriteQueue();
  /** The authors of the uncommitted Yjs edits. */
  readonly #authors = new Set<string>();
  /** A long compaction is due, in a turn of its own. */
  #compactsNext = false;

  constructor(fragment: DurableFragment, sessions: RoomSessions) {
    this.#fragment = fragment;
    this.#sessions = sessions;
  }

  /** Whether everything that came in is durable. */
  get isDurable(): boolean {
    return !this.#sessions.yjs.edits.hasPending && !this.#hasUncommitted;
  }

  /** Queues a write. It is answered once it is durable or refused. */
  submit(write: Write): void {
    this.#writes.push(write.base.kind === "page" ? this.#fragment.pages.following(write) : write);
  }

  /** Calls back when everything that came in so far is durable: at once, or at the end of the running window. */
  whenDurable(callback: () => void): void {
    if (this.isDurable) callback();
    else this.#writes.whenDurable(callback);
  }

  /** Makes everything durable now, whatever the row budget says. */
  commitAll(nowMs: number): void {
    while (!this.isDurable) this.#commit(nowMs);
  }

  /** The fragment was deleted, so its log needs no compaction. */
  forgetCompaction(): void {
    this.#compactsNext = false;
  }

  /** Does what is due. Call it after each event, and at `dueAt`. */
  run(nowMs: number): void {
    const { yjs } = this.#sessions;
    if (this.#canCompact) {
      this.#compactsNext = false;
      this.#fragment.compact(nowMs);
    }
    if (isDue(yjs.edits.settlesAt(nowMs), nowMs)) yjs.edits.settle(nowMs);
    const isMending = this.#fragment.isMending;
    if (isDue(yjs.edits.dueAt(nowMs), nowMs)) this.#deliver(nowMs);
    else if (isMending) this.#mend();
    if (this.#hasUncommitted) {
      // Everybody has waited for the last step of the mending already.
      if (!isMending && !this.#fragment.isMending && nowMs >= this.#fragment.log.dueAt(nowMs)) {
        const [next] = this.#writes.waiting;
        if (next === undefined || !this.#fragment.compareAhead(next)) this.#commit(nowMs);
      }
    } else if (!yjs.edits.hasPending) this.#tellDurable(nowMs);
  }

  /** When to call `run` again; null while nothing is pending. */
  dueAt(nowMs: number): number | null {
    if (this.#canCompact || this.#fragment.isMending) return nowMs;
    const { yjs } = this.#sessions;
    const commitMs = this.#hasUncommitted ? this.#fragment.log.dueAt(nowMs) : null;
    return earlier(commitMs, earlier(yjs.edits.dueAt(nowMs), yjs.edits.settlesAt(nowMs)));
  }

  get #hasUncommitted(): boolean {
    return !this.#writes.isEmpty || this.#fragment.isDirty;
  }

  get #canCompact(): boolean {
    return this.#compactsNext && this.#fragment.exists && this.isDurable;
  }

  #deliver(nowMs: number): void {
    for (const author of this.#sessions.yjs.edits.deliver(nowMs)) this.#authors.add(author);
  }

  /** Mends some of the line ends that Yjs peers have written. Each step is small enough for a turn. */
  #mend(): void {
    const update = this.#fragment.text.mend();
    if (update !== null) this.#sessions.yjs.sessions.broadcastUpdate(update, null);
  }

  /** Makes what came in durable, as one revision, and tells the sessions. Very many writes take more than one commit. */
  #commit(nowMs: number): void {
    const { json, yjs } = this.#sessions;
    if (yjs.edits.hasPending) this.#deliver(nowMs);
    const fragment = this.#fragment;
    while (fragment.isMending) this.#mend();
    const { round, taken } = this.#writes.isEmpty
      ? { round: null, taken: 0 }
      : fragment.write(this.#writes.waiting, nowMs);
    this.#writes.take(taken);
    const isNew = fragment.commit(round, this.#authors, nowMs);
    if (isNew) {
      const others = this.#authors.size > 0 ? [null] : [];
      json.committed(new Set([...(round?.writers ?? []), ...others]));
      this.#authors.clear();
    }
    for (const update of round?.updates ?? []) yjs.sessions.broadcastUpdate(update, null);
    round?.answer(fragment.committed);
    json.sendAnswers();
    this.#tellDurable(nowMs);
    if (isNew && json.sessions.size > 0) json.sessions.committed(fragment.committed, nowMs);
    if (fragment.isDirty || !fragment.log.isCompactionDue(nowMs)) return;
    // Everybody has waited for the commit already.
    if (fragment.log.isCompactionLong) this.#compactsNext = true;
    else fragment.compact(nowMs);
  }

  #tellDurable(nowMs: number): void {
    const { yjs } = this.#sessions;
    if (yjs.hasToTell) yjs.tellDurable(this.#fragment.alive.revision, nowMs);
    this.#writes.tellDurable();
  }
}
