import type { PeerPresence } from "../../protocol/json-frames.ts";
import type { Session } from "./session.ts";

/**
 * The JSON of a presence state. It is kept as stock Yjs editors write it in their awareness: `user` with a name and a
 * colour, and `cursor` with relative positions. What a JSON client gave for its cursor stands beside them, in `json`.
 */

/** Translates cursors between the two protocols: Yjs has relative positions, JSON has indices of code units. */
export interface CursorMap {
  relativePosition(index: number): unknown;
  absolutePosition(position: unknown): number | null;
}

/** A JSON client's state as stock Yjs editors show it. */
export function toAwarenessState(
  state: { name?: string | undefined; color?: string | undefined; cursor?: unknown },
  cursors: CursorMap,
): string {
  const { name, color, cursor } = state;
  const ends = cursorEnds(cursor);
  const yjsCursor =
    ends === null
      ? {}
      : {
          cursor: {
            anchor: cursors.relativePosition(ends.anchor),
            head: cursors.relativePosition(ends.head),
          },
        };
  return JSON.stringify({ user: { name, color }, ...yjsCursor, json: { cursor } });
}

/** A session as JSON clients see it, whichever protocol it speaks; null if it shows nothing. */
export function toPeer(session: Session, cursors: CursorMap): PeerPresence | null {
  const { record } = session;
  if (record.presence === null) return null;
  const state = parseState(record.presence.state);
  return {
    session: record.id,
    ...userOf(state),
    cursor: record.protocol === "json" ? state.json?.cursor : fromYjsCursor(state.cursor, cursors),
  };
}

/** The name and colour of a presence state, if it has them as stock editors write them. */
export function shownUser(state: string): ShownUser {
  return userOf(parseState(state));
}

interface ShownUser {
  readonly name: string | undefined;
  readonly color: string | undefined;
}

function userOf({ user }: { user?: unknown }): ShownUser {
  const { name, color } = isObject(user) ? user : {};
  return {
    name: typeof name === "string" ? name : undefined,
    color: typeof color === "string" ? color : undefined,
  };
}

/** A stored state is an `isJsonObject`. Its fields may hold anything. */
function parseState(state: string): { user?: unknown; cursor?: unknown; json?: { cursor?: unknown } } {
  return JSON.parse(state) as ReturnType<typeof parseState>;
}

function cursorEnds(cursor: unknown): { anchor: number; head: number } | null {
  if (typeof cursor === "number") return { anchor: cursor, head: cursor };
  if (!isObject(cursor)) return null;
  const { anchor, head } = cursor;
  return typeof anchor === "number" && typeof head === "number" ? { anchor, head } : null;
}

function fromYjsCursor(cursor: unknown, cursors: CursorMap): { anchor: number; head: number } | undefined {
  if (!isObject(cursor)) return undefined;
  const anchor = cursors.absolutePosition(cursor["anchor"]);
  const head = cursors.absolutePosition(cursor["head"]);
  return anchor === null || head === null ? undefined : { anchor, head };
}

/** Whether a text is one JSON object, as a presence state must be. */
export function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && !Array.isArray(value);
  } catch {
    return false; // not JSON at all
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
