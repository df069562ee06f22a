import type { catalogueEventSchemas } from "../../protocol/catalogue.ts";
import type { clientFrameSchemas, serverFrameSchemas } from "../../protocol/json-frames.ts";

/** What each message is for, by the name of its schema. */
type Summaries<T> = Readonly<Record<keyof T, string>>;

export const CLIENT_FRAMES: Summaries<typeof clientFrameSchemas> = {
  update: "The text is to be this. Merged with what was committed since its base.",
  edit: "Changes of the base text, which `base_version` or `base_request_id` names.",
  update_metadata: "Fields that are absent or null keep; an empty text or list clears.",
  expand: "Expand this unsaved text; without `content`, the current one.",
  presence: "Show yourself, or with null no longer.",
  ping: 'Exactly `{"action":"ping"}` is answered without waking the fragment.',
};

export const SERVER_FRAMES: Summaries<typeof serverFrameSchemas> = {
  initial: "The first frame.",
  update_status:
    "Your write is durable. `content` (with `changes=1`, `changes`) comes where the merge gave something else than you sent. With `more`, the status of a later write of yours in the same version tells of the text.",
  updateText: "Somebody else changed the text.",
  updateChanges:
    "The same with `changes=1`: applied to the text of `base_version` they give that of `version`.",
  update_metadata: "Somebody else changed metadata, or a merge made of yours something else than you sent.",
  expanded: "The answer to `expand`; `content` is the text that was expanded.",
  presence: "Who shows presence changed. The list is complete, and may hold your own session.",
  error:
    "Something was refused: nothing changed, and the session lives. `stale_base` brings `version` and `content`.",
  pong: "The answer to `ping`.",
  deleted: "The fragment was deleted; close 4410 follows.",
};

export const EVENTS: Summaries<typeof catalogueEventSchemas> = {
  created: "A fragment was made.",
  changed: "A fragment was changed.",
  deleted: "A fragment was deleted.",
  renamed: "A fragment has another id.",
  typing: "A fragment is being edited; what is searched follows. Told live only.",
  editors: "Who has a fragment open; nobody is an empty list. Told live only.",
};
