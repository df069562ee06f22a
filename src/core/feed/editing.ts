import type { Editor } from "../../protocol/catalogue.ts";
import { shownUser } from "../room/presence.ts";
import type { Room } from "../room/room.ts";
import type { Editing } from "./parcel.ts";

/** Editors that are told by name; the others only count. */
const MAX_EDITORS = 50;

/** Who has the fragment open, those first who are longest here. */
export function editingOf(room: Room): Editing {
  const editors: Editor[] = [];
  for (const session of [...room.json.values(), ...room.yjs.values()]) {
    if (editors.length === MAX_EDITORS) break;
    if (session.record.presence === null) continue;
    const { name, color } = shownUser(session.record.presence.state);
    editors.push({ session: session.record.id, name: name ?? null, color: color ?? null });
  }
  return { sessions: room.sessionCount, editors };
}
