import { utf8Length } from "../../language/utf8.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { refusal } from "../../protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { type ExpandRequest, receiveJson } from "./json-protocol.ts";
import type { Room } from "./room.ts";
import { isJson, type Session } from "./session.ts";
import { receiveYjs } from "./yjs-protocol.ts";

/**
 * One message of a session, in whichever protocol it speaks. JSON frames are text and Yjs frames are binary.
 *
 * @param expand answers a JSON session's `expand`, outside of the turn
 */
export function receive(
  room: Room,
  session: Session,
  message: string | Uint8Array,
  nowMs: number,
  expand: (request: ExpandRequest) => void,
): void {
  const isText = typeof message === "string";
  if ((isText ? utf8Length(message) : message.length) > MAX_FRAME_BYTES) {
    const code = isJson(session) ? CLOSE.tooLarge : CLOSE.overLimit;
    room.expel(session, code, "The frame is too large", nowMs);
  } else if (isJson(session)) {
    if (isText) receiveJson(room, session, message, nowMs, expand);
    else room.json.refuse(session, refusal("invalid_frame", "A frame is text."), undefined, null);
  } else if (isText) room.expel(session, CLOSE.malformed, "A frame is binary", nowMs);
  else receiveYjs(room, session, message, nowMs);
}
