import { DurableObject } from "cloudflare:workers";
import { CatalogueReceiver } from "../../core/feed/catalogue-receiver.ts";
import type { CatalogueRecord } from "../../core/feed/catalogue-update.ts";
import { Outbox } from "../../core/feed/outbox.ts";
import type { DurableFragment } from "../../core/fragment/durable-fragment.ts";
import { EMPTY_WRITE, type Write, type Written } from "../../core/fragment/write.ts";
import { compactionPolicy } from "../../core/history/compaction-policy.ts";
import type { ExpandRequest } from "../../core/room/json-protocol.ts";
import { receive } from "../../core/room/receive.ts";
import { Room } from "../../core/room/room.ts";
import type { Session } from "../../core/room/session.ts";
import type { OpenSessions } from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import type { Refusal, Result } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import { PLAIN_PING, PLAIN_PONG } from "../../protocol/json-frames.ts";
import { MAX_SESSIONS } from "../../protocol/limits.ts";
import { catalogueStub, fragmentIdOf, workspaceOf } from "../addresses.ts";
import { decodeJoinRequest } from "../sockets/join-request.ts";
import { closeSocket, refuseSocket, upgradeResponse } from "../sockets/socket-peer.ts";
import { newSession, restoreSession } from "../sockets/socket-session.ts";
import { AlarmTable } from "../storage/alarm-table.ts";
import { SqlUpdateLog } from "../storage/sql-update-log.ts";
import { CATALOGUE_WAIT_MS } from "../within.ts";
import { CatalogueSender } from "./catalogue-sender.ts";
import type { FragmentAnswer, FragmentWrite } from "./fragment-calls.ts";
import { answerWrite, fragmentOf, refuse } from "./fragment-view.ts";
import { expectedVersions, type Preconditions, preconditionFault } from "./preconditions.ts";
import { notFound, type PlannedWrite, type PutMode, planPut } from "./put-plan.ts";
import { random32 } from "./random.ts";
import { answerExpand } from "./socket-expansion.ts";
import { earlier, Timer } from "./timer.ts";

/** When deliveries to a room that is never at rest are confirmed, or made if the process did not live to. */
const CONFIRMATION_MS = 8_000;
/** So long an alarm waits for its delivery. */
const MAX_DELIVERY_MS = 10_000;

