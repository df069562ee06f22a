import { CLOSE } from "../../protocol/close-codes.ts";

/** The reasons for which sockets are closed, by the name of the code. */
const REASONS: Readonly<Record<keyof typeof CLOSE, string>> = {
  tooLarge: "JSON socket: the frame is too large.",
  serverError: "A failure of the server; connect again.",
  notFoundJson: "JSON socket: the fragment does not exist.",
  malformed: "The address holds no valid id, or the bytes are no frame or update.",
  unauthorised: "No credential, or one that is bad, or not good any more.",
  forbidden: "The caller may not do this, or pages of this origin may not connect.",
  notFoundYjs: "Yjs socket: the fragment does not exist.",
  forged: "Yjs socket: changes under the client id of another session, which does not have them.",
  deleted:
    "The fragment was deleted (with `create=1`, also renamed), or the change belongs to a deleted generation.",
  overLimit: "Yjs socket: the text, or the frame, is too large.",
  expired: "The access has ended, or the token has expired; connect again with a new token.",
  rateLimited: "The client sends more than it may; connect again after a pause.",
  full: "The room is full; try later.",
  silent: "Yjs socket: no answer in time, and another session claims the client id; connect again.",
  clientIdTaken: "Yjs socket: somebody else has written under the client id; connect again with a new one.",
};

/** `code: reason`, for each. */
export const CLOSE_REASONS: readonly string[] = Object.entries(REASONS).map(
  ([name, reason]) => `${CLOSE[name as keyof typeof CLOSE]}: ${reason}`, // the keys of the table above
);
