import { utf8Length } from "../language/utf8.ts";
import { MAX_CLOSE_REASON_BYTES } from "./limits.ts";

/**
 * Why a socket was closed, one table for both protocols.
 *
 * A stock y-websocket provider never comes back after 4400 to 4499 and retries everything else, from 3.1 on, so on the
 * Yjs socket what is final is 44xx. Older ones retry everything. JSON clients were promised 4004 for a missing fragment.
 */
export const CLOSE = {
  tooLarge: 1009,
  serverError: 1011,
  /** JSON sockets: the fragment does not exist (the old contract's code). */
  notFoundJson: 4004,
  /** The bytes are no valid frame or update, or the address names no valid id. */
  malformed: 4400,
  unauthorised: 4401,
  forbidden: 4403,
  /** Yjs sockets: the fragment does not exist. */
  notFoundYjs: 4404,
  /** New structs under a client id that is somebody else's. */
  forged: 4409,
  deleted: 4410,
  /** Yjs sockets: the update would take the fragment over a limit. */
  overLimit: 4413,
  /** The room is full; try again later. */
  full: 4503,
} as const;

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

/** Cuts a reason at a character border to what a close frame can hold. */
export function closeReason(reason: string): string {
  if (utf8Length(reason) <= MAX_CLOSE_REASON_BYTES) return reason;
  const ellipsis = "…";
  let room = MAX_CLOSE_REASON_BYTES - utf8Length(ellipsis);
  let cut = "";
  for (const character of reason) {
    room -= utf8Length(character);
    if (room < 0) break;
    cut += character;
  }
  return cut + ellipsis;
}
