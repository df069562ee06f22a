import type { Editor } from "../../protocol/catalogue.ts";
import type { Editing } from "../catalogue/parcel.ts";
import { shownUser } from "./presence.ts";
import type { Room } from "./room.ts";

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
