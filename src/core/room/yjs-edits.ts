import type { Refusal } from "../../protocol/errors.ts";
import type { DurableFragment } from "../fragment/durable-fragment.ts";
import { HeldUpdates, type Verdict } from "./held-updates.ts";
import type { YjsSession } from "./session.ts";
import { UpdateWindow } from "./update-window.ts";
import type { YjsSessions } from "./yjs-sessions.ts";
import type { YjsUpdate } from "./yjs-update.ts";

/** What the Yjs protocol does to sessions for what was found in their edits. */
export interface EditPorts {
  readonly fragment: DurableFragment;
  readonly sessions: YjsSessions;
  /** An edit of the session was refused, at once or after it has waited. */
  refuse(session: YjsSession, why: Refusal, nowMs: number): void;
  /** The owner of the client id that the session claims has answered. */
  refuseClaim(session: YjsSession, nowMs: number): void;
  /** The session was asked as an owner, and has sent nothing. */
  endSilent(session: YjsSession, nowMs: number): void;
}

/**
 * The edits of Yjs sessions, from their frames to the frames of the others: the window that collects them, and those that
 * wait for the owners of client ids.
 */
export class YjsEdits {
  readonly held: HeldUpdates;
  readonly #ports: EditPorts;
  readonly #window = new UpdateWindow();

  constructor(ports: EditPorts) {
    this.#ports = ports;
    this.held = new HeldUpdates(ports.sessions.ids);
  }

  /** Whether edits wait for the window to close. */
  get hasPending(): boolean {
    return !this.#window.isEmpty;
  }

  /** When to call `deliver`; null if no edit waits. */
  dueAt(nowMs: number): number | null {
    return this.#window.isEmpty ? null : this.#window.dueAt(this.#ports.sessions.size, nowMs);
  }

  /** When to call `settle`; null if nothing waits for the owner of a client id. */
  settlesAt(nowMs: number): number | null {
    return this.held.isEmpty ? null : this.held.dueAt(nowMs);
  }

  /** Takes an update, to be judged when the window closes. */
  push(update: YjsUpdate): void {
    this.#window.push(update);
  }

  /** Takes the sync step 2 of an owner that may only read: nothing of it is applied, but its word counts. */
  heard(answer: YjsUpdate, nowMs: number): void {
    if (this.held.isEmpty) return;
    this.#carryOut(this.held.answered(answer, this.#ports.fragment.text, nowMs), nowMs);
    this.#release(nowMs);
  }

  /**
   * Closes the window: checks and applies the edits in it, and sends them on as one update.
   *
   * @returns the authors of what was new
   */
  deliver(nowMs: number): Iterable<string> {
    const { fragment, sessions } = this.#ports;
    const { text } = fragment;
    const { serverClientId } = fragment.alive;
    const result = this.#window.close({ text, yjs: sessions, held: this.held, serverClientId }, nowMs);
    if (result.update !== null) sessions.broadcastUpdate(result.update, result.onlyAuthor);
    if (result.isServerIdBehind) fragment.noteServerIdBehind();
    for (const [session, why] of result.refused) this.#ports.refuse(session, why, nowMs);
    for (const session of result.refusedClaims) this.#ports.refuseClaim(session, nowMs);
    return new Set([...result.authors].map(({ record }) => record.access.principal.id));
  }

  /** Asks the owners of client ids for which something waits, ends those that are silent, and releases what can go on. */
  settle(nowMs: number): void {
    const { fragment, sessions } = this.#ports;
    const { silent, ...verdict } = this.held.run(
      (owner) => sessions.ask(owner, fragment.text.stateVector()),
      nowMs,
    );
    this.#carryOut(verdict, nowMs);
    for (const session of silent) this.#ports.endSilent(session, nowMs);
    if (this.held.hasChanged(nowMs)) this.#release(nowMs);
  }

  #carryOut({ ended, refusedClaims }: Verdict, nowMs: number): void {
    for (const [session, why] of ended) this.#ports.refuse(session, why, nowMs);
    for (const session of refusedClaims) this.#ports.refuseClaim(session, nowMs);
  }

  /** Judges again what need not wait any more. */
  #release(nowMs: number): void {
    for (const update of this.held.release(this.#ports.fragment.text, nowMs)) this.#window.push(update);
  }
}
