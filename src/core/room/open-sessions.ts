import type { Editor, OpenSessions } from "../../protocol/catalogue.ts";
import { shownUser } from "./presence.ts";
import type { Session } from "./session.ts";

/** Editors that are listed by name; the others only count. */
const MAX_EDITORS = 50;

/** @param sessions those that joined first come first */
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
