import { type Refusal, refusal } from "../../protocol/errors.ts";
import { MAX_UPDATE_DELETES, MAX_UPDATE_ITEMS } from "../../protocol/limits.ts";

/** What the check of an update comes to. */
export type Inspection =
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** It builds on structs that are not known here. */
  | { readonly kind: "gap" }
  | {
      readonly kind: "sound";
      /** Client ids with structs that are new, and their clocks once the update is applied. */
      readonly clocks: ReadonlyMap<number, number>;
    };

export const GAP: Inspection = { kind: "gap" };
export const NOTHING_NEW: Inspection = { kind: "sound", clocks: new Map() };

export function refused(reason: Refusal): Inspection {
  return { kind: "refused", refusal: reason };
}

export function malformed(message: string): Inspection {
  return refused(refusal("malformed_update", message));
}

export function tooMany(): Inspection {
  const most = `${MAX_UPDATE_ITEMS} structs and new deletes, and names at most ${MAX_UPDATE_DELETES} deletes`;
  const message = `An update has at most ${most}.`;
  return refused(refusal("content_too_large", message));
}

export function splitPair(): Inspection {
  return refused(refusal("invalid_content", "The update splits a surrogate pair."));
}

export function oldGeneration(): Inspection {
  return refused(refusal("deleted", "The update belongs to a deleted generation of this fragment."));
}
