import type { Room } from "../../core/room/room.ts";
import { type Access, holdsFor, roleFault } from "../../protocol/access.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { MAX_SESSIONS } from "../../protocol/limits.ts";
import { timestamp } from "../../protocol/timestamp.ts";
import type { JoinRequest } from "../sockets/join-request.ts";
import { callerRefusal, type JoinRefusal } from "../sockets/refusal.ts";
import type { AccessCheck } from "./access-check.ts";

/** Whether a socket may join: the access of its session, or why it may not. */
export type JoinAnswer =
  | { readonly ok: true; readonly access: Access }
  | { readonly ok: false; readonly refusal: JoinRefusal };

/**
 * Whether a socket may join the room. `?create=1` makes a fragment only under an id that never had one. If it revived a
 * deleted or renamed fragment, a provider that was offline at the time would bring the id back with an empty text.
 */
export function answerJoin(room: Room, check: AccessCheck, join: JoinRequest, nowMs: number): JoinAnswer {
  const { id, life } = room;
  if (!check.mayRead(join.access)) return refuse(notFound(id, join.protocol));
  const admitted = room.admit(join.access, nowMs);
  if (!admitted.ok) {
    // Whether the fragment is there must not show.
    const isForbidden = admitted.refusal.code === "forbidden";
    return refuse(isForbidden ? notFound(id, join.protocol) : callerRefusal(admitted.refusal));
  }
  const access = admitted.value;
  if (room.exists) {
    if (room.sessionCount < MAX_SESSIONS) return { ok: true, access };
    return refuse({ code: CLOSE.full, reason: "The room is full" });
  }
  if (!join.creates) return refuse(notFound(id, join.protocol));
  if (life === null)
    return check.writeFault(access) === null
      ? { ok: true, access }
      : refuse(absence(id, { ...join, access }));
  const deleted = { id, timestamp: timestamp(life.updatedAtMs) };
  return refuse({ code: CLOSE.deleted, reason: `Fragment '${id}' was deleted or renamed`, deleted });
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

function refuse(refusal: JoinRefusal): JoinAnswer {
  return { ok: false, refusal };
}
