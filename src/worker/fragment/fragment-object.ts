import { DurableObject } from "cloudflare:workers";
import { CatalogueReceiver } from "../../core/feed/catalogue-receiver.ts";
import type { CatalogueRecord } from "../../core/feed/catalogue-update.ts";
import { Outbox } from "../../core/feed/outbox.ts";
import { EMPTY_WRITE } from "../../core/fragment/write.ts";
import { compactionPolicy } from "../../core/history/compaction-policy.ts";
import type { ExpandRequest, RenewalRequest } from "../../core/room/effects.ts";
import { Room } from "../../core/room/room.ts";
import type { Session } from "../../core/room/session.ts";
import type { Access, AccessChange } from "../../protocol/access.ts";
import type { OpenSessions } from "../../protocol/catalogue.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import type { Refusal } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import { PLAIN_PING, PLAIN_PONG } from "../../protocol/json-frames.ts";
import { auditRefusedFrame } from "../access/audit/audit.ts";
import { accessOf } from "../access/caller/admit.ts";
import { isLimited } from "../access/caller/caller-rates.ts";
import { catalogueStub, workspaceOf } from "../addresses.ts";
import { random32 } from "../random.ts";
import { decodeJoinRequest } from "../sockets/join-request.ts";
import { encodeJoinRefusal } from "../sockets/refusal.ts";
import { closeSocket, upgradeResponse } from "../sockets/socket-peer.ts";
import { newSession, restoreSession } from "../sockets/socket-session.ts";
import { SqlUpdateLog } from "../storage/sql-update-log.ts";
import { isFirstCatalogue } from "../storage/witness.ts";
import { AccessCheck, CheckedCalls } from "./access-check.ts";
import { CatalogueSender, NOT_NOTED } from "./catalogue-sender.ts";
import { FragmentCalls } from "./fragment-calls.ts";
import type { FragmentAnswer } from "./fragment-view.ts";
import { answerJoin } from "./join-answer.ts";
import type { Preconditions } from "./preconditions.ts";
import type { FragmentWrite, PutMode } from "./put-plan.ts";
import { answerExpand } from "./socket-expansion.ts";
import { renewAccess } from "./token-renewal.ts";
import { Turns } from "./turns.ts";

/** An alarm waits at most this long for its delivery. */
const MAX_DELIVERY_MS = 10_000;

