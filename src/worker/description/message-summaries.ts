import type { catalogueEventSchemas } from "../../protocol/catalogue.ts";
import type { clientFrameSchemas, serverFrameSchemas } from "../../protocol/json-frames.ts";

/** The purpose of each message, by the name of its schema. */
type Summaries<T> = Readonly<Record<keyof T, string>>;

export const CLIENT_FRAMES: Summaries<typeof clientFrameSchemas> = {
  update: "Sets the text. It is merged with what was committed since its base.",
  edit: "Changes the base text, which `base_version` or `base_request_id` names.",
  update_metadata: "Changes metadata. Absent and null fields stay; an empty text or list clears its field.",
  expand: "Expands this unsaved text or, without `content`, the current one.",
  presence: "Shows you to the others; null hides you again.",
  authenticate: "Goes on with a new token, before the access of the old one ends. The answer is `access`.",
  ping: 'Exactly `{"action":"ping"}` is answered without waking the fragment.',
};

export const SERVER_FRAMES: Summaries<typeof serverFrameSchemas> = {
  initial: "The first frame.",
  update_status:
    "Your write is durable. `content` (with `changes=1`: `changes`) is there if the merge gave another text than you sent. With `more`, the text comes in the status of a later write of yours in the same version.",
  updateText: "Somebody else changed the text.",
  updateChanges:
    "The same with `changes=1`: applied to the text of `base_version` they give that of `version`.",
  update_metadata: "Somebody else changed metadata, or a merge gave other metadata than you sent.",
  expanded: "The answer to `expand`; `content` is the text that was expanded.",
  presence:
    "The sessions that show themselves, when that has changed. The list is complete and may hold your own session.",
  error:
    "A frame was refused: nothing changed, and the session goes on. `stale_base` brings `version` and `content`, `unresolved_inclusions` its `warnings`.",
  access:
    "What you may do, and until when: after `initial` if it is limited, a minute before it ends, and after each change.",
  pong: "The answer to `ping`.",
  deleted: "The fragment was deleted; close 4410 follows.",
};

export const EVENTS: Summaries<typeof catalogueEventSchemas> = {
  created: "A fragment was made.",
  changed: "A fragment was changed.",
  deleted: "A fragment was deleted.",
  renamed: "A fragment was given another id.",
  typing: "A fragment is being edited; its searchable text follows. Told live only.",
  editors: "The sessions that have a fragment open; an empty list means none. Told live only.",
};
