import { ANONYMOUS } from "../../core/fragment/principal.ts";
import { openSession, type Session, type SessionRecord } from "../../core/room/session.ts";
import { KNOWS_NOTHING } from "../../core/room/session-knowledge.ts";
import { random32 } from "../random.ts";
import type { JoinRequest } from "./join-request.ts";
import { SocketPeer } from "./socket-peer.ts";

/** The session of a socket that has just joined. */
export function newSession(socket: WebSocket, join: JoinRequest): Session {
  return openSession(newRecord(join), new SocketPeer(socket));
}

/**
 * The session of a socket that outlived its object's memory; null if it was ended. A socket whose close woke the object
 * is not among `getWebSockets` any more (workerd, November 2026), but its attachment still tells.
 */
export function restoreSession(socket: WebSocket): Session | null {
  const record = socket.deserializeAttachment() as SessionRecord | null; // SocketPeer wrote it
  return record === null ? null : openSession(record, new SocketPeer(socket));
}

function newRecord(join: JoinRequest): SessionRecord {
  const common = { id: crypto.randomUUID(), principal: ANONYMOUS, presence: null };
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
