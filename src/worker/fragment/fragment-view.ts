import type { Written } from "../../core/fragment/write.ts";
import type { Room } from "../../core/room/room.ts";
import { utf8Length } from "../../language/utf8.ts";
import { done, type Refused, type Result, refused } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import { timestamp } from "../../protocol/timestamp.ts";

/** The outcome of a write over REST. */
export type FragmentAnswer =
  /** The fragment as the write left it. A repeated request gets the result of the first one. */
  | { readonly ok: true; readonly value: { readonly fragment: Fragment; readonly isNew: boolean } }
  | RefusedWrite;

export interface RefusedWrite extends Refused {
  /** With `stale_base`: the text to merge with. */
  readonly current?: Pick<Fragment, "version" | "content">;
}

/** The committed revision as REST shows it. */
export function fragmentOf(room: Room): Fragment {
  const { id, content, size, metadata, eol, revision, timeMs } = room.committed;
  const created_at = timestamp(createdAtMs(room));
  const updated_at = timestamp(timeMs);
  return { id, content, ...metadata, eol, created_at, updated_at, version: revision, size };
}

/** The same at a past revision, which was committed at `timeMs`; null if it is no longer known. */
function revisionOf(room: Room, revision: number, timeMs: number, nowMs: number): Fragment | null {
  const past = room.shownAt(revision, nowMs);
  if (past === null) return null;
  const { content, metadata } = past;
  const { id, created_at } = fragmentOf(room);
  const size = utf8Length(content);
  return { id, content, ...metadata, created_at, updated_at: timestamp(timeMs), version: revision, size };
}

/**
 * The answer to a writer, in the turn that has committed its write or refused it.
 *
 * @param makes whether the write makes the fragment, or repeats a request that can do nothing else
 */
export function answerWrite(
  room: Room,
  result: Result<Written>,
  makes: boolean,
  nowMs: number,
): FragmentAnswer {
  if (result.ok) {
    const { revision, timeMs, isRepetition } = result.value;
    const past = isRepetition ? revisionOf(room, revision, timeMs, nowMs) : null;
    const hasMade = isRepetition && isFirst(room, revision, timeMs);
    return done({ fragment: past ?? fragmentOf(room), isNew: makes || hasMade });
  }
  if (result.refusal.code !== "stale_base") return refused(result.refusal);
  const { version, content } = fragmentOf(room);
  return { ...refused(result.refusal), current: { version, content } };
}

/**
 * Whether this revision began the current life. For later lives only the time is stored, so two revisions of the same
 * millisecond look alike.
 */
function isFirst(room: Room, revision: number, timeMs: number): boolean {
  return room.life?.generation === 1 ? revision === 1 : timeMs === createdAtMs(room);
}

function createdAtMs({ life }: Room): number {
  if (life === null) throw new Error("There is no fragment to show.");
  return life.createdAtMs;
}
