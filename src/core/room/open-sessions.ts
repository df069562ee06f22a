import type { Editor, OpenSessions } from "../../protocol/catalogue.ts";
import { shownUser } from "./presence-state.ts";
import type { Session } from "./session.ts";

/** At most this many editors are listed; the others are only counted. */
const MAX_EDITORS = 50;

/** The sessions as lists and events show them. The first editors among them are listed. */
export function openSessionsOf(sessions: readonly Session[]): OpenSessions {
  const editors: Editor[] = [];
  for (const { record } of sessions) {
    if (editors.length === MAX_EDITORS) break;
    if (record.presence === null) continue;
    const { name, color } = shownUser(record.presence.state);
    editors.push({ session: record.id, name: name ?? null, color: color ?? null });
  }
  return { sessions: sessions.length, editors };
}