/** One fragment: turns the platform's events into calls on its room, and the room's wishes into timers. */
export class FragmentObject extends DurableObject<Env> {
  readonly #id: string;
  readonly #log: SqlUpdateLog;
  readonly #sessions = new Map<WebSocket, Session>();
  #room: Room;
  #alarms: AlarmTable<"presence">;
  readonly #outbox: Outbox;
  readonly #catalogue: CatalogueSender;
  readonly #timer = new Timer((atMs) => this.#turn(() => undefined, atMs));
  #hasFailed = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#id = fragmentIdOf(ctx.id.name ?? "");
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PLAIN_PING, PLAIN_PONG));
    this.#alarms = new AlarmTable(ctx.storage);
    this.#log = new SqlUpdateLog(ctx.storage, (problem) => this.#report(problem));
    for (const socket of ctx.getWebSockets()) {
      const session = restoreSession(socket);
      if (session === null) closeSocket(socket, CLOSE.serverError, "The session is not known any more");
      else this.#sessions.set(socket, session);
    }
    const compaction = compactionPolicy(Number(env.COMPACT_AFTER_COMMITS));
    this.#room = new Room({ id: this.#id, log: this.#log, random32, compaction }, this.#sessions.values());
    this.#room.expelForgotten(Date.now());
    this.#outbox = new Outbox(this.#room);
    this.#catalogue = new CatalogueSender(new CatalogueReceiver(this.#room, this.#id), this.#outbox, {
      catalogue: () => catalogueStub(env, workspaceOf(ctx.id.name ?? "")),
      turn: (event) => this.#turn(event),
      report: (problem, error) => this.#report(problem, error),
    });
  }

  /** Takes a WebSocket in; the worker has parsed the address (join-request.ts). */
  override async fetch(request: Request): Promise<Response> {
    const join = decodeJoinRequest(request);
    const isNoted =
      join.creates && !this.#fragment.exists && (await this.#catalogue.noteCreation(CATALOGUE_WAIT_MS));
    return this.#turn((nowMs) => {
      if (!this.#fragment.exists && join.creates)
        this.#room.create({ ...EMPTY_WRITE, answer: () => undefined }, isNoted, nowMs);
      const isJsonSocket = join.protocol === "json";
      if (!this.#fragment.exists) {
        const code = isJsonSocket ? CLOSE.notFoundJson : CLOSE.notFoundYjs;
        return refuseSocket(request, code, `Fragment '${this.#id}' not found`);
      }
      if (this.#room.sessionCount >= MAX_SESSIONS)
        return refuseSocket(request, CLOSE.full, "The room is full");
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      const session = newSession(server, join, this.#fragment);
      this.#sessions.set(server, session);
      this.#room.join(session);
      return upgradeResponse(request, client);
    });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const session = this.#sessions.get(socket);
    if (session === undefined || !this.#room.holds(session)) return; // expelled; its close is on the way
    const data = typeof message === "string" ? message : new Uint8Array(message);
    const expand = (request: ExpandRequest) => this.#expand(request);
    this.#turn((nowMs) => receive(this.#room, session, data, nowMs, expand));
  }

  override webSocketClose(socket: WebSocket): void {
    closeSocket(socket, 1000, "");
    const session = this.#sessions.get(socket) ?? restoreSession(socket);
    if (session === null) return; // expelled: the room has forgotten it
    this.#sessions.delete(socket);
    this.#turn((nowMs) => this.#room.leave(session, nowMs));
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket);
  }

  override async alarm(): Promise<void> {
    this.#turn((nowMs) => {
      for (const kind of this.#alarms.take(nowMs)) {
        if (kind === "presence") this.#room.expirePresence(nowMs);
        else kind satisfies never;
      }
      this.#outbox.confirm(true, nowMs);
    });
    await this.#catalogue.whenIdle(MAX_DELIVERY_MS);
  }

  /** The committed fragment, once everything that came in before is committed; null if there is none. */
  async read(): Promise<Fragment | null> {
    if (!this.#fragment.exists) return null;
    await this.#settled();
    return this.#fragment.exists ? fragmentOf(this.#room) : null;
  }

  /** Creates the fragment or changes it, or whichever of both it takes. */
  async put(write: FragmentWrite, mode: PutMode): Promise<FragmentAnswer> {
    const plan = planPut(this.#fragment, write, mode, Date.now());
    if (plan.kind === "refuse") return refuse(plan.refusal);
    if (plan.kind === "write") return this.#write(plan.write, plan.isNew);
    const untilMs = Date.now() + CATALOGUE_WAIT_MS;
    const isNoted = await this.#catalogue.noteCreation(CATALOGUE_WAIT_MS);
    if (this.#fragment.exists) return this.put(write, mode); // somebody else was faster
    const answer = await this.#write(write, true, isNoted);
    await this.#catalogue.whenIdle(untilMs - Date.now()); // who creates a fragment looks for it in the list next
    return answer;
  }

  /** Deletes the fragment; null if it is done. */
  async remove(preconditions: Preconditions): Promise<Refusal | null> {
    const fault = preconditionFault(this.#fragment, preconditions);
    if (fault !== null || !this.#fragment.exists) return fault ?? notFound(this.#id);
    const refused = this.#turn((nowMs) => {
      const why = this.#room.remove(expectedVersions(preconditions), nowMs);
      if (why !== null) return why;
      this.#sessions.clear();
      this.#alarms = new AlarmTable(this.ctx.storage);
      return null;
    });
    if (refused === null) await this.#catalogue.whenIdle(CATALOGUE_WAIT_MS);
    return refused;
  }

  /** What the catalogue stores of this fragment; null if there never was one. */
  async catalogueRecord(): Promise<CatalogueRecord | null> {
    if (this.#fragment.exists) await this.#settled();
    return this.#catalogue.receiver.record();
  }

  openSessions(): OpenSessions {
    return this.#room.openSessions();
  }

  get #fragment(): DurableFragment {
    return this.#room.fragment;
  }

  #write(write: PlannedWrite, isNew: boolean, isNoted = false): Promise<FragmentAnswer> {
    return new Promise((resolve) => {
      this.#turn((nowMs) => {
        // The answer is made in the turn that commits: later the fragment may be another one, or gone.
        const answer = (result: Result<Written>) => resolve(answerWrite(this.#room, result, isNew, nowMs));
        const whole: Write = { ...EMPTY_WRITE, ...write, answer };
        if (this.#fragment.exists) this.#room.submit(whole);
        else this.#room.create(whole, isNoted, nowMs);
      });
    });
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => this.#turn(() => this.#room.whenSettled(resolve)));
  }

  /** One event: the room does it, and what became due by it; then the timer is set for what is left. */
  #turn<T>(event: (nowMs: number) => T, notBeforeMs = 0): T {
    if (this.#hasFailed) throw new Error("the room failed before");
    const nowMs = Math.max(Date.now(), notBeforeMs);
    try {
      const result = event(nowMs);
      this.#room.settle(nowMs);
      this.#outbox.run(nowMs);
      this.#outbox.confirm(false, nowMs);
      this.#arm(nowMs);
      return result;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** The room is undefined now. The log is not: after the abort, the next event finds a new object that reads it. */
  #fail(error: unknown): void {
    this.#report("the room failed", error);
    this.#hasFailed = true;
    this.#timer.set(null, 0);
    this.#sessions.clear();
    const reason = "Internal error; reconnect";
    for (const socket of this.ctx.getWebSockets()) closeSocket(socket, CLOSE.serverError, reason);
    // Not in this turn: the abort would take the close frames with it (workerd, November 2026).
    setTimeout(() => this.ctx.abort("the room failed"), 0);
  }

  #arm(nowMs: number): void {
    this.#timer.set(earlier(this.#room.dueAt(nowMs), this.#outbox.dueAt(nowMs)), nowMs);
    const { expiryAtMs } = this.#room.presence;
    const { rowsWritten } = this.#alarms;
    if (expiryAtMs !== null) this.#alarms.ensure("presence", expiryAtMs);
    // In the same transaction as the commit: a killed process delivers when the alarm wakes it.
    if (this.#outbox.isUnconfirmed) this.#alarms.wake(nowMs + CONFIRMATION_MS);
    else this.#alarms.rest();
    this.#fragment.log.spend(this.#alarms.rowsWritten - rowsWritten, nowMs);
  }

  #expand(request: ExpandRequest): void {
    const settled = () => this.#settled();
    const report = (problem: string, error: unknown) => this.#report(problem, error);
    const expanding = { room: this.#room, id: this.#id, settled, report };
    this.ctx.waitUntil(answerExpand(expanding, request, this.ctx.exports.Expander));
  }

  #report(problem: string, error?: unknown): void {
    console.error(`fragment ${this.#id}: ${problem}`, error ?? "");
  }
}
