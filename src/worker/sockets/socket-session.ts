import { openSession, type Session, type SessionRecord } from "../../core/room/session.ts";
import { KNOWS_NOTHING } from "../../core/room/session-knowledge.ts";
import { type Access, ANONYMOUS } from "../../protocol/access.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { random32 } from "../random.ts";
import { closeLater } from "./close-later.ts";
import type { JoinRequest } from "./join-request.ts";
import { closeSocket, SocketPeer } from "./socket-peer.ts";

/** The session of a socket that has just joined. */
export function newSession(socket: WebSocket, join: JoinRequest, access: Access): Session {
  return sessionOf(newRecord(join, access), socket);
}

/**
 * The session of a socket that outlived its object's memory; null if it was ended. A socket whose close woke the object
 * is not among `getWebSockets` any more (workerd, November 2026), but still has its attachment.
 */
export function restoreSession(socket: WebSocket): Session | null {
  const record = socket.deserializeAttachment() as SessionRecord | null; // SocketPeer wrote it
  return record === null ? null : sessionOf(record, socket);
}

function sessionOf(record: SessionRecord, socket: WebSocket): Session {
  const isStockProvider = record.protocol === "yjs" && !record.isOwnClient;
  return openSession(record, new SocketPeer(socket, isStockProvider ? closeStockProvider : closeSocket));
}

/** A provider that is refused for something that it sent will send it again as soon as it has reconnected. */
function closeStockProvider(socket: WebSocket, code: number, reason: string): void {
  const isRefusal = (code >= 4400 && code < 4500 && code !== CLOSE.deleted) || code === CLOSE.rateLimited;
  if (isRefusal) void closeLater(socket, code, reason);
  else closeSocket(socket, code, reason);
}

function newRecord(join: JoinRequest, access: Access): SessionRecord {
  const id = crypto.randomUUID();
  const common = { id, access: tellApart(access, id), isToldOfEnd: false, presence: null };
  if (join.protocol === "yjs") {
    const { isOwnClient } = join;
    return { ...common, protocol: "yjs", clientId: null, presenceClock: -1, isOwnClient, isBehind: false };
  }
  const { isOldClient, wantsChanges, clientName } = join;
  return {
    ...common,
    protocol: "json",
    clientId: random32(),
    presenceClock: 0,
    isOldClient,
    wantsChanges,
    clientName,
    knowledge: { ...KNOWS_NOTHING },
  };
}

/** Anonymous callers are told apart by their session. */
function tellApart(access: Access, session: string): Access {
  const { principal } = access;
  if (principal.id !== ANONYMOUS.id) return access;
  return { ...access, principal: { ...principal, id: `${ANONYMOUS.id}:${session}` } };
}
