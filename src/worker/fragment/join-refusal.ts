import type { Room } from "../../core/room/room.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { MAX_SESSIONS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { JoinRequest } from "../sockets/join-request.ts";
import type { JoinRefusal } from "../sockets/refusal.ts";

/**
 * Why a socket may not join the room; null if it may. `?create=1` makes a fragment only under an id that never had one.
 * If it revived a deleted or renamed fragment, a provider that was offline at the time would bring the id back with an
 * empty text.
 */
export function joinRefusal(room: Room, { protocol, creates }: JoinRequest): JoinRefusal | null {
  const { id, life } = room;
  if (room.exists)
    return room.sessionCount < MAX_SESSIONS ? null : { code: CLOSE.full, reason: "The room is full" };
  if (!creates) return notFound(id, protocol);
  if (life === null) return null;
  const deleted = { id, timestamp: timestamp(life.updatedAtMs) };
  return { code: CLOSE.deleted, reason: `Fragment '${id}' was deleted or renamed`, deleted };
}

export function notFound(id: string, protocol: JoinRequest["protocol"]): JoinRefusal {
  const code = protocol === "json" ? CLOSE.notFoundJson : CLOSE.notFoundYjs;
  return { code, reason: `Fragment '${id}' not found` };
}