/** One fragment: turns the platform's events into calls on its room, and the room's wishes into timers. */
export class FragmentObject extends DurableObject<Env> {
  readonly #check: AccessCheck;
  readonly #sessions = new Map<WebSocket, Session>();
  readonly #room: Room;
  readonly #turns: Turns;
  readonly #catalogue: CatalogueSender;
  readonly #calls: FragmentCalls;
  readonly #checked: CheckedCalls;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#check = new AccessCheck(ctx.id.name ?? "");
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PLAIN_PING, PLAIN_PONG));
    for (const socket of ctx.getWebSockets()) {
      const session = restoreSession(socket);
      if (session === null) closeSocket(socket, CLOSE.serverError, "The session is not known any more");
      else this.#sessions.set(socket, session);
    }
    const log = new SqlUpdateLog(ctx.storage, (problem) => this.#report(problem));
    const compaction = compactionPolicy(Number(env.COMPACT_AFTER_COMMITS));
    const ports = { id: this.#check.id, log, random32, compaction, isLimited: isLimited(env) };
    this.#room = new Room(ports, this.#sessions.values());
    this.#room.expelForgotten(Date.now());
    const outbox = new Outbox(this.#room);
    this.#turns = new Turns({ ctx, room: this.#room, outbox, failed: (error) => this.#failed(error) });
    this.#catalogue = new CatalogueSender(new CatalogueReceiver(this.#room, this.#check.id), outbox, {
      catalogue: () => catalogueStub(env, workspaceOf(ctx.id.name ?? "")),
      turn: (event) => this.#turns.run(event),
      report: (problem, error) => this.#report(problem, error),
    });
    this.#calls = new FragmentCalls({
      room: this.#room,
      catalogue: this.#catalogue,
      turn: (event) => this.#turns.run(event),
      removed: () => this.#forget(),
    });
    this.#checked = new CheckedCalls(this.#check, this.#calls);
  }

  /** Accepts a WebSocket. The worker has parsed its address (join-request.ts). */
  override async fetch(request: Request): Promise<Response> {
    const join = decodeJoinRequest(request);
    const answerAt = (nowMs: number) => answerJoin(this.#room, this.#check, join, nowMs);
    const creates = !this.#room.exists && answerAt(Date.now()).ok;
    const isNoted = creates && (await this.#catalogue.noteCreation());
    return this.#turns.run((nowMs) => {
      const answer = answerAt(nowMs);
      if (!answer.ok) return encodeJoinRefusal(answer.refusal);
      if (!this.#room.exists) {
        if (!isNoted) return encodeJoinRefusal({ code: CLOSE.serverError, reason: NOT_NOTED.message });
        const author = answer.access.principal.id;
        this.#room.create({ ...EMPTY_WRITE, author, answer: () => undefined }, true, nowMs);
      }
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      const session = newSession(server, join, answer.access);
      this.#sessions.set(server, session);
      this.#room.join(session);
      return upgradeResponse(join.subprotocol, client);
    });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const session = this.#sessions.get(socket);
    if (session === undefined) return; // expelled; its close is on the way
    const data = typeof message === "string" ? message : new Uint8Array(message);
    const effect = this.#turns.run((nowMs) => this.#room.receive(session, data, nowMs));
    if (effect?.kind === "refused")
      auditRefusedFrame(this.env, session.record.access, this.#check.id, effect.code);
    else if (effect !== null) this.ctx.waitUntil(this.#carryOut(effect));
  }

  override webSocketClose(socket: WebSocket): void {
    closeSocket(socket, 1000, "");
    const session = this.#sessions.get(socket) ?? restoreSession(socket);
    if (session === null) return; // expelled: the room has forgotten it
    this.#sessions.delete(socket);
    this.#turns.run((nowMs) => this.#room.leave(session, nowMs));
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket);
  }

  override async alarm(): Promise<void> {
    this.#turns.ring();
    await this.#catalogue.whenIdle(MAX_DELIVERY_MS);
  }

  read(access: Access, isPage = false): Promise<Fragment | null> {
    return this.#checked.read(access, isPage);
  }

  put(access: Access, write: FragmentWrite, mode: PutMode): Promise<FragmentAnswer> {
    return this.#checked.put(access, write, mode);
  }

  remove(access: Access, preconditions: Preconditions): Promise<Refusal | null> {
    return this.#checked.remove(access, preconditions);
  }

  catalogueRecord(): Promise<CatalogueRecord | null> {
    return this.#calls.catalogueRecord();
  }

  /** For the witness (addresses.ts): whether the workspace had no other catalogue before. */
  isFirstCatalogue(catalogue: string): boolean {
    return isFirstCatalogue(this.ctx.storage, catalogue);
  }

  openSessions(): OpenSessions {
    return this.#room.openSessions();
  }

  /** A grant was lowered, or has ended. It may be told more than once. */
  accessChanged(change: AccessChange): void {
    this.#turns.run((nowMs) => this.#room.changeAccess(change, nowMs));
  }

  #failed(error: unknown): void {
    this.#report("the room failed", error);
    this.#sessions.clear();
  }

  /** The fragment was deleted, and its storage with it. */
  #forget(): void {
    this.#sessions.clear();
    this.#turns.forgetAlarms();
  }

  #carryOut(effect: ExpandRequest | RenewalRequest): Promise<void> {
    const ports = {
      room: this.#room,
      report: (problem: string, error: unknown) => this.#report(problem, error),
    };
    if (effect.kind === "renewal") {
      const check = (token: string) => accessOf(this.env, token, this.#check.id);
      return renewAccess({ ...ports, check, turn: (event) => this.#turns.run(event) }, effect);
    }
    const expander = this.ctx.exports.Expander;
    return answerExpand({ ...ports, expander, whenDurable: () => this.#calls.whenDurable() }, effect);
  }

  #report(problem: string, error?: unknown): void {
    console.error(`fragment ${this.#check.id}: ${problem}`, error ?? "");
  }
}
