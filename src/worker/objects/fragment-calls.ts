import type { Write } from "../../core/room/write.ts";
import type { Refusal } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";

/** A write as REST makes it; `settle` is the object's. */
export type FragmentWrite = Pick<Write, "content" | "metadata" | "expectedVersions">;

export type FragmentAnswer =
  | { readonly kind: "fragment"; readonly fragment: Fragment; readonly isNew: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };
