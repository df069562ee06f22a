import type { DurableFragment } from "../../core/fragment/durable-fragment.ts";
import { ANONYMOUS } from "../../core/fragment/principal.ts";
import { GappedPushes } from "../../core/room/gapped-pushes.ts";
import type { Session, SessionRecord } from "../../core/room/session.ts";
import { random32 } from "../fragment/random.ts";
import type { JoinRequest } from "./join-request.ts";
import { SocketPeer } from "./socket-peer.ts";

/** The session of a socket that has just joined. */
export function newSession(socket: WebSocket, join: JoinRequest, fragment: DurableFragment): Session {
  const common = {
    id: crypto.randomUUID(),
    role: "editor",
    principal: ANONYMOUS,
    expiresAtMs: null,
    generation: fragment.generation,
    presence: null,
  } as const;
  if (join.protocol === "yjs") {
    const record = {
      ...common,
      protocol: "yjs",
      clientId: null,
      presenceClock: -1,
      isOwnClient: join.isOwnClient,
      isBehind: false,
    } as const;
    return toSession(record, socket);
  }
  const record: SessionRecord = {
    ...common,
    protocol: "json",
    clientId: random32(),
    presenceClock: 0,
    isOldClient: join.isOldClient,
    wantsChanges: join.wantsChanges,
    clientName: join.clientName,
    seenRevision: fragment.committed.revision,
    ownWrite: null,
    sentRevisions: [],
    ownTags: null,
  };
  return toSession(record, socket);
}

/**
 * The session of a socket that outlived its object's memory; null if it was ended. A socket whose close woke the object
 * is not among `getWebSockets` any more (workerd, November 2026), but its attachment still tells.
 */
export function restoreSession(socket: WebSocket): Session | null {
  const record = socket.deserializeAttachment() as SessionRecord | null; // SocketPeer wrote it
  return record === null ? null : toSession(record, socket);
}

function toSession(record: SessionRecord, socket: WebSocket): Session {
  const peer = new SocketPeer(socket);
  if (record.protocol === "json") return { record, peer, ownWrite: null };
  return { record, peer, isAskedForMore: false, gapped: new GappedPushes(), pushedSeq: -1, savedSeq: -1 };
}
