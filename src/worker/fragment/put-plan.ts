import type { DurableFragment } from "../../core/fragment/durable-fragment.ts";
import type { Write } from "../../core/fragment/write.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import type { FragmentWrite } from "./fragment-calls.ts";
import { expectedVersions, preconditionFault, UNCONDITIONAL } from "./preconditions.ts";

/** What a write may do: make a new fragment, change the one there is, or whichever it takes. */
export type PutMode = "create" | "change" | "either";

export type PutPlan =
  | { readonly kind: "refuse"; readonly refusal: Refusal }
  | { readonly kind: "create" }
  /** `isNew`: it repeats the request that made the fragment, and is answered as that was. */
  | { readonly kind: "write"; readonly write: PlannedWrite; readonly isNew: boolean };

export type PlannedWrite = FragmentWrite & Partial<Pick<Write, "expectedVersions">>;

export function planPut(
  fragment: DurableFragment,
  write: FragmentWrite,
  mode: PutMode,
  nowMs: number,
): PutPlan {
  const { id } = fragment;
  // A repetition is answered again whatever is asked of the version, which it may have changed itself. Should it be
  // forgotten before its turn comes, no version fits.
  if (write.request != null && fragment.exists && fragment.hasAnswered(write.request, nowMs))
    return { kind: "write", write: { ...write, expectedVersions: [] }, isNew: mode === "create" };
  const preconditions = write.preconditions ?? UNCONDITIONAL;
  const fault = preconditionFault(fragment, preconditions);
  if (fault !== null) return { kind: "refuse", refusal: fault };
  if (!fragment.exists) {
    // A base must be the version of something.
    if (mode === "change" || write.base?.kind === "version") return { kind: "refuse", refusal: notFound(id) };
    return { kind: "create" };
  }
  if (mode === "create")
    return { kind: "refuse", refusal: refusal("already_exists", `Fragment '${id}' exists already.`) };
  return {
    kind: "write",
    write: { ...write, expectedVersions: expectedVersions(preconditions) },
    isNew: false,
  };
}

export function notFound(id: string): Refusal {
  return refusal("not_found", `Fragment '${id}' not found.`);
}
