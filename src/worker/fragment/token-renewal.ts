import type { RenewalRequest } from "../../core/room/effects.ts";
import type { Room } from "../../core/room/room.ts";
import type { Access } from "../../protocol/access.ts";
import { type Result, refusal, refused } from "../../protocol/errors.ts";

export interface Renewing {
  readonly room: Room;
  /** The access that a key or token gives to a socket of this fragment, as it is now. */
  check(token: string): Promise<Result<Access>>;
  /** One event of the fragment's object. */
  turn(event: (nowMs: number) => void): void;
  report(problem: string, error: unknown): void;
}

/** Sessions whose token is being checked: each has one checked at a time. */
const beingChecked = new WeakSet<object>();

const NOT_YET = refusal("unavailable", "An earlier token of yours is still being checked; try again.");
const NOT_CHECKED = refusal("unavailable", "The token could not be checked; try again.");

/** Checks a session's new token outside of the room's turn, and gives the session the access of that token. */
export async function renewAccess(ports: Renewing, request: RenewalRequest): Promise<void> {
  const { room, turn } = ports;
  const { session } = request;
  const answer = (checked: Result<Access>) => turn((nowMs) => room.answerRenewal(request, checked, nowMs));
  if (beingChecked.has(session)) {
    answer(refused(NOT_YET));
    return;
  }
  beingChecked.add(session);
  let checked: Result<Access>;
  try {
    checked = await ports.check(request.token);
  } catch (error) {
    ports.report("a token could not be checked", error);
    checked = refused(NOT_CHECKED);
  }
  beingChecked.delete(session);
  try {
    answer(checked);
  } catch {
    // The room has failed and has said so.
  }
}
