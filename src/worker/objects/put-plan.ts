import type { DurableFragment } from "../../core/room/durable-fragment.ts";
import { type Refusal, refusal } from "../../protocol/errors.ts";
import type { FragmentWrite } from "./fragment-calls.ts";

/** What a write of a whole fragment may do: make a new one, replace the one there is, or whichever it takes. */
export type PutMode = "create" | "replace" | "either";

export type PutPlan =
  | { readonly kind: "refuse"; readonly refusal: Refusal }
  | { readonly kind: "create" }
  /** `isNew`: it repeats the request that made the fragment, and is answered as that was. */
  | { readonly kind: "write"; readonly write: FragmentWrite; readonly isNew: boolean };

export function planPut(
  fragment: DurableFragment,
  write: FragmentWrite,
  mode: PutMode,
  nowMs: number,
): PutPlan {
  const { id } = fragment;
  if (!fragment.exists) {
    if (mode === "replace" || write.expectedVersions !== null)
      return { kind: "refuse", refusal: refusal("version_mismatch", "The fragment does not exist.") };
    if (write.base?.kind === "version")
      return { kind: "refuse", refusal: refusal("not_found", `Fragment '${id}' not found.`) };
    return { kind: "create" };
  }
  if (mode !== "create") return { kind: "write", write, isNew: false };
  if (write.request == null || !fragment.hasAnswered(write.request, nowMs))
    return { kind: "refuse", refusal: refusal("already_exists", `Fragment '${id}' exists already.`) };
  // Should it be forgotten before its turn comes, no version fits.
  return { kind: "write", write: { ...write, expectedVersions: [] }, isNew: true };
}
