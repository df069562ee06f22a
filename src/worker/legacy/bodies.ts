import * as v from "valibot";
import { metadataEntries } from "../../protocol/fragment.ts";

/**
 * The bodies of the old system's requests. Fields that are not named here, `directory` among them, are ignored, as
 * they were there; null is the same as absent.
 */

/** POST /api/prompts */
export const OldCreateSchema = v.object({
  id: v.string(),
  content: v.nullish(v.string(), ""),
  ...metadataEntries,
});

/** PUT /api/prompts/{id}: what is absent stays. */
export const OldUpdateSchema = v.object({ content: v.nullish(v.string()), ...metadataEntries });

/** POST /api/prompts/expand: a text and whose it is, or a stored fragment by its id. */
export const OldExpandSchema = v.object({
  content: v.nullish(v.string()),
  prompt_id: v.nullish(v.string()),
});
