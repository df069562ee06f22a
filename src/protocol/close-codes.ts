import { utf8Length } from "../language/utf8.ts";
import { MAX_CLOSE_REASON_BYTES } from "./limits.ts";

/**
 * Why a socket was closed, one table for both protocols.
 *
 * From 3.1 on, a stock y-websocket provider gives up after 4400 to 4499 and retries after any other code; older ones
 * always retry. So on the Yjs socket a final close is 44xx. JSON clients were promised 4004 for a missing fragment.
 */
export const CLOSE = {
  tooLarge: 1009,
  serverError: 1011,
  /** JSON sockets: the fragment does not exist (the old contract's code). */
  notFoundJson: 4004,
  /** The bytes are no valid frame or update, or the address names no valid id. */
  malformed: 4400,
  /** No credential, a bad one, a key that has ended, or one that was revoked. */
  unauthorised: 4401,
  /** The caller may not do this, or pages of its origin may not connect. */
  forbidden: 4403,
  /** Yjs sockets: the fragment does not exist. */
  notFoundYjs: 4404,
  /** New structs under the client id of another session, which does not have them, of a session that has its own id. */
  forged: 4409,
  deleted: 4410,
  /** Yjs sockets: the update would take the fragment over a limit. */
  overLimit: 4413,
  /** The access, or the token that was sent, has expired. With a new token the client may connect again. */
  expired: 4501,
  /** The room is full, or it holds too much for others; try again later. */
  full: 4503,
  /** Yjs sockets: the session did not answer in time, and another one claims its client id. Connect again. */
  silent: 4508,
  /** Yjs sockets: somebody else has the client id, or has written under it. Connect again with a new document, and so a new id. */
  clientIdTaken: 4509,
  /** The client sends more than it may. After a pause it may connect again. */
  rateLimited: 4529,
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
