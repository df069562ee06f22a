import { CLOSE } from "../../protocol/close-codes.ts";
import { refusal } from "../../protocol/errors.ts";
import {
  type AwarenessEntry,
  decodeYjsFrame,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
} from "../../protocol/yjs-frames.ts";
import type { Room } from "./room.ts";
import { canWrite, type Session, type YjsSession } from "./session.ts";
import { sendNotice } from "./yjs-sessions.ts";

/** What one binary frame of a Yjs session does. What is malformed ends the session, after a notice. */
export function receiveYjs(room: Room, session: YjsSession, bytes: Uint8Array, nowMs: number): void {
  const frame = decodeYjsFrame(bytes);
  if (frame === null) {
    endMalformed(room, session, "The frame cannot be decoded.", nowMs);
    return;
  }
  switch (frame.kind) {
    case "step1":
      answerStep1(room, session, frame.stateVector, nowMs);
      break;
    case "push":
      receivePush(room, session, frame.seq, frame.update, nowMs);
      break;
    case "step2":
    case "update":
      receiveUpdate(room, session, frame.kind, frame.update, nowMs);
      break;
    case "awareness":
      for (const entry of frame.entries) receiveAwareness(room, session, entry, nowMs);
      break;
    case "queryAwareness":
      sendAllPresence(room, session);
      break;
    case "foreign":
      break; // as y-protocols has it: what a peer does not know it ignores
    default:
      frame satisfies never;
  }
}

/** Who has not agreed on the subprotocol is told nothing of its frames: what it pushes is an update. */
function receivePush(room: Room, session: YjsSession, seq: number, update: Uint8Array, nowMs: number): void {
  const { isOwnClient } = session.record;
  if (isOwnClient) room.yjs.pushed(session, seq);
  receiveUpdate(room, session, isOwnClient ? "push" : "update", update, nowMs);
}

function receiveUpdate(
  room: Room,
  session: YjsSession,
  kind: "update" | "push" | "step2",
  update: Uint8Array,
  nowMs: number,
): void {
  // A reader's provider answers our step 1 like any other: empty or not, it is not taken.
  if (canWrite(session)) room.receiveUpdate({ session, kind, update });
  else if (kind !== "step2") {
    sendNotice(session, refusal("forbidden", "This session may only read."));
    room.expel(session, CLOSE.forbidden, "This session may only read", nowMs);
  }
}

/** Gives what the peer lacks, asks for what we lack, and shows it who is here. */
function answerStep1(room: Room, session: YjsSession, stateVector: Uint8Array, nowMs: number): void {
  const missing = room.fragment.text.missingFor(stateVector);
  if (missing === null) {
    endMalformed(room, session, "The state vector cannot be decoded.", nowMs);
    return;
  }
  session.peer.send(encodeSyncStep2(missing));
  session.peer.send(encodeSyncStep1(room.fragment.text.stateVector()));
  session.isAskedForMore = true;
  sendAllPresence(room, session);
}

function sendAllPresence(room: Room, session: YjsSession): void {
  const sessions: Session[] = [...room.json.values(), ...room.yjs.values()];
  const entries = room.presence.all(sessions);
  if (entries.length > 0) session.peer.send(encodeAwareness(entries));
}

/**
 * Takes a session's own entry. Stock providers send everybody's state back, which is dropped without a word. An
 * entry that a live session owns is a claim only if it is newer than what is known: else it is such an echo. Who
 * says that a client left is not that client.
 */
function receiveAwareness(room: Room, session: YjsSession, entry: AwarenessEntry, nowMs: number): void {
  const { record } = session;
  if (record.clientId === null) {
    const owner = room.yjs.ownerOf(entry.client);
    const isEcho = owner !== undefined && entry.clock <= owner.record.presenceClock;
    if (isEcho || entry.state === "null" || isJsonPeer(room, entry.client)) return;
    const claimed = room.yjs.claim(session, [entry.client], room.fragment.alive.serverClientId);
    if ("code" in claimed) return;
    if (claimed.takenFrom !== null) room.displace(claimed.takenFrom, nowMs);
  }
  if (entry.client !== record.clientId) return;
  const refused = room.presence.set(session, entry, nowMs, !record.isOwnClient);
  if (refused !== null) sendNotice(session, refused);
}

function isJsonPeer(room: Room, clientId: number): boolean {
  for (const { record } of room.json.values()) if (record.clientId === clientId) return true;
  return false;
}

function endMalformed(room: Room, session: YjsSession, message: string, nowMs: number): void {
  sendNotice(session, refusal("malformed_update", message));
  room.expel(session, CLOSE.malformed, message, nowMs);
}
