import { done, type Result, refusal, refused } from "../../protocol/errors.ts";
import { MAX_DELETED_UNITS, MAX_UPDATE_DELETES, MAX_UPDATE_ITEMS } from "../../protocol/limits.ts";

/**
 * The result of the check of an update. "gap": it builds on structs that are not known here. Otherwise it is sound, and
 * the map holds each client id that has new structs in it, with its clock once the update is applied.
 */
export type Inspection = Result<"gap" | ReadonlyMap<number, number>>;

export const GAP: Inspection = done("gap");
export const NOTHING_NEW: Inspection = done(new Map());

export function malformed(message: string): Inspection {
  return refused(refusal("malformed_update", message));
}

export function tooMany(): Inspection {
  const most = `${MAX_UPDATE_ITEMS} structs and new deletes, and name at most ${MAX_UPDATE_DELETES} deletes`;
  const message = `An update must have at most ${most}.`;
  return refused(refusal("content_too_large", message));
}

export function tooMuchDeleted(): Inspection {
  const message = `An update must have at most ${MAX_DELETED_UNITS} characters of new deleted text.`;
  return refused(refusal("content_too_large", message));
}

export function splitPair(): Inspection {
  return refused(refusal("invalid_content", "The update splits a surrogate pair."));
}

export function oldGeneration(): Inspection {
  return refused(refusal("deleted", "The update belongs to a deleted generation of this fragment."));
}
