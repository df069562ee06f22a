import type { Room } from "../../core/room/room.ts";
import { holdsFor, roleFault } from "../../protocol/access.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { MAX_SESSIONS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { JoinRequest } from "../sockets/join-request.ts";
import type { JoinRefusal } from "../sockets/refusal.ts";
import type { AccessCheck } from "./access-check.ts";

/**
 * Why a socket may not join the room; null if it may. `?create=1` makes a fragment only under an id that never had one.
 * If it revived a deleted or renamed fragment, a provider that was offline at the time would bring the id back with an
 * empty text.
 */
export function joinRefusal(room: Room, check: AccessCheck, join: JoinRequest): JoinRefusal | null {
  const { id, life } = room;
  if (!check.mayRead(join.access)) return notFound(id, join.protocol);
  if (room.exists)
    return room.sessionCount < MAX_SESSIONS ? null : { code: CLOSE.full, reason: "The room is full" };
  if (!join.creates) return notFound(id, join.protocol);
  if (life === null) return check.writeFault(join.access) === null ? null : absence(id, join);
  const deleted = { id, timestamp: timestamp(life.updatedAtMs) };
  return { code: CLOSE.deleted, reason: `Fragment '${id}' was deleted or renamed`, deleted };
}

/** The refusal of a socket whose fragment does not exist, and is not made for it. */
export function absence(id: string, { access, protocol, creates }: JoinRequest): JoinRefusal {
  const fault = creates && holdsFor(access, id) ? roleFault(access, "editor") : null;
  return fault === null ? notFound(id, protocol) : { code: CLOSE.forbidden, reason: fault.message };
}

function notFound(id: string, protocol: JoinRequest["protocol"]): JoinRefusal {
  const code = protocol === "json" ? CLOSE.notFoundJson : CLOSE.notFoundYjs;
  return { code, reason: `Fragment '${id}' not found` };
}
