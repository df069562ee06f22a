import type { Write } from "../../core/fragment/write.ts";
import type { Refusal } from "../../protocol/errors.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import type { Preconditions } from "./preconditions.ts";

/** A write as REST makes it; `settle` is the object's. Without a base it is one of the current text. */
export type FragmentWrite = Pick<Write, "content" | "metadata"> &
  Partial<Pick<Write, "base" | "request" | "moved">> & { readonly preconditions?: Preconditions };

export type FragmentAnswer =
  /** As the write left it; a request that was made before is answered with what it made then. */
  | { readonly kind: "fragment"; readonly fragment: Fragment; readonly isNew: boolean }
  | {
      readonly kind: "refused";
      readonly refusal: Refusal;
      /** With `stale_base`: what there is to merge with. */
      readonly current?: Pick<Fragment, "version" | "content">;
    };
