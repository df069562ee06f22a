import type { Write } from "../../core/fragment/write.ts";
import type { Room } from "../../core/room/room.ts";
import { done, type Refusal, type Result, refusal, refused } from "../../protocol/errors.ts";
import { expectedVersions, type Preconditions, preconditionFault, UNCONDITIONAL } from "./preconditions.ts";

/** A write as REST makes it. Without a base, it is based on the current text. */
export type FragmentWrite = Pick<Write, "content" | "metadata"> &
  Partial<Pick<Write, "base" | "request" | "moved">> & { readonly preconditions?: Preconditions };

export type AuthoredWrite = FragmentWrite & Pick<Write, "author">;

/** Whether a write must create the fragment, must change it, or may do either. */
export type PutMode = "create" | "change" | "either";

export type PutPlan =
  | { readonly kind: "create" }
  /** `isNew`: the write repeats the request that made the fragment, and gets the same answer. */
  | { readonly kind: "write"; readonly write: PlannedWrite; readonly isNew: boolean };

export type PlannedWrite = AuthoredWrite & Partial<Pick<Write, "expectedVersions">>;

export function planPut(room: Room, write: AuthoredWrite, mode: PutMode, nowMs: number): Result<PutPlan> {
  const { id } = room;
  // A repetition is answered again whatever its preconditions say, since the first request may itself have changed the
  // version. If that request is forgotten before the repetition's turn, no version matches.
  if (write.request != null && room.exists && room.hasAnswered(write.request, nowMs))
    return done({ kind: "write", write: { ...write, expectedVersions: [] }, isNew: mode === "create" });
  const preconditions = write.preconditions ?? UNCONDITIONAL;
  const fault = preconditionFault(room, preconditions);
  if (fault !== null) return refused(fault);
  if (!room.exists) {
    return mustExist(write, mode) ? refused(notFound(id)) : done({ kind: "create" });
  }
  if (mode === "create") return refused(refusal("already_exists", `Fragment '${id}' exists already.`));
  const planned = { ...write, expectedVersions: expectedVersions(preconditions) };
  return done({ kind: "write", write: planned, isNew: false });
}

/** Whether the write is refused if there is no fragment; `absenceFault` is then the refusal. */
export function mustExist(write: FragmentWrite, mode: PutMode): boolean {
  // A base must be the version of something.
  return mode === "change" || write.base?.kind === "version" || write.preconditions?.match != null;
}

export function absenceFault(id: string, preconditions = UNCONDITIONAL): Refusal {
  return preconditionFault({ id, life: null }, preconditions) ?? notFound(id);
}

function notFound(id: string): Refusal {
  return refusal("not_found", `Fragment '${id}' not found.`);
}
