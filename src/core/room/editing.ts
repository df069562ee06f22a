import type { Editor } from "../../protocol/catalogue.ts";
import { shownUser } from "./presence.ts";
import type { Session } from "./session.ts";

/** Editors that are listed by name; the others only count. */
const MAX_EDITORS = 50;

/** The sessions that have a fragment open. */
export interface Editing {
  /** All sessions, named or not. */
  readonly sessions: number;
  readonly editors: readonly Editor[];
}

/** @param sessions those that joined first come first */
export function editingOf(sessions: readonly Session[]): Editing {
  const editors: Editor[] = [];
  for (const { record } of sessions) {
    if (editors.length === MAX_EDITORS) break;
    if (record.presence === null) continue;
    const { name, color } = shownUser(record.presence.state);
    editors.push({ session: record.id, name: name ?? null, color: color ?? null });
  }
  return { sessions: sessions.length, editors };
}
